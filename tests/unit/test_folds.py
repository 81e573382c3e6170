from __future__ import annotations

import json
from pathlib import Path

import pytest

from cohort_tables import FILES, PUBLISHED, row, rows, study, write_table
from residua.cohort.folds import Split, split_patients
from residua.cohort.table import Patient, read_patients
from residua.errors import ResiduaError
from residua.study import load_study

TABLE_1 = {
    "ALK": 23, "AMS": 73, "GRO": 43, "HAG": 40, "MIL": 55, "PAR": 41,
    "SFR": 108, "UTR": 53, "VIE": 45, "ZWO": 51, "STO": 237, "GOT": 187,
}  # fmt: skip


def patients(folder: Path, records: list[dict[str, str]]) -> tuple[Patient, ...]:
    return read_patients(write_table(folder, records), FILES)


def refusal(folder: Path, records: list[dict[str, str]]) -> list[str]:
    with pytest.raises(ResiduaError) as raised:
        split_patients(study(), patients(folder, records))
    return str(raised.value).splitlines()


def test_hospitals_go_where_the_config_says_in_table_order(tmp_path: Path) -> None:
    records = [*rows(), row("STO2", "STO"), row("AMS2", "AMS", role="holdout")]
    split = split_patients(study(), patients(tmp_path, records))
    assert split.folds == {0: ("STO1", "STO2"), 1: ("GOT1", "PAR1")}
    assert split.holdout == ("AMS1", "AMS2")
    assert split.validation(1) == split.training(0) == ("GOT1", "PAR1")
    assert split.patients == ("STO1", "STO2", "GOT1", "PAR1", "AMS1", "AMS2")
    assert [split.fold_of(patient) for patient in ("STO2", "PAR1", "AMS1")] == [0, 1, None]


def test_excluded_patients_are_nowhere_but_in_excluded(tmp_path: Path) -> None:
    out = {"role": "exclude", "exclusion_reason": "motion"}
    split = split_patients(study(), patients(tmp_path, [*rows(), row("STO2", "STO", **out), row("XYZ1", "XYZ", **out)]))
    assert split.excluded == {"STO2": "motion", "XYZ1": "motion"}
    assert split.folds[0] == ("STO1",)
    assert "STO2" not in (*split.patients, *split.hospitals)
    with pytest.raises(ResiduaError, match="STO2 is in no fold and not held out"):
        split.fold_of("STO2")


def test_the_published_split_has_the_sizes_of_table_2(tmp_path: Path) -> None:
    records = [row(f"{h}{n:03d}", h) for h, size in TABLE_1.items() for n in range(size)]
    split = split_patients(load_study(PUBLISHED), patients(tmp_path, records))
    assert [len(split.validation(fold)) for fold in range(5)] == [237, 151, 153, 155, 187]
    assert [len(split.training(fold)) for fold in range(5)] == [646, 732, 730, 728, 696]
    assert len(split.holdout) == 73
    assert len(set(split.patients)) == 956


def test_the_proof_shows_no_overlap_and_the_record_gives_the_split_back(tmp_path: Path) -> None:
    split = split_patients(study(), patients(tmp_path, rows()))
    record = json.loads(json.dumps(split.to_json()))
    assert record["proof"]["1"] == {
        "training_hospitals": ["STO"],
        "validation_hospitals": ["GOT", "PAR"],
        "holdout_hospitals": ["AMS"],
        "overlap": [],
    }
    assert Split.from_json(record) == split


def test_the_proof_is_computed_so_that_a_leak_would_show() -> None:
    split = Split({0: ("a",), 1: ("b",)}, ("c",), {}, {"a": "STO", "b": "STO", "c": "AMS"})
    assert split.to_json()["proof"]["0"]["overlap"] == ["STO"]
    leak = Split({0: ("a",), 1: ("b",)}, ("c",), {}, {"a": "STO", "b": "GOT", "c": "GOT"})
    assert leak.to_json()["proof"]["0"]["overlap"] == ["GOT"]


def test_everything_that_does_not_fit_is_told_at_once(tmp_path: Path) -> None:
    out = {"role": "exclude", "exclusion_reason": "motion"}
    records = [
        row("STO1", "STO", **out),
        row("GOT1", "GOT", role="holdout"),
        row("AMS1", "AMS"),
        row("AMZ1", "AMZ"),
        row("AMZ2", "AMZ"),
        row("QQQ1", "QQQ", role="holdout"),
    ]
    place = "name it under folds or holdout in the config, or set role to exclude"
    assert refusal(tmp_path, records) == [
        "The cohort does not fit the folds of the configuration (5 to mend):",
        "  row 5 (patient AMZ1), column hospital: hospital AMZ (2 patient(s)) is in no fold and not held out: "
        f"did you mean AMS? Otherwise {place}",
        f"  row 7 (patient QQQ1), column hospital: hospital QQQ (1 patient(s)) is in no fold and not held out: {place}",
        "  row 3 (patient GOT1), column role: role holdout, but hospital GOT is in fold 1 of the config: "
        "set role to auto, or move GOT from folds to holdout in the config",
        "  column role: folds.0 of the config is left without patients: all of STO are excluded: "
        "include some of them, or change the folds in the config",
        "  column hospital: folds.1 of the config names hospital PAR, which has no patient in the table: "
        "correct its name, or remove it from the config",
    ]


def test_a_hold_out_hospital_without_patients_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path, rows()[:3])[1:] == [
        "  column hospital: holdout of the config names hospital AMS, which has no patient in the table: "
        "correct its name, or remove it from the config"
    ]


def test_one_excluded_hospital_of_a_fold_that_has_others_is_no_problem(tmp_path: Path) -> None:
    records = rows()
    records[2] |= {"role": "exclude", "exclusion_reason": "motion"}
    assert split_patients(study(), patients(tmp_path, records)).folds[1] == ("GOT1",)


def test_role_holdout_contradicts_fold_0_as_well(tmp_path: Path) -> None:
    records = [*rows(), row("STO2", "STO", role="holdout")]
    (told,) = refusal(tmp_path, records)[1:]
    assert told.startswith("  row 6 (patient STO2), column role: role holdout, but hospital STO is in fold 0")
