"""A network is added by its package, its environment file and its entry in the config: nothing else changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from environments import HOUSE

ADDED = Path(__file__).parent / "third_network"
ENTRY = {"environment": "logistic", "epochs": 60, "learning_rate": 5.0, "seed": 1}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with the third network, which shares the environments that exist."""
    house = tmp_path_factory.mktemp("house")
    for name in ("Snakefile", "config.yaml", "pyproject.toml", "rules", "scripts", "src", "envs", "profiles", "tests"):
        source = HOUSE / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, house / name)
    for part in ("src", "envs"):
        shutil.copytree(ADDED / part, house / part, dirs_exist_ok=True)
    (house / ".snakemake").mkdir()
    (house / ".snakemake/conda").symlink_to(HOUSE / ".snakemake/conda")
    file = house / "tests/micro/config.yaml"
    config = yaml.safe_load(file.read_text())
    config["archs"].append("logistic")
    config["networks"]["logistic"] = ENTRY
    for choices in config["statistics"]["best_inputs"].values():
        choices["logistic"] = "B"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return house


def run(house: Path, *command: str) -> str:
    """The output of a tool of this Python, run in the copy with the copy's library."""
    tool = str(Path(sys.executable).parent / command[0])
    variables = {**os.environ, "PYTHONPATH": str(house / "src")}
    done = subprocess.run([tool, *command[1:]], cwd=house, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_contract_test_covers_it(house: Path) -> None:
    said = run(house, "pytest", "-q", "-p", "no:cacheprovider", "tests/contracts/test_networks.py", "-k", "logistic")
    assert "8 passed" in said


def test_the_workflow_plans_its_trainings_and_compares_it(house: Path, micro_cohort: Path, tmp_path: Path) -> None:
    shutil.copytree(micro_cohort, tmp_path / "cohort")
    said = run(
        house, "snakemake", "--dry-run", "--cores", "1", "--configfile", "tests/micro/config.yaml",
        "--directory", str(tmp_path),
    )  # fmt: skip
    for fold in (0, 1):
        assert f"output: results/models/logistic/B/fold{fold}/manifest.json" in said
    assert "output: results/metrics/logistic/B.parquet" in said
    assert "table3.csv" in said
