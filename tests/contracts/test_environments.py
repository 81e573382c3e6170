"""No environment imports from another: Snakemake hands its own search path to every script, so a leak is silent."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
import snakemake
from lock import locked, pins

from environments import HOUSE, environment, python_in
from residua.settings.networks import known_networks

LEAKS = """
import importlib, json, sys, sysconfig, types
from pathlib import Path
import __main__
scripts = Path(sys.argv[1])
sys.path.extend([sys.argv[2], str(scripts)])
__main__.__file__ = str(scripts / "some_rule.py")
__main__.snakemake = types.SimpleNamespace(threads=1, log=[], rule="some_rule", input=[], output=[])
import _here
for name in json.loads(sys.argv[3]):
    importlib.import_module(name)
stdlib = Path(sysconfig.get_paths()["stdlib"]).resolve()
homes = [Path(sys.prefix).resolve(), stdlib, scripts.parent / "src", scripts]
leaks = {}
for name, module in sorted(sys.modules.items()):
    file = getattr(module, "__file__", None)
    if file and Path(file).is_file() and module is not __main__:
        path = Path(file).resolve()
        if stdlib / "site-packages" in path.parents or not any(home in path.parents for home in homes):
            leaks[name] = str(path)
caches = {name: vars(module).get("__cached__") for name, module in list(sys.modules.items())}
own = {name: cache for name, cache in caches.items() if cache and cache.startswith(sys.prefix)}
print(len(own), *sorted(name for name, cache in own.items() if not Path(cache).exists()))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
print(json.dumps(leaks))
"""
"""Does what Snakemake does to a script's search path and lets _here mend it. Reports in three lines: how many modules
are the environment's, and which of them have no bytecode; all packages; modules from elsewhere."""


def leaks(stack: str, modules: list[str], house: Path = HOUSE) -> subprocess.CompletedProcess[str]:
    """Import modules in a stack's environment as a script would."""
    driver = str(Path(snakemake.__file__).resolve().parents[1])
    return python_in(stack, "-B", "-c", LEAKS, str(house / "scripts"), driver, json.dumps(modules))


def library_modules(script: str) -> list[str]:
    tree = ast.parse((HOUSE / "scripts" / f"{script}.py").read_text())
    found = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [name for name in found if name.startswith("residua")]


SCRIPTS = {
    "core": [
        "check_cohort", "split_folds", "register", "warp_label", "strip", "sample", "select_cases",
        "select_preoperative", "choose_threshold",
        "segment", "measure", "list_lesions", "rate", "compare_raters", "compare_inputs", "compare_architectures",
        "intervals", "compare_paired", "compare_raters_paired", "nested_estimate", "discrimination",
        "measure_conventions", "compare_conventions", "combine",
        "analyse_survival", "kaplan_meier",
        "pipeline_figure", "discrimination_figure", "agreement_figure", "dice_by_volume_figure", "calibration_figure",
        "confusion_figure", "learning_curves_figure",
        "table1", "table2", "table3", "table4", "table_s2", "table_baseline", "supplementary_tables",
        "figure1", "figure3", "figure4", "compare_subgroups", "forest_figures",
        "flow_figure", "participant_flow", "check_duplicates", "assess", "assess_cohort", "report", "mask_brain",
        "collect_failures", "check_preprocessing", "leave_out", "take_elsewhere", "compare_members",
        "compare_subsets", "bring_back", "compare_resections", "describe_model", "describe_resections", "list_patients",
        "measure_before", "resection_figure", "unpack", "report_patient", "report_cases", "tabulate_patients",
        "score_bundles", "score_thresholds", "judge_calibrations", "summarise_validation", "deface",
        "make_training_heads",
    ],
    "torch": ["mask_brain", "plan_network", "prepare", "prepare_derived", "train", "predict", "export_model"],
    "tensorflow": [
        "mask_brain", "prepare", "prepare_derived", "prepare_preoperative", "train", "predict", "train_brain_model",
    ],
    "monai": ["prepare", "prepare_derived", "train", "predict", "export_model"],
    "onnx": ["export_model", "take_initial_weights"],
    "hdbet": ["mask_brain"],
    "raidionics": ["mask_brain"],
}  # fmt: skip
STAGES = ("prepare", "train", "predict")
BY_NAME = {
    "monai": [f"residua.networks.segresnet.{module}" for module in (*STAGES, "to_onnx")],
    "core": ["residua.brain.template", *(f"residua.networks.{arch}.target" for arch in known_networks())],
    "hdbet": ["residua.brain.hd_bet"],
    "onnx": ["residua.networks.nnunet.to_onnx", "residua.networks.agunet.to_onnx", "residua.networks.agunet.from_onnx"],
    "raidionics": ["residua.brain.raidionics", "residua.external.raidionics"],
    "torch": ["residua.brain.deepbet", *(f"residua.networks.nnunet.{stage}" for stage in ("planner", *STAGES))],
    "tensorflow": ["residua.brain.agunet", *(f"residua.networks.agunet.{stage}" for stage in STAGES)],
}


def test_every_script_is_covered() -> None:
    named = {script for scripts in SCRIPTS.values() for script in scripts}
    assert named == {path.stem for path in (HOUSE / "scripts").glob("[a-z]*.py")}


@pytest.mark.parametrize("stack", sorted(SCRIPTS))
def test_a_stack_imports_only_from_itself(stack: str) -> None:
    done = leaks(stack, [module for script in SCRIPTS[stack] for module in library_modules(script)] + BY_NAME[stack])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}
    # Where Python is told to write no bytecode, each job would compile what the environment was built without.
    number, *without_bytecode = done.stdout.splitlines()[-3].split()
    assert int(number) > 100
    assert without_bytecode == []


def test_a_script_that_uses_ants_starts_without_what_no_stage_uses_of_it() -> None:
    done = leaks("core", ["residua.registration.register", "residua.registration.ants_engine"])
    assert done.returncode == 0, done.stderr
    imported = set(json.loads(done.stdout.splitlines()[-2]))
    assert "ants" in imported
    assert not {"matplotlib", "sklearn", "statsmodels"} & imported


def test_what_only_snakemake_has_cannot_be_imported() -> None:
    assert "No module named 'pulp'" in leaks("core", ["pulp"]).stderr


def test_a_leak_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/_here.py").write_text("")
    done = leaks("core", ["pulp"], house=tmp_path)
    assert "pulp" in json.loads(done.stdout.splitlines()[-1])


INSTALLED = "from importlib.metadata import distributions; print(*(f'{d.name}=={d.version}' for d in distributions()))"
WITHOUT_PIN = re.compile(r"residua|nvidia-.*|cuda-.*|triton|tensorflow(-cpu)?|pip|setuptools|wheel|uv")
"""What comes with the builds of PyTorch and TensorFlow for one kind of card, and what installs packages."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_an_environment_has_what_its_lock_says_and_nothing_else(name: str) -> None:
    asked = python_in(name, "-c", INSTALLED)
    assert asked.returncode == 0, asked.stderr
    found = {canonical(pin.partition("==")[0]): pin.partition("==")[2] for pin in asked.stdout.split()}
    pins = [pin.partition("==") for pin in locked(HOUSE / "envs/locks" / f"{name}.txt")]
    wanted = {canonical(package.partition("[")[0]): version for package, _, version in pins}
    # A build for a processor adds "+cpu" to PyTorch's version, and TensorFlow's has another name.
    there = {package: found.get(package, found.get(f"{package}-cpu", "missing")) for package in wanted}
    assert {package: version.partition("+")[0] for package, version in there.items()} == wanted
    assert [package for package in sorted(set(found) - set(wanted)) if not WITHOUT_PIN.fullmatch(package)] == []


def test_locks_hold_the_pins_of_the_environments() -> None:
    for file in sorted((HOUSE / "envs").glob("*.yaml")):
        assert sorted(locked(HOUSE / "envs/locks" / f"{file.stem}.txt")) == sorted(pins(file)), f"{file}: run make lock"


def test_environments_are_fully_pinned_and_the_same_for_conda_and_uv() -> None:
    import yaml

    for file in sorted((HOUSE / "envs").glob("*.yaml")):
        dependencies = yaml.safe_load(file.read_text())["dependencies"]
        assert dependencies[:2] == ["python=3.11", "pip"]
        assert set(dependencies[2]) == {"pip"}
        assert len(dependencies) == 3
        assert all(package.count("==") == 1 for package in dependencies[2]["pip"]), file
        assert (environment(file.stem) / "bin/python").exists()
