"""Folds and hold-out of persons, who may have several scans."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohort_tables import COLUMNS, FILES, config, row, study, write_table
from residua.cohort.batches import batches
from residua.cohort.checks.duplicates import find_duplicates
from residua.cohort.cohort import judged_cohort
from residua.cohort.flow import participant_flow
from residua.cohort.proposal.placing import proposed_places
from residua.cohort.split.drawing import Person, drawn
from residua.cohort.split.leakage import prove
from residua.cohort.split.person_table import read_persons, write_persons
from residua.cohort.split.persons import PERSONS, freeze_persons
from residua.cohort.split.planned import PlannedSplit, planned_split
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.cohort.table.patients import parse_table
from residua.errors import ResiduaError
from residua.figures.flow_words import boxes
from residua.report.cohort import cohort_facts
from residua.report.methods import methods
from residua.settings.classification import Classification
from residua.settings.participation import BalancedFolds, DrawnFolds
from residua.settings.statistics import BestInputs, Statistics
from residua.settings.study import Study, load_study
from residua.statistics.bootstrap import bca_of_means
from residua.statistics.cases import persons_of
from residua.statistics.compare_inputs import compare_inputs
from residua.statistics.scores import scores_of
from residua.tables.table1 import cohort_table
from residua.tables.table2 import split_table
from whole_tables import read_patients

DRAWN = {"unit": "person", "count": 3}
WITH_PERSON = (*COLUMNS, "person")


def settings(holdout: Any = None, **folds: Any) -> Study:
    return study(holdout=holdout or {"share": 0.25}, folds={**DRAWN, **folds})


def records(number: int = 40, twice: int = 12, hospital: str = "AMS") -> list[dict[str, str]]:
    """A hospital's patients, the first ``twice`` of whom have a second scan."""
    first = [row(f"P{n:02d}", hospital) for n in range(number)]
    return [*first, *(row(f"P{n:02d}b", hospital, person=f"P{n:02d}") for n in range(twice))]


def members(folder: Path, rows: Sequence[Mapping[str, str]]) -> tuple[Patient, ...]:
    return read_patients(write_table(folder, rows, WITH_PERSON), FILES)


def tumors(patients: Sequence[Patient]) -> dict[str, bool]:
    """Every third person has no residual tumour."""
    return {patient.patient: int(patient.who[1:3]) % 3 > 0 for patient in patients}


def never() -> Mapping[str, bool]:
    raise AssertionError("the labels need not be read")


def planned(of: Study, patients: Sequence[Patient]) -> PlannedSplit:
    return planned_split(of, patients, lambda: tumors(patients))


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sides(split: Split, patients: Sequence[Patient]) -> dict[str, set[str]]:
    """The parts in which each person has scans."""
    parts, found = split.parts(), {}
    for patient in patients:
        found.setdefault(patient.who, set()).add(parts[patient.patient])
    return found


def test_one_hospital_is_split_by_persons_who_stay_whole(inside: Path) -> None:
    patients = members(inside, records())
    found = planned(settings(), patients)
    assert found.problems == ()
    assert set(found.split.patients) == {patient.patient for patient in patients}
    assert all(len(places) == 1 for places in sides(found.split, patients).values())
    # 52 scans: a quarter is held out, the rest in three equal folds.
    assert [len(found.split.folds[fold]) for fold in range(3)] == [13, 13, 13]
    assert len(found.split.holdout) == 13
    with_tumor = tumors(patients)
    shares = [sum(with_tumor[p] for p in part) / 13 for part in (*found.split.folds.values(), found.split.holdout)]
    assert max(shares) - min(shares) <= 2 / 13
    record = json.loads(json.dumps(found.split.to_json()))
    assert Split.from_json(record) == found.split
    assert all(proof["overlap"] == [] for proof in record["proof"].values())
    assert len(record["proof"]["0"]["training_persons"]) + len(record["proof"]["0"]["validation_persons"]) == 30


def test_hospitals_are_spread_over_all_parts(inside: Path) -> None:
    rows = [row(f"P{n:02d}", "AMS" if n < 24 else "GOT" if n < 36 else "STO") for n in range(48)]
    split = planned(settings(), members(inside, rows)).split
    for part in (*split.folds.values(), split.holdout):
        assert Counter(split.hospitals[patient] for patient in part) == {"AMS": 6, "GOT": 3, "STO": 3}


def test_the_seed_and_not_the_order_of_the_table_decides(inside: Path) -> None:
    patients = members(inside, records())
    places = planned(settings(), patients).places
    assert planned(settings(), tuple(reversed(patients))).places == places
    assert planned(settings(seed=7), patients).places != places


def test_drawn_persons_keep_their_places_and_new_ones_fill_what_lacks_them(inside: Path) -> None:
    patients = members(inside, records(20, 0))
    first = planned(settings(), patients)
    freeze_persons(first.places, PERSONS)
    stamp = Path(PERSONS).stat().st_mtime_ns
    again = planned_split(settings(), patients, never)
    assert again.places == first.places
    freeze_persons(again.places, PERSONS)
    assert Path(PERSONS).stat().st_mtime_ns == stamp
    more = members(inside, [*records(20, 0), *(row(f"P{n}", "AMS") for n in range(20, 32))])
    later = planned(settings(), more)
    assert {person: later.places[person] for person in first.places} == first.places
    assert sorted(Counter(later.places.values()).values()) == [8, 8, 8, 8]
    # A second scan goes where the first is, and needs no label.
    freeze_persons(later.places, PERSONS)
    rows = [*records(20, 1), *(row(f"P{n}", "AMS") for n in range(20, 32))]
    second = planned_split(settings(), members(inside, rows), never)
    assert second.split.parts()["P00b"] == second.split.parts()["P00"]


def test_no_batch_holds_persons_of_two_parts_and_a_further_scan_changes_one_of_its_own(inside: Path) -> None:
    patients = members(inside, records())
    found = planned(settings(), patients)
    made = batches(patients, found.places)
    parts = found.split.parts()
    assert set(made) == {"AMS-fold0-0", "AMS-fold1-0", "AMS-fold2-0", "AMS-holdout-0"}
    assert all(len({parts[patient] for patient in own}) == 1 for own in made.values())
    held_out = next(patient for patient in patients if found.places[patient.who] is None)
    more = members(inside, [*records(), row("P99", "AMS", person=held_out.who)])
    again = batches(more, found.places)
    assert {name for name in again if again[name] != made[name]} == {"AMS-holdout-0"}


def test_hospitals_columns_and_roles_hold_persons_out(inside: Path) -> None:
    rows = [row(f"P{n:02d}", "AMS" if n < 6 else "GOT", role="holdout" if n == 20 else "auto") for n in range(24)]
    for n, record in enumerate(rows):
        record["part"] = ("test", "Test")[n // 4 % 2] if n % 4 == 0 else "train"
    by_hospital = planned(settings(["AMS"]), members(inside, rows)).split
    assert by_hospital.holdout == ("P00", "P01", "P02", "P03", "P04", "P05", "P20")
    path = write_table(inside, rows, (*COLUMNS, "part"))
    cohort, _ = judged_cohort(settings({"column": "part"}, balance=["hospital"]), path)
    assert cohort.split.holdout == tuple(f"P{n:02d}" for n in range(0, 24, 4))
    by_role, _ = judged_cohort(settings({"column": "role"}, balance=["hospital"]), write_table(inside, rows))
    assert by_role.split.holdout == ("P20",)
    _, problems = judged_cohort(settings({"column": "side"}, balance=["hospital"]), path)
    assert any(problem.check == "column-missing" and problem.subject == "side" for problem in problems)


def test_a_hospital_or_mark_of_the_hold_out_that_no_patient_has_is_an_error(inside: Path) -> None:
    rows = [
        {**row(f"P{n:02d}", "AMS" if n < 6 else "GOT"), "part": "train" if n % 4 else "Validation"} for n in range(24)
    ]
    path = write_table(inside, rows, (*COLUMNS, "part"))

    def strange(holdout: Any) -> list[tuple[str, str]]:
        _, problems = judged_cohort(settings(holdout, balance=["hospital"]), path)
        return [(p.what, p.remedy) for p in problems if p.check.endswith("-without-patients")]

    what, remedy = "holdout of the config names hospital ams, which has no patient in the table", "correct its name"
    assert strange(["ams", "GOT"]) == [(what, f"did you mean AMS? Otherwise {remedy}, or remove it from the config")]
    what = "holdout.values of the config names valdation, which stands in no cell of the column part"
    remedy = "did you mean validation? Otherwise correct it, or remove it from the config"
    assert strange({"column": "part", "values": ["train", "valdation"]}) == [(what, remedy)]
    # A table has one of the usual marks.
    assert strange({"column": "part", "values": ["validation", "test"]}) == []


@pytest.mark.parametrize("folds", [{0: ["AMS"], 1: ["GOT"]}, {"unit": "person", "count": 2, "balance": ["hospital"]}])
def test_a_person_on_two_sides_is_an_error(inside: Path, folds: Any) -> None:
    rows = [*(row(f"P{n}", hospital) for n, hospital in enumerate(("AMS", "AMS", "GOT", "STO"))),
            row("P0b", "STO", person="P0")]  # fmt: skip
    of = study(holdout=["STO"], folds=folds)
    (problem,) = planned(of, members(inside, rows)).problems
    assert problem.check == "person-on-two-sides"
    assert "the scans of person P0 (P0 of AMS, P0b of STO) lie on two sides of the split" in str(problem)


def test_the_proof_finds_a_person_whom_a_split_of_hospitals_has_on_two_sides() -> None:
    hospitals = {"A": "AMS", "B": "GOT", "C": "STO"}
    split = Split({0: ("A",), 1: ("B",)}, ("C",), {}, hospitals, {"B": "A"})
    assert split.to_json()["proof"]["0"]["persons_on_two_sides"] == ["A"]
    assert prove(split, {}, ())["0"]["persons_on_two_sides"] == ["A"]
    assert not cohort_facts(split.to_json()).proven
    poisoned = Split({0: ("A",), 1: ("B",)}, ("C",), {}, dict.fromkeys("ABC", "AMS"), {"C": "A"}, "person")
    assert poisoned.to_json()["proof"]["0"]["overlap"] == ["A"]
    assert not cohort_facts(poisoned.to_json()).proven


def test_a_split_of_hospitals_without_further_scans_is_told_as_before() -> None:
    split = Split({0: ("A",), 1: ("B",)}, ("C",), {}, {"A": "AMS", "B": "GOT", "C": "STO"})
    assert set(split.to_json()) == {"folds", "holdout", "excluded", "hospitals", "proof"}
    assert set(split.to_json()["proof"]["0"]) == {
        "training_hospitals", "validation_hospitals", "holdout_hospitals", "overlap",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("person\tfold\nP00\t0\nP01\t1\n", "the file has the folds [0, 1], but folds.count in the config is 3"),
        ("person\tfold\nP00\tx\n", "'x' is not a fold: give a number from 0 on, or holdout"),
        ("person\tfold\nP00\t0\nP00\t1\n", "person P00 stands in the table twice"),
        ("person\n", "fold"),
        ("person\tfold\nP00\t0\nP01\t1\nP02\t2\nP20\t0\n", "the file has person P20 in fold 0, but the config and the "
         "table hold the person out"),
    ],
)  # fmt: skip
def test_a_table_of_persons_that_cannot_be_used_is_one_message(inside: Path, text: str, said: str) -> None:
    Path("results/cohort").mkdir(parents=True)
    Path(PERSONS).write_text(text)
    patients = members(inside, [*records(8, 0), row("P20", "AMS", role="holdout")])
    found = planned_split(settings(), patients, never)
    assert found.places == {}
    assert found.split.folds == {}
    told = "\n".join(map(str, found.problems))
    assert said in told
    assert all(problem.check == "persons-table" for problem in found.problems)


def test_who_was_drawn_into_the_hold_out_stays_there_only_while_a_share_is_held_out(inside: Path) -> None:
    patients = members(inside, records(12, 0))
    freeze_persons(planned(settings(), patients).places, PERSONS)
    problems = planned_split(settings(["AMS2"]), patients, never).problems
    assert len(problems) == 3
    assert "in holdout, but the config and the table do not hold the person out" in str(problems[0])


def test_fewer_persons_than_folds_are_one_message(inside: Path) -> None:
    (problem,) = planned(settings(), members(inside, records(2, 2))).problems
    assert (problem.check, problem.severity) == ("too-few-persons", "error")
    assert "3 folds need at least as many persons outside the hold-out, but there are 2" in str(problem)


def test_a_table_written_is_the_table_read(tmp_path: Path) -> None:
    places = {"B": 0, "A": None, "C": 11}
    write_persons(str(tmp_path / "persons.tsv"), places)
    assert read_persons(str(tmp_path / "persons.tsv")) == (places, [])


def test_persons_with_many_scans_are_balanced_by_scans() -> None:
    people = [Person(f"P{n}", scans, 0, "AMS") for n, scans in enumerate((6, 1, 1, 1, 1, 1, 1))]
    places = drawn(people, {0: 0.5, 1: 0.5}, {}, [], seed=0)
    assert sum(places[f"P{n}"] == places["P0"] for n in range(7)) == 1


def test_scans_with_and_without_tumour_are_spread_although_persons_have_both() -> None:
    people = [
        *(Person(f"B{n}", 2, 1, "AMS") for n in range(3)),
        Person("N", 1, 0, "AMS"),
        *(Person(f"T{n}", 1, 1, "AMS") for n in range(5)),
    ]
    for seed in range(20):
        places = drawn(people, {0: 0.33, 1: 0.33, None: 0.34}, {}, ["hospital", "residual"], seed)
        without = Counter(places[person.name] for person in people for _ in range(person.scans - person.with_tumor))
        assert set(without.values()) <= {1, 2}
        assert len(without) == 3


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("folds", {"unit": "person", "count": 1}, "folds"),
        ("folds", {"unit": "ward", "count": 3}, "folds"),
        ("folds", {"unit": "person", "count": 3, "balance": ["age"]}, "folds"),
        ("holdout", {"share": 1.5}, "holdout"),
        ("holdout", {"shares": 0.2}, "holdout"),
        ("holdout", "AMS", "give a list of hospitals"),
        ("holdout", {"share": 0.2}, "folds of hospitals need a hold-out of hospitals"),
    ],
)
def test_settings_of_persons_that_make_no_sense_are_refused(key: str, value: Any, said: str) -> None:
    with pytest.raises(ResiduaError, match=said):
        load_study(config(**{key: value}))


def test_a_number_of_folds_of_hospitals_means_balanced_folds() -> None:
    assert study(folds={"unit": "hospital", "count": 4}).folds == BalancedFolds(method="balanced", number=4)
    assert isinstance(settings().folds, DrawnFolds)
    kept = json.loads(json.dumps(settings().model_dump(mode="json")))
    assert load_study(kept) == settings()


def test_persons_in_two_spellings_are_an_error(tmp_path: Path) -> None:
    rows = [row("A", "AMS", person="Q1"), row("B", "AMS", person="q1")]
    with pytest.raises(ResiduaError, match="person q1 differs from Q1 in row 2 by upper and lower case only"):
        members(tmp_path, rows)


@pytest.mark.parametrize("first", [{}, {"person": "7"}])
def test_persons_and_hospitals_that_differ_by_zeros_are_a_warning(tmp_path: Path, first: dict[str, str]) -> None:
    rows = [row("7", "AMS1", **first), row("B", "AMS01", person="07"), row("C", "AMS01", person="70")]
    path = write_table(tmp_path, [*rows, row("D", "AMS10", person="07")], WITH_PERSON)
    problems = parse_table(path, FILES).problems
    assert [(p.check, p.severity, p.row, p.what) for p in problems] == [
        ("hospital-zeros", "warning", 3, "hospital AMS01 differs from AMS1 in row 2 by zeros only"),
        ("person-zeros", "warning", 3, "person 07 differs from 7 in row 2 by zeros only"),
    ]
    assert problems[1].remedy == "check whether they are one person"


@pytest.mark.parametrize("first", [{}, {"person": "P01"}])
def test_a_person_is_spelt_as_the_patient_of_the_first_scan(tmp_path: Path, first: dict[str, str]) -> None:
    rows = [row("P01", "AMS", **first), row("P01b", "AMS", person="p01")]
    with pytest.raises(ResiduaError, match="person p01 differs from P01 in row 2 by upper and lower case only"):
        members(tmp_path, rows)


def test_two_scans_of_one_person_may_be_alike() -> None:
    images = {"P1": {"post_t1ce": "a"}, "P2": {"post_t1ce": "a"}}
    record = {"digests": images, "fingerprints": {}}
    # The same voxels are one scan under two names, whoever the person is.
    (problem,) = find_duplicates([record], {}, persons={"P1": "P", "P2": "P"})
    assert problem.check == "patients-identical"


def test_the_report_and_table_2_count_persons_and_scans(inside: Path) -> None:
    patients = members(inside, records())
    record = planned(settings(), patients).split.to_json()
    facts = cohort_facts(record)
    text = " ".join(facts.sentences)
    assert (
        "52 scans of 40 persons of 1 hospital took part: 39 in 3 folds of whole persons, and 13 in the hold-out" in text
    )
    assert "have no person in common" in text
    assert "cannot show how the networks do at a hospital that they have not seen" in text
    assert "P0" not in text + str(facts.proof)
    frame = split_table(record).frame.set_index("Fold")
    assert list(frame.index) == [
        "Hospitals validation", "Persons train", "Persons validation", "Scans train", "Scans validation",
    ]  # fmt: skip
    assert list(frame.loc["Scans validation"]) == [13, 13, 13, 13]
    assert frame.loc["Persons validation"].sum() == 40
    (note,) = cohort_table([], record, 0.175).notes
    assert note == "Patients are counted by scan: 52 of 40 persons."
    flow = participant_flow({p.patient: p for p in patients}, Split.from_json(record), {}, {}, 0.175)
    assert flow["included"]["persons"] == 40
    assert [fold["persons"] for fold in flow["included"]["folds"]] == list(frame.loc["Persons validation"])[:3]
    assert boxes(flow).included.lines[:2] == ("1 hospital", "scans of 40 persons")
    passages = str(methods(settings(), {"nnunet": "nnU-Net", "agunet": "AGU-Net"}, False, 3))
    assert "The persons were drawn into three folds and a hold-out of 25" in passages
    assert "without the persons of one fold" in passages


def test_a_table_of_few_hospitals_is_proposed_folds_of_persons(tmp_path: Path) -> None:
    patients = members(tmp_path, records())
    assert proposed_places(patients, tumors(patients)) == ({"share": 0.2}, {"unit": "person", "count": 5})
    few = members(tmp_path, records(2, 1))
    with pytest.raises(ResiduaError, match="too few persons for folds"):
        proposed_places(few, tumors(few))


def scores(twice: bool, seed: int = 3) -> pd.DataFrame:
    """Forty persons on the test set, whose further scans have the same results."""
    rng = np.random.default_rng(seed)
    dice = rng.uniform(0.2, 0.9, 40)
    volumes = np.where(np.arange(40) % 3 > 0, 2.0, 0.0)
    found = np.where(rng.random(40) < 0.8, volumes, 2.0 - volumes)
    cases = pd.DataFrame({"person": [f"P{n}" for n in range(40)], "dice": dice, "reference_ml": volumes,
                          "predicted_ml": found, "split": "test", "fold": None})  # fmt: skip
    return pd.concat([cases, cases, cases], ignore_index=True) if twice else cases


def test_intervals_are_no_narrower_for_further_scans_that_tell_nothing_new() -> None:
    best = BestInputs(segmentation={}, classification={}, raters={})
    statistics = Statistics(alpha=0.05, bootstrap_resamples=2000, interval_sd_multiplier=1.96, seed=1, best_inputs=best)
    rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    once, thrice = scores_of(scores(False), rule, statistics), scores_of(scores(True), rule, statistics)
    naive = scores_of(scores(True).drop(columns="person"), rule, statistics)
    for measure, interval in once.items():
        assert thrice[measure].estimate == pytest.approx(interval.estimate)
        width, of_three, blind = (found.high - found.low for found in (interval, thrice[measure], naive[measure]))
        assert of_three == pytest.approx(width, rel=0.05)
        assert blind < 0.75 * width


def test_tests_compare_persons_and_not_scans() -> None:
    rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    frames = []
    for twice in (False, True):
        models = [scores(twice, seed).assign(arch="nnunet", inputs=name) for seed, name in ((3, "A"), (4, "B"))]
        frames.append(compare_inputs(pd.concat(models, ignore_index=True), rule, 0.05))
    once, thrice = frames
    assert once.loc[0, ["n_1", "n_2"]].tolist() == thrice.loc[0, ["n_1", "n_2"]].tolist()
    assert thrice.loc[0, "p_value"] == pytest.approx(once.loc[0, "p_value"])


def test_persons_of_one_scan_each_change_no_digit() -> None:
    values, names = np.random.default_rng(0).random(30), np.array([f"P{n}" for n in range(30)])
    plain = bca_of_means([values], 0.05, 1000, 7)
    assert bca_of_means([values], 0.05, 1000, 7, [names]) == pytest.approx(plain, abs=1e-12)
    assert persons_of(pd.DataFrame({"person": names})) is None


@pytest.mark.parametrize(
    ("columns", "person", "told"),
    [
        (("pre_t1ce", "pre_t1ce"), "P1", False),
        (("pre_t1ce", "pre_t1ce"), "P2", True),
        (("post_t1ce", "post_t1ce"), "P1", True),
        (("post_t1ce", "pre_t1ce"), "P1", True),
    ],
)
def test_scans_of_one_person_may_have_the_voxels_of_one_scan_before_surgery_in_common(
    columns: tuple[str, str], person: str, told: bool
) -> None:
    digests = {patient: {column: "the same"} for patient, column in zip(("P1a", "P1b"), columns, strict=True)}
    records = [{"digests": digests, "fingerprints": {}}]
    persons = {"P1a": "P1", "P1b": person}
    problems = find_duplicates(records, dict.fromkeys(digests, "AMS"), persons=persons, before_surgery=["pre_t1ce"])
    assert [problem.check for problem in problems] == (["patients-identical"] if told else [])
