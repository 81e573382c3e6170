"""``residua init`` writes a configuration with which a table passes ``residua check`` as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cohort_tables import COLUMNS, FILES, PUBLISHED, row, write_image, write_images, write_table
from residua.cli import app
from residua.cohort.cohort import judged_cohort
from residua.cohort.proposal.columns import table_with_images
from residua.cohort.proposal.config import config_text, proposed_config
from residua.cohort.split.persons import PERSONS, freeze_persons
from residua.errors import ResiduaError
from residua.estimate import jobs
from residua.problems.lists import errors_of
from residua.settings.study import load_study
from residua.settings.yaml_file import parsed_yaml, read_yaml

LARGE = 1.0


def cohort_of(
    hospitals: Sequence[str], each: int = 2, lacking: Sequence[str] = (), **cells: str
) -> list[dict[str, str]]:
    """``each`` patients of each hospital; no patient has the columns of ``lacking``."""
    absent = dict.fromkeys(lacking, "")
    return [
        row(f"P{number}", hospital, **absent, **cells)
        for number, hospital in enumerate(hospital for hospital in hospitals for _ in range(each))
    ]


def proposed(
    folder: Path,
    records: Sequence[Mapping[str, str]],
    columns: Sequence[str] = COLUMNS,
    stripped: Sequence[str] | bool = False,
    inputs: Mapping[str, Sequence[str]] = PUBLISHED["inputs"],
    frozen: bool = True,
) -> dict[str, Any]:
    """The configuration for a table whose every second patient has residual tumour; it passes as it is."""
    write_images(folder, [record | _unused(record) for record in records if record["role"] != "exclude"])
    table = write_table(folder, records, columns)

    def read(patients: Any, reference: str) -> dict[str, Any]:
        volumes = {p.patient: LARGE * (int(p.patient[1:]) % 2) for p in patients}
        return {
            "residual_ml": volumes,
            "stripped": {p: stripped if isinstance(stripped, bool) else p in stripped for p in volumes},
        }

    config, remarks = proposed_config(table, {**PUBLISHED, "inputs": inputs}, read)
    text = config_text(config, remarks)
    assert all(f"# {remark}\n" in text for remark in remarks.values())
    assert parsed_yaml(text, "my.yaml") == config
    study = load_study(config)
    assert errors_of(judged_cohort(study, table, frozen=frozen)[1]) == []
    assert study.cohort == str(folder / "cohort.tsv")
    return config | {"remarks": remarks}


FOUR = ("STO", "GOT", "PAR", "AMS")


def test_a_full_table_gives_the_published_study_with_its_own_hospitals(tmp_path: Path) -> None:
    config = proposed(tmp_path, cohort_of(FOUR))
    assert config["inputs"] == PUBLISHED["inputs"]
    assert config["sequences"] == PUBLISHED["sequences"]
    assert config["labels"] == PUBLISHED["labels"]
    assert config["eligibility"] == "complete"
    assert config["raters"] is None
    assert config["brain_mask"] == {"method": "deepbet"}
    places = [*config["holdout"], *(hospital for fold in config["folds"].values() for hospital in fold)]
    assert sorted(places) == sorted(FOUR)
    assert len(config["folds"]) == 3
    # What is default is not written, and means the same.
    assert "hd_bet_mode" not in config["brain_mask"]
    del config["remarks"]
    # A network that is described and not trained is left out.
    trained = {arch: PUBLISHED["networks"][arch] for arch in PUBLISHED["archs"]}
    published = {**PUBLISHED, **{k: config[k] for k in ("holdout", "folds")}, "networks": trained}
    assert load_study(config).networks == load_study(published).networks


@pytest.mark.parametrize(
    ("lacking", "inputs", "moving"),
    [
        (("post_flair", "pre_t1ce", "pre_tumor"), {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}, ["post_t1"]),
        (
            ("post_t1", "pre_t1ce", "pre_tumor"),
            {"A": ["post_t1ce"], "F": ["post_t1ce", "post_flair"]},
            ["post_flair"],
        ),
        (("post_t1", "post_flair", "pre_t1ce", "pre_tumor"), {"A": ["post_t1ce"]}, []),
        (
            ("pre_tumor",),
            {k: PUBLISHED["inputs"][k] for k in "ABC"},
            ["post_t1", "post_flair", "pre_t1ce"],
        ),
    ],
)
def test_only_sequences_that_are_there_are_used(
    lacking: tuple[str, ...], inputs: dict[str, list[str]], moving: list[str], tmp_path: Path
) -> None:
    config = proposed(tmp_path, cohort_of(FOUR, lacking=lacking))
    assert config["inputs"] == inputs
    assert config["sequences"]["moving"] == moving
    assert config["labels"] == {"residual": "post_t1ce"}
    assert config["registration"].get("resected") is None
    choices = {choice for by_arch in config["statistics"]["best_inputs"].values() for choice in by_arch.values()}
    assert choices == ({"A"} if len(inputs) == 1 else {"out_of_fold"})


def test_columns_that_the_table_lacks_altogether_are_no_matter(tmp_path: Path) -> None:
    columns = ("patient", "hospital", "role", "post_t1ce", "post_t1", "residual")
    assert list(proposed(tmp_path, cohort_of(FOUR), columns)["inputs"]) == ["A", "B"]


def test_patients_who_lack_a_sequence_stay_where_they_can(tmp_path: Path) -> None:
    records = cohort_of(FOUR)
    records[1]["post_flair"] = ""
    # Nobody of PAR can be in an input configuration with the tumour before surgery.
    for record in records[4:6]:
        record["pre_tumor"] = ""
    config = proposed(tmp_path, records)
    assert config["eligibility"] == "per_inputs"
    assert list(config["inputs"]) == ["A", "B", "C"]


def test_other_columns_of_images_and_labels_take_part(tmp_path: Path) -> None:
    records = [record | {"post_t2": record["post_t1"], "post_edema": record["residual"]} for record in cohort_of(FOUR)]
    config = proposed(tmp_path, records, (*COLUMNS, "post_t2", "post_edema"))
    assert config["sequences"]["moving"][-1] == "post_t2"
    assert config["labels"]["post_edema"] == "post_t1ce"


def test_a_column_of_images_is_known_by_suffixes_in_capitals_too(tmp_path: Path) -> None:
    records = [record | {"post_t2": f"t2/{record['patient']}.NII.GZ"} for record in cohort_of(FOUR)]
    table = table_with_images(write_table(tmp_path, records, (*COLUMNS, "post_t2")))
    assert all("post_t2" in patient.files for patient in table.patients)


def test_hospitals_of_the_role_holdout_are_held_out(tmp_path: Path) -> None:
    records = cohort_of((*FOUR, "MIL"))
    records[2]["role"] = records[3]["role"] = "holdout"
    config = proposed(tmp_path, records)
    assert config["holdout"] == ["GOT"]
    assert len(config["folds"]) == 4


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param(range(0, 10, 2), id="one of each hospital, as in a random split"),
        pytest.param((0,), id="one of one hospital, whose other patient stays in a fold"),
        pytest.param(range(8), id="all hospitals but one"),
    ],
)
def test_patients_of_the_role_holdout_are_held_out_without_their_whole_hospital(
    marked: Sequence[int], tmp_path: Path
) -> None:
    records = cohort_of((*FOUR, "MIL"))
    for number in marked:
        records[number]["role"] = "holdout"
    config = proposed(tmp_path, records)
    assert config["holdout"] == {"column": "role", "values": ["holdout"]}
    assert (config["folds"]["unit"], config["folds"]["count"]) == ("person", 2 if len(marked) > 4 else 4)


def test_a_table_of_held_out_patients_alone_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match=r"too few persons for folds \(0 without the role holdout\)"):
        proposed(tmp_path, [record | {"role": "holdout"} for record in cohort_of(FOUR)])


def test_folds_of_a_study_in_the_current_folder_are_not_those_of_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Init said that there are no inputs, and plan to delete the frozen folds, which trains all networks again."""
    monkeypatch.chdir(tmp_path)
    freeze_persons({f"P{number}": number % 2 for number in range(6)}, PERSONS)
    config = proposed(tmp_path / "other", cohort_of(("STO",), 12), frozen=False)
    assert config.pop("folds") == {"unit": "person", "count": 5}
    del config["remarks"]
    # What Snakemake would run is not asked here.
    monkeypatch.setattr(jobs, "_dry_run", lambda _: [])
    assert len(jobs.planned_run(config | {"folds": {"unit": "person", "count": 5}}).loaded.cohort.split.folds) == 5


def test_a_split_that_cannot_be_is_said_and_no_other_reason(tmp_path: Path) -> None:
    records = [record | {"person": f"X{number // 2}"} for number, record in enumerate(cohort_of(("STO",), 8))]
    records[0]["role"] = "holdout"
    with pytest.raises(ResiduaError, match=r"the scans of person X0 .* lie on two sides of the split"):
        proposed(tmp_path, records, (*COLUMNS, "person"))


@pytest.mark.parametrize("number", range(3, 9))
def test_a_small_try_has_patients_in_every_part(number: int, tmp_path: Path) -> None:
    assert proposed(tmp_path, cohort_of(("STO", "GOT"), 4)[:number])["folds"]["unit"] == "person"


def test_excluded_patients_decide_nothing(tmp_path: Path) -> None:
    records = cohort_of((*FOUR, "MIL"))
    for record in records[8:]:
        record |= {"role": "exclude", "exclusion_reason": "no consent", "post_t1": ""}
    config = proposed(tmp_path, records)
    assert config["eligibility"] == "complete"
    assert "MIL" not in str((config["holdout"], config["folds"]))


def test_every_part_holds_both_kinds_of_patients(tmp_path: Path) -> None:
    # P0, P2, … have none: a hospital with one patient has one kind only.
    config = proposed(tmp_path, cohort_of([f"H{number}" for number in range(6)], each=1))
    parts = [config["holdout"], *config["folds"].values()]
    assert len(parts) == 3
    assert all({int(hospital[1:]) % 2 for hospital in part} == {0, 1} for part in parts)


def test_names_that_yaml_would_read_as_something_else_stay_names(tmp_path: Path) -> None:
    config = proposed(tmp_path, cohort_of(("01", "NO", "1e3", "off")))
    places = [*config["holdout"], *(hospital for fold in config["folds"].values() for hospital in fold)]
    assert sorted(places) == ["01", "1e3", "NO", "off"]


def test_stripped_scans_and_given_masks_are_seen(tmp_path: Path) -> None:
    assert proposed(tmp_path, cohort_of(FOUR), stripped=True)["brain_mask"]["method"] == "stripped"
    given = cohort_of(FOUR)
    for record in given:
        record["brain_mask"] = record["residual"].replace("residual", "brain")
        write_image(tmp_path / record["brain_mask"])
    assert proposed(tmp_path, given, (*COLUMNS, "brain_mask"))["brain_mask"]["method"] == "given"


def test_whole_heads_among_stripped_scans_need_a_method_that_finds_the_brain(tmp_path: Path) -> None:
    config = proposed(tmp_path, cohort_of(FOUR), stripped=("P1", "P2"))
    assert config["brain_mask"] == {"method": "deepbet"}
    assert config["remarks"]["brain_mask"].startswith("2 of 8 reference scans look stripped already (P1, P2), the oth")
    config = proposed(tmp_path, cohort_of(FOUR), stripped=[f"P{number}" for number in range(7)])
    assert config["brain_mask"] == {"method": "deepbet"}
    assert "(P0, P1, P2, P3, P4, …)" in config["remarks"]["brain_mask"]


@pytest.mark.parametrize(
    ("stripped", "moved", "lacking", "told"),
    [
        (True, (), (), True),
        (False, (), (), False),
        (("P1",), (), (), False),
        (True, ("post_flair",), (), False),
        (True, (), ("post_t1", "post_flair", "pre_t1ce", "pre_tumor"), False),
    ],
)
def test_registered_scans_are_recognised_by_one_grid(
    stripped: Any, moved: Sequence[str], lacking: Sequence[str], told: bool, tmp_path: Path
) -> None:
    records = cohort_of(FOUR, lacking=lacking)
    elsewhere = np.diag([1.0, 1.0, 2.0, 1.0])
    elsewhere[:3, 3] = 10
    for column in moved:
        records[3][column] = f"moved/{column}.nii.gz"
    write_images(tmp_path, [record | _unused(record) for record in records])
    table = write_table(tmp_path, records)
    for column in moved:
        write_image(tmp_path / records[3][column], affine=elsewhere)

    def read(patients: Any, reference: str) -> dict[str, Any]:
        is_stripped = {p.patient: stripped if isinstance(stripped, bool) else p.patient in stripped for p in patients}
        return {"residual_ml": {p.patient: LARGE * (int(p.patient[1:]) % 2) for p in patients}, "stripped": is_stripped}

    config, remarks = proposed_config(table, PUBLISHED, read)
    assert ("engine: none" in remarks.get("registration", "")) is told
    assert config["registration"]["engine"] == "ants"


def test_results_choose_the_inputs_only_where_validation_can(tmp_path: Path) -> None:
    """P0, P2, … have no tumour. Every hospital has one patient with all sequences: without tumour, then with."""
    for with_all, expected in ((0, {"A"}), (1, {"out_of_fold"})):
        records = cohort_of(FOUR)
        for number, record in enumerate(records):
            if number % 2 != with_all:
                record |= {"post_t1": "", "post_flair": ""}
        choices = proposed(tmp_path, records)["statistics"]["best_inputs"]
        assert set(choices["segmentation"].values()) == set(choices["raters"].values()) == expected
        # No fold has both kinds among the patients with all sequences.
        assert set(choices["classification"].values()) == {"A"}
    both = proposed(tmp_path, cohort_of(FOUR))["statistics"]["best_inputs"]
    assert {choice for by_arch in both.values() for choice in by_arch.values()} == {"out_of_fold"}


def test_inputs_that_no_patient_shares_are_not_left_to_the_results(tmp_path: Path) -> None:
    inputs = {"B": ["post_t1ce", "post_t1"], "F": ["post_t1ce", "post_flair"]}
    records = cohort_of(FOUR, each=4)
    for number, record in enumerate(records):
        record["post_flair" if number % 4 < 2 else "post_t1"] = ""
    config = proposed(tmp_path, records, inputs=inputs)
    assert list(config["inputs"])[:2] == ["B", "F"]
    choices = config["statistics"]["best_inputs"]
    assert {choice for by_arch in choices.values() for choice in by_arch.values()} == {"B"}


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (cohort_of(("STO",), 2), "too few persons for folds (2): a study needs two folds and a hold-out at least"),
        (cohort_of(FOUR, lacking=("residual",)), "no patient has a file in column residual"),
        (cohort_of(FOUR, lacking=("post_t1ce",)), "no patient has a file in column post_t1ce"),
        (cohort_of(FOUR, hours_since_surgery="100"), "no patient can take part: scanned later than the protocol's"),
        (cohort_of(("St. Olav", "GOT", "PAR")), "is not an identifier"),
    ],
)
def test_a_table_that_no_study_fits_is_one_message(records: list[dict[str, str]], told: str, tmp_path: Path) -> None:
    with pytest.raises(ResiduaError) as error:
        proposed(tmp_path, records, (*COLUMNS, "hours_since_surgery"))
    assert told in str(error.value)


def test_the_command_writes_once_and_check_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    records = cohort_of(FOUR, lacking=("post_flair", "pre_t1ce", "pre_tumor"))
    write_images(tmp_path, [record | _unused(record) for record in records], enlarged=True)
    table = write_table(tmp_path, records)
    ran = CliRunner().invoke(app, ["init", table, "--out", "our study.yaml", "--workers", "1"])
    assert ran.exit_code == 0, ran.output
    assert "input configurations: A (post_t1ce), B (post_t1ce, post_t1)" in ran.stdout
    assert f"residua check {table} --config 'our study.yaml'" in ran.stdout
    assert set(read_yaml(tmp_path / "our study.yaml")["inputs"]) == {"A", "B"}
    checked = CliRunner().invoke(app, ["check", table, "--config", "our study.yaml", "--workers", "1"])
    assert "the study can run" in checked.stdout
    assert checked.exit_code == 0
    before = (tmp_path / "our study.yaml").read_bytes()
    again = CliRunner().invoke(app, ["init", table, "--out", "our study.yaml"])
    assert again.exit_code == 1
    assert "our study.yaml: exists already, and is not overwritten" in again.output
    assert (tmp_path / "our study.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("roles", "holdout"), [((), "20% of the scans, drawn"), (("holdout", "holdout"), "where role is holdout")]
)
def test_the_command_says_how_one_hospital_is_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roles: Sequence[str], holdout: str
) -> None:
    monkeypatch.chdir(tmp_path)
    records = cohort_of(("STO",), 12, lacking=("post_flair", "pre_t1ce", "pre_tumor"))
    for record, role in zip(records, roles, strict=False):
        record["role"] = role
    write_images(tmp_path, [record | _unused(record) for record in records], enlarged=True)
    ran = CliRunner().invoke(app, ["init", write_table(tmp_path, records), "--out", "my.yaml", "--workers", "1"])
    assert ran.exit_code == 0, ran.output
    assert f"hold-out: {holdout}; folds 2, drawn by persons (residua folds shows them)" in ran.stdout


def _unused(record: Mapping[str, str]) -> dict[str, str]:
    return {column: f"unused/{record['patient']}_{column}.nii.gz" for column in FILES if not record[column]}


def test_scans_without_a_skull_are_recognised_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    records = cohort_of(("A", "B", "C"), lacking=("post_t1", "post_flair", "pre_t1ce", "pre_tumor"))
    random = np.random.default_rng(0)
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in (48, 56, 48)], indexing="ij")
    brain = x**2 + y**2 + z**2 < 0.64
    for number, record in enumerate(records):
        scan = np.where(brain, random.normal(0, 1, brain.shape), -9.0).astype(np.float32)
        write_image(tmp_path / record["post_t1ce"], scan, np.diag([3.5, 3.5, 3.5, 1.0]))
        mask = (brain & (x < -0.5) if number % 2 else np.zeros(brain.shape)).astype(np.uint8)
        write_image(tmp_path / record["residual"], mask, np.diag([3.5, 3.5, 3.5, 1.0]))
    table = write_table(tmp_path, records)
    ran = CliRunner().invoke(app, ["init", table, "--out", "my.yaml", "--workers", "1"])
    assert ran.exit_code == 0, ran.output
    assert read_yaml(tmp_path / "my.yaml")["brain_mask"] == {"method": "stripped"}
