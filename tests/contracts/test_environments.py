"""No environment imports from another: Snakemake hands its own search path to every script, so a leak is silent."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from environments import HOUSE, environment, python_in

LEAKS = """
import importlib, json, sys, sysconfig
from pathlib import Path
sys.path.extend(json.loads(sys.argv[2]))
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
homes = [sys.prefix, sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["platstdlib"], sys.argv[3]]
homes = [Path(home).resolve() for home in homes]
site = Path(sysconfig.get_paths()["stdlib"]).resolve() / "site-packages"
leaks = {}
for name, module in sorted(sys.modules.items()):
    file = getattr(module, "__file__", None)
    if file:
        path = Path(file).resolve()
        if site in path.parents or not any(home in path.parents for home in homes):
            leaks[name] = str(path)
print(json.dumps(leaks))
"""


def library_modules(script: str) -> list[str]:
    tree = ast.parse((HOUSE / "scripts" / f"{script}.py").read_text())
    found = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [name for name in found if name.startswith("residua")]


SCRIPTS = {
    "core": [
        "check_cohort", "split_folds", "register", "warp_label", "strip", "select_cases", "choose_threshold", "segment",
        "measure", "table1", "table2", "table3",
    ],
    "torch": ["mask_brain", "prepare", "train", "predict"],
}  # fmt: skip
BY_NAME = {
    "core": [],
    "torch": ["residua.brain.deepbet", *(f"residua.networks.nnunet.{s}" for s in ("prepare", "train", "predict"))],
}


def test_every_script_is_covered() -> None:
    named = {script for scripts in SCRIPTS.values() for script in scripts}
    assert named == {path.stem for path in (HOUSE / "scripts").glob("[a-z]*.py")}


@pytest.mark.parametrize("stack", sorted(SCRIPTS))
def test_a_stack_imports_only_from_itself(stack: str) -> None:
    import snakemake

    modules = [module for script in SCRIPTS[stack] for module in library_modules(script)] + BY_NAME[stack]
    driver = str(Path(snakemake.__file__).resolve().parents[1])
    done = python_in(stack, "-c", LEAKS, json.dumps(modules), json.dumps([driver]), str(HOUSE / "src"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}


def test_a_leak_would_be_seen() -> None:
    import snakemake

    driver = str(Path(snakemake.__file__).resolve().parents[1])
    done = python_in("core", "-c", LEAKS, json.dumps(["pulp"]), json.dumps([driver]), str(HOUSE / "src"))
    assert "pulp" in json.loads(done.stdout.splitlines()[-1])


def test_environments_are_fully_pinned_and_the_same_for_conda_and_uv() -> None:
    import yaml

    for file in sorted((HOUSE / "envs").glob("*.yaml")):
        dependencies = yaml.safe_load(file.read_text())["dependencies"]
        assert dependencies[:2] == ["python=3.11", "pip"] and set(dependencies[2]) == {"pip"} and len(dependencies) == 3
        assert all(package.count("==") == 1 for package in dependencies[2]["pip"]), file
        assert (environment(file.stem) / "bin/python").exists()
