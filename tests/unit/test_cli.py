from __future__ import annotations

import json
import sys
from contextlib import chdir
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from cohort_tables import PUBLISHED, ROOT, config, rows, snapshot, write_images, write_table
from residua.cli import app
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.frozen import sealed_anew
from residua.cohort.split.placement_table import write_placement


def residua(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sound cohort and the configuration of its study."""
    write_images(tmp_path, rows(), enlarged=True)
    write_table(tmp_path, rows())
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config()), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_accepts_a_sound_cohort_and_changes_nothing(folder: Path) -> None:
    before = snapshot(folder)
    ran = residua("check", "cohort.tsv", "--workers", "1")
    *doubts, outcome = ran.stdout.splitlines()
    assert outcome == "cohort.tsv: 4 patients to include; the study can run"
    # One patient a fold cannot have both kinds.
    assert all("no patient with gross total resection" in line for line in doubts[:-1])
    assert doubts[-1] == "total: 3 warning fold-without-negatives"
    assert ran.exit_code == 0
    assert residua("check", "cohort.tsv", "--workers", "1", "--strict").exit_code == 1
    after = snapshot(folder)
    # What was read is kept; nothing that was there has changed.
    assert {path: content for path, content in after.items() if path in before} == before
    assert all("results/cohort/voxels/" in path for path in set(after) - set(before))


def test_check_prints_every_problem_and_exits_1(folder: Path) -> None:
    (folder / "images/GOT1_post_t1.nii.gz").unlink()
    (folder / "images/AMS1_residual.nii.gz").write_bytes(b"")
    ran = residua("check", "cohort.tsv", "--no-voxels")
    assert ran.stdout.splitlines() == [
        "error: row 3 (patient GOT1), column post_t1, images/GOT1_post_t1.nii.gz: the file does not exist: "
        "correct the path (relative to the table), or set role to exclude",
        "error: row 5 (patient AMS1), column residual, images/AMS1_residual.nii.gz: the file is empty (0 bytes): "
        "copy it again from its source",
        "total: 1 error file-missing",
        "total: 1 error file-empty",
        "cohort.tsv: 4 patients to include; the study cannot run",
    ]
    assert ran.exit_code == 1


def test_check_and_folds_judge_the_frozen_folds_of_the_study_that_they_are_given(folder: Path) -> None:
    study = folder / "study"
    table = study / PLACEMENT
    balanced = config(folds={"method": "balanced", "number": 2}, cohort="../cohort.tsv", raters=None)
    (folder / "config.yaml").write_text(yaml.safe_dump(balanced), encoding="utf-8")
    study.mkdir()
    with chdir(study), sealed_anew([PLACEMENT]):
        write_placement(PLACEMENT, {0: ("PAR",), 1: ("STO", "GOT")})

    def hospitals(*arguments: str) -> list[list[str]]:
        lines = residua("folds", "cohort.tsv", *arguments).stdout.splitlines()[1:3]
        return [sorted(line.replace(",", "").split()[1:-4]) for line in lines]

    assert hospitals("--directory", "study") == [["PAR"], ["GOT", "STO"]]
    assert hospitals() != hospitals("--directory", "study")
    assert residua("check", "cohort.tsv", "--directory", "study", "--no-voxels", "--html", "page.html").exit_code == 0
    assert (folder / "page.html").is_file()
    table.write_text(table.read_text().replace("STO\t1", "STO\t0"), encoding="utf-8")
    ran = residua("check", "cohort.tsv", "--directory", "study", "--no-voxels")
    assert ran.exit_code == 1
    assert "placement.tsv: changed since the folds were frozen, and every training depends on it" in ran.stdout
    assert "changed since the folds were frozen" in residua("folds", "cohort.tsv", "--directory", "study").stderr
    assert residua("check", "cohort.tsv", "--no-voxels").exit_code == 0


def test_check_and_folds_find_the_table_of_a_study_whose_folder_is_a_link(folder: Path) -> None:
    (folder / "disk/deep/study").mkdir(parents=True)
    (folder / "study").symlink_to("disk/deep/study")
    (folder / "tables").mkdir()
    (folder / "cohort.tsv").rename(folder / "tables/real.tsv")
    (folder / "cohort.tsv").symlink_to("tables/real.tsv")
    # What lies at the place that the letters of the path name is another table.
    (folder / "disk/deep/cohort.tsv").write_text("patient\n", encoding="utf-8")
    there = config(cohort="../../../cohort.tsv", raters=None)
    (folder / "config.yaml").write_text(yaml.safe_dump(there), encoding="utf-8")
    ran = residua("check", "cohort.tsv", "--directory", "study", "--no-voxels")
    assert ran.stdout.splitlines()[-1].startswith("../../../cohort.tsv: "), ran.stdout
    assert ran.exit_code == 0
    assert residua("folds", "cohort.tsv", "--directory", "study").exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("init", "cohort.tsv", "--out", "config.yaml/new.yaml", "--workers", "1"),
        ("check", "cohort.tsv", "--no-voxels", "--html", "config.yaml/page.html"),
    ],
)
def test_a_place_that_the_disk_refuses_is_one_line(folder: Path, command: tuple[str, ...]) -> None:
    ran = residua(*command)
    (line,) = ran.stderr.strip().splitlines()
    assert "config.yaml" in line
    assert line.endswith("correct the path")
    assert ran.exit_code == 1


def test_check_as_json_is_one_record(folder: Path) -> None:
    sound = residua("check", "cohort.tsv", "--json")
    assert json.loads(sound.stdout)["residual_ml"]["STO1"] == pytest.approx(36 * 0.384)
    assert sound.exit_code == 0
    (folder / "images/GOT1_post_t1.nii.gz").unlink()
    ran = residua("check", "cohort.tsv", "--json")
    record = json.loads(ran.stdout)
    assert (record["runs"], record["patients"], ran.exit_code) == (False, 4, 1)
    (problem,) = (problem for problem in record["problems"] if problem["severity"] == "error")
    assert (problem["row"], problem["subject"]) == (3, "post_t1")


def test_a_command_takes_the_configuration_that_it_is_given_else_the_published_one(folder: Path) -> None:
    other = folder / "other.yaml"
    other.write_text(yaml.safe_dump(config(holdout=["AMS", "XYZ"])), encoding="utf-8")
    given = residua("check", "cohort.tsv", "--config", other, "--no-voxels")
    assert "holdout of the config names hospital XYZ" in given.stdout
    assert given.stderr.strip() == ""
    for command in (("check", "cohort.tsv", "--no-voxels"), ("folds", "cohort.tsv")):
        assert residua(*command).stderr.strip() == "no --config: judged by config.yaml"
    (folder / "config.yaml").unlink()
    published = residua("check", "cohort.tsv", "--no-voxels")
    assert "folds.2 of the config names hospital SFR" in published.stdout
    assert published.stderr.strip() == (
        f"no --config: judged by {ROOT / 'config.yaml'}, the published study's; "
        "residua init cohort.tsv --out my.yaml writes one that fits the table"
    )
    # Folds are shown after it, or the message that there can be none.
    assert residua("folds", "cohort.tsv").stderr.startswith(published.stderr.strip())
    (folder / "cohort.tsv").rename(folder / "our cohort.tsv")
    assert "residua init 'our cohort.tsv' --out my.yaml" in residua("folds", "our cohort.tsv").stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("version: [", "config.yaml: cannot be read as YAML"),
        ("- a list", "config.yaml: contains no settings"),
        ("version: 1", "The configuration cannot be used:\n  title: Field required\n"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_a_message_and_no_traceback(
    folder: Path, content: str, told: str
) -> None:
    (folder / "config.yaml").write_text(content, encoding="utf-8")
    ran = residua("check", "cohort.tsv")
    assert ran.stderr.startswith(told)
    assert ran.stdout == ""
    assert ran.exit_code == 1
    assert isinstance(ran.exception, SystemExit)


@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "a.tsv", "b.tsv"], ["nothing"], ["simulate", "--out", "x", "--patients", "0"]]
)
def test_wrong_usage_exits_2(folder: Path, arguments: list[str]) -> None:
    ran = residua(*arguments)
    assert ran.exit_code == 2
    assert "Usage" in ran.stderr


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    module = ModuleType(name)
    vars(module).update(functions)
    monkeypatch.setitem(sys.modules, name, module)


def test_simulate_hands_its_options_on_and_prints_the_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def simulate_cohort(progress: Any, **options: Any) -> Path:
        progress(1, 2)
        asked.update(options)
        return Path(options["out"]) / "cohort.tsv"

    stand_in(monkeypatch, "residua.simulate.cohort", simulate_cohort=simulate_cohort)
    ran = residua("simulate", "--out", "demo", "--patients", 9, "--seed", 3, "--like", "micro", "--workers", 3)
    assert asked == {"out": Path("demo"), "patients": 9, "seed": 3, "like": "micro", "processes": 3}
    assert ran.stdout == "demo/cohort.tsv\n"
    assert ran.exit_code == 0


def test_simulate_prints_the_reason_of_a_failure(folder: Path) -> None:
    ran = residua("simulate", "--out", "demo", "--patients", 1, "--seed", 3, "--like", "micro")
    assert ran.exit_code == 1
    assert ran.stderr.strip()
    assert isinstance(ran.exception, SystemExit)
    assert not (folder / "demo").exists()


def test_schema_writes_its_files_and_checks_them(folder: Path) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(PUBLISHED), encoding="utf-8")
    stale = residua("schema", "--check")
    assert stale.exit_code == 1
    assert stale.stderr.startswith(
        "config.schema.json, docs/reference/config.md, docs/explanation/deviations.md, docs/reference/checks.md, "
        "docs/reference/metrics.md, docs/reference/cli.md: out of date"
    )
    assert not (folder / "docs").exists()
    assert residua("schema").exit_code == 0
    assert (folder / "docs/reference/config.md").is_file()
    assert residua("schema", "--check").exit_code == 0


def all_commands(command: Any, *names: str) -> list[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    if not hasattr(command, "list_commands"):
        return [(names, command)]
    context = click.Context(command)
    found = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return [each for name, below in found for each in all_commands(below, *names, name)]


@pytest.mark.parametrize(("names", "command"), all_commands(get_command(app)), ids=lambda given: str(given))
def test_an_option_of_one_value_is_refused_if_it_is_given_twice(names: tuple[str, ...], command: Any) -> None:
    single = [p for p in command.params if p.param_type_name == "option" and not p.multiple and not p.is_flag]
    for option in single[:1]:
        ran = residua(*names, option.opts[0], "1", option.opts[0], "2")
        assert ran.exit_code == 2
        assert f"{option.opts[0]} is given 2 times; give it once" in ran.stderr
