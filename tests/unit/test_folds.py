from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cohort_tables import FILES, PUBLISHED, row, rows, study, write_table
from residua.cohort.split.fold_contents import FoldRow, fold_table
from residua.cohort.split.fold_kinds import fold_kind_problems
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.leakage import prove
from residua.cohort.split.spelling import did_you_mean
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.settings.study import load_study
from whole_tables import read_patients, split_patients

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
    with pytest.raises(ResiduaError, match="STO2 is neither in a fold nor in the hold-out"):
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


def test_all_problems_of_the_split_are_reported_at_once(tmp_path: Path) -> None:
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
        "The cohort does not fit the folds of the configuration (5 to correct):",
        "  row 5 (patient AMZ1), column hospital: hospital AMZ (2 patient(s)) is neither in a fold nor in the "
        "hold-out: "
        f"{place}",
        "  row 7 (patient QQQ1), column hospital: hospital QQQ (1 patient(s)) is neither in a fold nor in the "
        f"hold-out: {place}",
        "  row 3 (patient GOT1), column role: role holdout, but hospital GOT is in fold 1 of the config: "
        "set role to auto, or move GOT from folds to holdout in the config",
        "  column role: folds.0 of the config has no patients: all of STO are excluded: "
        "include some of them, or change the folds in the config",
        "  column hospital: folds.1 of the config names hospital PAR, which has no patient in the table: "
        "correct its name, or remove it from the config",
    ]


def test_a_hold_out_hospital_without_patients_is_reported(tmp_path: Path) -> None:
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


def test_a_placement_decides_and_an_empty_one_was_reported_already(tmp_path: Path) -> None:
    cohort = patients(tmp_path, rows())
    for folds in ({"method": "balanced", "number": 2}, {"method": "file", "path": "folds.tsv"}):
        split = split_patients(study(folds=folds), cohort, {1: ("STO",), 0: ("PAR", "GOT")})
        assert split.folds == {0: ("GOT1", "PAR1"), 1: ("STO1",)}
        assert split.training(0) == ("STO1",)
        assert split.holdout == ("AMS1",)
        assert split_patients(study(folds=folds), cohort, {}).folds == {}


@pytest.mark.parametrize(
    ("folds", "unplaced", "contradicting", "unpopulated"),
    [
        (
            {"method": "balanced", "number": 2},
            f"add a line for it to {PLACEMENT}, where the balanced folds are frozen, or delete that file",
            "role holdout, but hospital GOT is in fold 1: set role to auto, or add GOT to holdout in the config",
            f"fold 0 of {PLACEMENT} has no patients: all of STO are excluded or no longer in the table: "
            f"include some of them, or delete {PLACEMENT} to balance new folds, which trains all networks again",
        ),
        (
            {"method": "file", "path": "my/folds.tsv"},
            "add a line for it to my/folds.tsv, name it under holdout in the config, or set role to exclude",
            "role holdout, but hospital GOT is in fold 1: set role to auto, or add GOT to holdout in the config",
            "fold 0 of my/folds.tsv has no patients: all of STO are excluded or no longer in the table: "
            "include some of them, or change my/folds.tsv",
        ),
    ],
)
def test_problems_of_the_split_name_the_method_of_the_folds(
    tmp_path: Path, folds: dict[str, object], unplaced: str, contradicting: str, unpopulated: str
) -> None:
    records = [row("GOT1", "GOT", role="holdout"), row("AMS1", "AMS"), row("GOOT1", "GOOT")]
    records += [row(f"GOT{number}", "GOT") for number in (2, 3, 4)]
    with pytest.raises(ResiduaError) as raised:
        split_patients(study(folds=folds), patients(tmp_path, records), {0: ("STO",), 1: ("GOT",)})
    one, two, three = str(raised.value).splitlines()[1:]
    assert "hospital GOOT (1 patient(s)) is neither in a fold nor in the hold-out: did you mean GOT? Otherwise " in one
    assert unplaced in one
    assert two.endswith(contradicting)
    assert three.endswith(unpopulated)


SOUND = Split({0: ("a", "b"), 1: ("c",)}, ("d",), {}, {"a": "STO", "b": "GRO", "c": "GOT", "d": "AMS"})


def test_no_image_is_on_two_sides_of_a_sound_split() -> None:
    digests = {patient: {"t1": f"1{patient}", "t1ce": f"2{patient}", "residual": "empty"} for patient in "abcd"}
    found = prove(SOUND, digests, ("t1", "t1ce"))
    assert list(found) == ["0", "1"]
    assert found["0"] == {**SOUND.to_json()["proof"]["0"], "duplicates": []}
    assert found["1"]["validation_hospitals"] == ["GOT"]
    assert found["1"]["duplicates"] == []


def test_an_image_under_two_names_is_reported_where_it_is_on_two_sides() -> None:
    digests = {patient: {"t1": f"1{patient}", "t1ce": f"2{patient}"} for patient in "abcd"}
    # a and b, both of fold 0, share two images; c has b's under another column; d of the hold-out has a's.
    digests["b"] |= {"t1": "1a", "t1ce": "2a"}
    digests["c"]["t1ce"] = "1a"
    digests["d"]["t1ce"] = "2a"
    found = prove(SOUND, digests, ("t1", "t1ce"))
    assert found["0"]["duplicates"] == [
        {"training": ["c"], "validation": ["a", "b"], "holdout": []},
        {"training": [], "validation": ["a", "b"], "holdout": ["d"]},
    ]
    assert found["1"]["duplicates"] == [
        {"training": ["a", "b"], "validation": ["c"], "holdout": []},
        {"training": ["a", "b"], "validation": [], "holdout": ["d"]},
    ]
    only = {patient: digests[patient] for patient in "ab"}
    assert prove(SOUND, only, ("t1", "t1ce"))["0"]["duplicates"] == []
    json.dumps(found)


def test_the_table_of_folds_counts_both_kinds() -> None:
    rows_ = fold_table(SOUND, {"a": True, "b": False, "c": True})
    assert rows_ == [
        FoldRow("0", ("STO", "GRO"), 2, 1, 1),
        FoldRow("1", ("GOT",), 1, 1, 0),
        FoldRow("hold-out", ("AMS",), 1, 0, 0),
    ]
    assert [row_.rt_ratio_percent for row_ in rows_] == [50.0, 100.0, None]


def test_a_fold_that_lacks_one_kind_is_a_warning_unless_somebody_is_unknown() -> None:
    found = fold_kind_problems(study(), SOUND, {"a": True, "b": True, "c": False, "d": True})
    assert [(problem.check, problem.what.split(" has ")[0]) for problem in found] == [
        ("fold-without-negatives", "fold 0"),
        ("fold-without-positives", "fold 1"),
        ("fold-without-negatives", "the hold-out"),
    ]
    assert {problem.severity for problem in found} == {"warning"}
    assert fold_kind_problems(study(), SOUND, {"a": True, "b": False, "c": True}) == [
        problem
        for problem in fold_kind_problems(study(), SOUND, {"a": True, "b": False, "c": True, "d": True})
        if "fold 1" in problem.what
    ]


TABLE = {"method": "file", "path": "folds.tsv"}
BALANCED = {"method": "balanced", "number": 2}
NAMED = "which takes folds that the config names (folds: {0: [...], 1: [...]})"


@pytest.mark.parametrize(
    ("having", "folds", "remedy"),
    [
        ("", {}, "nobody in the study is with residual tumour, so that no other split helps: add such patients"),
        ("a", {}, "only 1 hospital(s) have patients with residual tumour (STO), so that no other split helps: add"),
        ("ab", {}, "only 2 hospital(s) have patients with residual tumour (STO, GRO), so that no other split helps"),
        ("abe", {}, "move a hospital with such patients there, such as GRO of fold 0, in the config"),
        ("abe", TABLE, "move a hospital with such patients there, such as GRO of fold 0, in folds.tsv and under hol"),
        ("abe", BALANCED, f"move a hospital with such patients there, such as GRO of fold 0, {NAMED}"),
    ],
)
def test_a_hold_out_without_tumours_is_mended_where_this_study_can(
    having: str, folds: dict[str, Any], remedy: str
) -> None:
    """STO has a and f, GRO b in fold 0; GOT has e in fold 1; AMS has d, held out."""
    hospitals = {"a": "STO", "f": "STO", "b": "GRO", "e": "GOT", "d": "AMS"}
    split = Split({0: ("a", "f", "b"), 1: ("e",)}, ("d",), {}, hospitals)
    changes = {"folds": folds} if folds else {}
    found = fold_kind_problems(study(**changes), split, {patient: patient in having for patient in "abdef"})
    (told,) = [p for p in found if p.check == "fold-without-positives" and p.what.startswith("the hold-out has")]
    assert told.remedy.startswith(remedy)


def test_fewer_folds_are_proposed_where_too_few_hospitals_have_tumours() -> None:
    hospitals = {name: name.upper() for name in "abcde"}
    split = Split({0: ("a",), 1: ("b",), 2: ("c",), 3: ("d",)}, ("e",), {}, hospitals)
    found = fold_kind_problems(study(), split, dict.fromkeys("abe", True) | dict.fromkeys("cd", False))
    lacking = [problem for problem in found if problem.check == "fold-without-positives"]
    assert len(lacking) == 2
    assert lacking[0].remedy == (
        "only 3 hospital(s) have patients with residual tumour (A, B, E): use at most 2 folds, or add such patients"
    )


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        # Letter case, and the number 0 for the letter O, tell no two hospitals apart.
        ("VUMC", "VUmc"),
        ("gro", "GRO"),
        ("ST0", "STO"),
        # A letter doubled, or one too few of two.
        ("GROO", "GRO"),
        ("UMUC", "UMCU"),
        ("Gronningen", "Groningen"),
        # One letter replaced, missing, added or swapped in a long name.
        ("Groninben", "Groningen"),
        ("Gronigen", "Groningen"),
        ("Groneingen", "Groningen"),
        ("Utrehct", "Utrecht"),
    ],
)
def test_a_slip_is_asked_about(code: str, meant: str) -> None:
    others = {meant: 40, "ZWO": 50, "Leiden": 60}
    assert did_you_mean(code, {code: 2, **others}, others) == f"did you mean {meant}? Otherwise "
    # A name that is in the configuration only may be the one that is misspelt.
    assert did_you_mean(code, {code: 2}, {meant: 0}) == f"did you mean {meant}? Otherwise "


@pytest.mark.parametrize(
    ("code", "other"),
    [
        ("GRA", "GRO"),
        ("STO", "STA"),
        ("PRA", "PAR"),
        ("OSL", "OS"),
        ("UMCG", "UMCU"),
        ("LUMC", "AUMC"),
        ("MUMC", "UMC"),
        ("OUS", "HUS"),
        ("H1", "H2"),
        ("site11", "site1"),
        ("Hospital12", "Hospital13"),
        ("Hospital12", "Hospital21"),
        ("Hospital1", "HospitalA"),
        ("Groningen", "Nijmegen"),
        ("Groninngenn", "Groningen"),
    ],
)
def test_a_plausible_code_is_not_asked_about(code: str, other: str) -> None:
    assert did_you_mean(code, {code: 1, other: 200}, {other: 200}) == ""
    assert did_you_mean(code, {code: 1}, {other: 0}) == ""


def test_a_slip_is_in_the_smaller_of_two_hospitals() -> None:
    def asked(own: int, size: int) -> bool:
        return did_you_mean("Gronigen", {"Gronigen": own}, {"Groningen": size}) != ""

    assert [asked(*sizes) for sizes in ((1, 4), (10, 40), (0, 1))] == [True] * 3
    assert [asked(*sizes) for sizes in ((1, 3), (10, 39), (40, 10))] == [False] * 3
    # One spelling is one hospital, whatever its size.
    assert did_you_mean("VUMC", {"VUMC": 30}, {"VUmc": 20}) != ""
