from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cohort_tables import COLUMNS, config, row, rows, study, write_images, write_table
from residua.cohort.cohort import Cohort, judged_cohort
from residua.errors import ResiduaError
from residua.problems.lists import errors_of
from residua.problems.problem import Problem
from residua.settings.study import load_study

TWO_INPUTS = {"A": ["post_t1ce"], "C": ["post_t1ce", "post_flair"]}


def judged(folder: Path, records: list[dict[str, str]], **changes: Any) -> tuple[Cohort, list[Problem]]:
    """The cohort of a table with a column for the time since surgery, whose files all exist."""
    write_images(folder, [{**row(record["patient"], record["hospital"])} for record in records])
    path = write_table(folder, records, (*COLUMNS, "hours_since_surgery"))
    return judged_cohort(study(**changes), path)


def test_a_complete_study_excludes_patients_without_a_needed_sequence(tmp_path: Path) -> None:
    cohort, problems = judged(tmp_path, [*rows(), row("GOT2", "GOT", post_flair="n/a", pre_tumor="")])
    assert [(p.subject, p.what, p.severity, p.row) for p in problems] == [
        ("post_flair", "no file is given, and input configurations C, E need it", "ineligible", 6),
        ("pre_tumor", "no file is given, and input configurations D, E need it", "ineligible", 6),
    ]
    assert problems[0].remedy == "give the file, or set eligibility to per_inputs in the config"
    left_out = cohort.patients["GOT2"]
    assert (left_out.excluded_by, left_out.exclusion_reason) == ("protocol", "no post_flair and no pre_tumor")
    assert cohort.split.folds[1] == ("GOT1", "PAR1")
    assert cohort.split.excluded == {"GOT2": "no post_flair and no pre_tumor"}


def test_a_remedy_is_one_that_keeps_this_patient(tmp_path: Path) -> None:
    """Every input configuration needs the reference, and one without T1w-CE and FLAIR has no other either."""
    records = [
        *rows(),
        row("GOT2", "GOT", post_t1ce=""),
        row("GOT3", "GOT", post_flair=""),
        row("GOT4", "GOT", post_t1=""),
        row("GOT5", "GOT", hours_since_surgery="90"),
        row("PAR5", "PAR", hours_since_surgery="90"),
    ]
    inputs = {"B": ["post_t1ce", "post_t1"], "C": ["post_t1ce", "post_t1", "post_flair"]}
    protocol = {"window_hours": 72, "window_hours_by_hospital": {"PAR": 80}}
    _, problems = judged(tmp_path, records, inputs=inputs, protocol=protocol)
    assert {problem.patient: problem.remedy for problem in problems} == {
        "GOT2": "give the file",
        "GOT3": "give the file, or set eligibility to per_inputs in the config",
        "GOT4": "give the file",
        "GOT5": "correct the time, or raise protocol.window_hours in the config",
        "PAR5": "correct the time, or raise protocol.window_hours_by_hospital.PAR in the config",
    }


GRADES = {"STO1": "good", "GOT1": "Good", "PAR1": "fair", "AMS1": "good", "GOT2": "poor", "GOT3": "", "STO2": "fair"}


def graded(folder: Path, least: dict[str, str], column: str = "annotation_quality") -> tuple[Cohort, list[Problem]]:
    """The cohort of seven patients with grades."""
    records = [row(patient, patient[:3], **{column: grade}) for patient, grade in GRADES.items()]
    write_images(folder, [row(patient, patient[:3]) for patient in GRADES])
    path = write_table(folder, records, (*COLUMNS, column))
    return judged_cohort(study(protocol={"window_hours": 72, **least}), path)


@pytest.mark.parametrize(
    ("least", "left_out"),
    [
        (None, {}),
        ("poor", {"GOT3": "not graded"}),
        ("fair", {"GOT2": "lower than the protocol's", "GOT3": "not graded"}),
        (
            "good",
            {**dict.fromkeys(("PAR1", "GOT2", "STO2"), "lower than the protocol's"), "GOT3": "not graded"},
        ),
    ],
)
@pytest.mark.parametrize("column", ["annotation_quality", "image_quality"])
def test_a_grade_below_the_lowest_or_none_leaves_a_patient_out(
    tmp_path: Path, column: str, least: str | None, left_out: dict[str, str]
) -> None:
    cohort, problems = graded(tmp_path, {f"least_{column}": least} if least else {}, column)
    words = column.replace("_", " ")
    assert cohort.split.excluded == {patient: f"{words} {why}" for patient, why in left_out.items()}
    assert {problem.severity for problem in problems} == ({"ineligible"} if left_out else set())
    assert {cohort.patients[patient].excluded_by for patient in left_out} == ({"protocol"} if left_out else set())


def test_a_remedy_of_a_grade_is_one_that_keeps_the_patient(tmp_path: Path) -> None:
    _, problems = graded(tmp_path, {"least_annotation_quality": "fair"})
    assert [(problem.check, problem.patient, problem.what, problem.remedy) for problem in problems] == [
        (
            "quality-too-low",
            "GOT2",
            "annotation quality is poor, and the protocol asks for fair",
            "correct the grade, or lower protocol.least_annotation_quality in the config",
        ),
        (
            "quality-unknown",
            "GOT3",
            "annotation quality is not graded, and the protocol asks for fair",
            "give the grade, or delete protocol.least_annotation_quality in the config",
        ),
    ]


def test_a_table_without_the_column_of_grades_is_one_problem(tmp_path: Path) -> None:
    _, problems = graded(tmp_path, {"least_image_quality": "good"})
    assert [(problem.check, problem.subject, problem.remedy) for problem in problems] == [
        (
            "column-missing",
            "image_quality",
            "add it to the table, or delete protocol.least_image_quality in the config",
        )
    ]


@pytest.mark.parametrize("cell", ["excellent", "3", "good?"])
def test_a_grade_that_nobody_knows_is_refused_whether_or_not_the_protocol_asks(tmp_path: Path, cell: str) -> None:
    records = [{**each, "image_quality": cell if each["patient"] == "GOT1" else "fair"} for each in rows()]
    write_images(tmp_path, rows())
    _, (problem,) = judged_cohort(study(), write_table(tmp_path, records, (*COLUMNS, "image_quality")))
    where, told = "row 3 (patient GOT1), column image_quality", "write poor, fair or good, or leave the cell empty"
    assert str(problem) == f"{where}: unknown grade {cell!r}: {told}"


def test_a_protocol_knows_no_other_grade_and_one_without_grades_is_as_ever() -> None:
    assert set(study().protocol.model_dump()) == {"window_hours", "window_hours_by_hospital"}
    with pytest.raises(ResiduaError, match=r"protocol\.least_image_quality: Input should be 'poor', 'fair' or 'good'"):
        load_study(config(protocol={"window_hours": 72, "least_image_quality": "best"}))


def test_per_inputs_gives_each_input_configuration_its_own_patients(tmp_path: Path) -> None:
    records = [*rows(), row("GOT2", "GOT", post_flair="n/a"), row("GOT3", "GOT", post_t1ce="")]
    cohort, problems = judged(tmp_path, records, inputs=TWO_INPUTS, eligibility="per_inputs")
    assert [(p.patient, p.subject, p.check) for p in problems] == [("GOT3", "post_t1ce", "sequence-missing")]
    assert cohort.eligible("A") == ("STO1", "GOT1", "PAR1", "GOT2", "AMS1")
    assert cohort.eligible("C") == ("STO1", "GOT1", "PAR1", "AMS1")


def test_an_input_configuration_without_patients_in_a_fold_stops_the_study(tmp_path: Path) -> None:
    records = [row("STO1", "STO", post_flair=""), *rows()[1:]]
    _, problems = judged(tmp_path, records, inputs=TWO_INPUTS, eligibility="per_inputs")
    assert [str(problem) for problem in errors_of(problems)] == [
        "no patient of fold 0 has every channel of input configuration C (post_t1ce, post_flair): "
        "give some of them the sequence, or remove the input configuration, or change the folds in the config"
    ]
    # Two patients who have it cannot be in three parts.
    records = [row("STO1", "STO", post_flair=""), row("PAR1", "PAR", post_flair=""), *rows()[1:2], *rows()[3:]]
    _, problems = judged(tmp_path, records, inputs=TWO_INPUTS, eligibility="per_inputs")
    (told,) = [problem for problem in errors_of(problems) if "configuration C" in problem.what]
    assert told.remedy == "give some of them the sequence, or remove the input configuration"


APART = {"B": ["post_t1ce", "post_t1"], "C": ["post_t1ce", "post_flair"]}
"""Input configurations that a patient with either T1w or FLAIR cannot both have."""


def _either() -> list[dict[str, str]]:
    """Every hospital has a patient without T1w and one without FLAIR."""
    records = [(row(f"{h}1", h, post_t1=""), row(f"{h}2", h, post_flair="")) for h in ("STO", "GOT", "PAR", "AMS")]
    return [record for pair in records for record in pair]


def test_results_do_not_choose_among_inputs_that_no_patient_shares(tmp_path: Path) -> None:
    _, problems = judged(tmp_path, _either(), choice="out_of_fold", inputs=APART, eligibility="per_inputs")
    found = [str(problem) for problem in errors_of(problems)]
    assert len(found) == 4  # two networks, for segmentation and classification: there is no rater
    assert found[0] == (
        "statistics.best_inputs.segmentation.nnunet is out_of_fold, but no patient of a fold has the channels of all "
        "input configurations (B, C), so that they cannot be compared on the same patients: name an input "
        "configuration under statistics.best_inputs.segmentation.nnunet in the config"
    )


def test_one_shared_patient_of_a_fold_is_enough_and_one_of_the_holdout_is_not(tmp_path: Path) -> None:
    for patient, hospital, errors in (("GOT3", "GOT", 0), ("AMS3", "AMS", 4)):
        records = [*_either(), row(patient, hospital)]
        _, problems = judged(tmp_path, records, choice="out_of_fold", inputs=APART, eligibility="per_inputs")
        assert len(errors_of(problems)) == errors


def test_named_input_configurations_need_no_shared_patient(tmp_path: Path) -> None:
    left = config(inputs=APART, eligibility="per_inputs")
    for choices in left["statistics"]["best_inputs"].values():
        choices.update(nnunet="B", agunet="C")
    write_images(tmp_path, _either())
    path = write_table(tmp_path, _either(), COLUMNS)
    assert errors_of(judged_cohort(load_study(left), path)[1]) == []


@pytest.mark.parametrize("eligibility", ["complete", "per_inputs"])
def test_patients_without_annotation_are_excluded(tmp_path: Path, eligibility: str) -> None:
    cohort, problems = judged(tmp_path, [*rows(), row("GOT2", "GOT", residual="")], eligibility=eligibility)
    assert [(p.patient, p.subject, p.what, p.severity) for p in problems] == [
        ("GOT2", "residual", "not annotated", "ineligible")
    ]
    assert cohort.patients["GOT2"].exclusion_reason == "not annotated"


def test_a_scan_later_than_the_hospitals_window_is_excluded(tmp_path: Path) -> None:
    records = [
        *rows(),
        row("GOT2", "GOT", hours_since_surgery="72"),
        row("GOT3", "GOT", hours_since_surgery="72.5"),
        row("PAR2", "PAR", hours_since_surgery="100"),
        row("PAR3", "PAR", hours_since_surgery="169"),
    ]
    protocol = {"window_hours": 72, "window_hours_by_hospital": {"PAR": 168}}
    cohort, problems = judged(tmp_path, records, protocol=protocol)
    assert [(p.patient, p.subject, p.check, p.severity) for p in problems] == [
        ("GOT3", "hours_since_surgery", "scan-too-late", "ineligible"),
        ("PAR3", "hours_since_surgery", "scan-too-late", "ineligible"),
    ]
    assert problems[1].what == "scanned 169 h after surgery, later than the protocol's 168 h"
    assert cohort.split.folds[1] == ("GOT1", "PAR1", "GOT2", "PAR2")


def test_a_label_without_its_sequence_is_a_warning_and_no_channel(tmp_path: Path) -> None:
    records = [*rows(), row("GOT2", "GOT", pre_t1ce=""), row("GOT3", "GOT", pre_t1ce="", pre_tumor="")]
    inputs = {"A": ["post_t1ce"], "T": ["post_t1ce", "pre_tumor"]}
    cohort, problems = judged(tmp_path, records, inputs=inputs, eligibility="per_inputs")
    assert [(p.check, p.severity, p.patient, p.subject) for p in problems] == [
        ("label-without-sequence", "warning", "GOT2", "pre_tumor")
    ]
    assert problems[0].what.startswith("the label is given without pre_t1ce, on which it was drawn")
    assert cohort.eligible("T") == ("STO1", "GOT1", "PAR1", "AMS1")
    alone = {"inputs": {"T": ["post_t1ce", "pre_tumor"]}}
    for eligibility, how in (("complete", "give the file"), ("per_inputs", "give the file")):
        _, problems = judged(tmp_path, records[:-1], **alone, eligibility=eligibility)
        what = "no file is given, and input configuration T needs it"
        assert [(p.patient, p.subject, p.what, p.remedy) for p in problems] == [("GOT2", "pre_t1ce", what, how)]
    # A label that no network sees is measured alone.
    assert judged(tmp_path, records, inputs={"A": ["post_t1ce"]})[1] == []


def test_a_window_of_a_hospital_without_patients_is_an_error_that_names_the_likely_one(tmp_path: Path) -> None:
    late = [*rows(), row("GOT2", "GOT", hours_since_surgery="60")]
    protocol = {"window_hours": 72, "window_hours_by_hospital": {"got": 24, "PAR": 24, "XYZ": 24}}
    _, problems = judged(tmp_path, late, protocol=protocol)
    key = "protocol.window_hours_by_hospital of the config names hospital"
    assert [(p.check, p.severity, p.what) for p in problems] == [
        ("hospital-without-patients", "error", f"{key} got, which has no patient in the table"),
        ("hospital-without-patients", "error", f"{key} XYZ, which has no patient in the table"),
    ]
    assert problems[0].remedy == "did you mean GOT? Otherwise correct its name, or remove it from the config"
    assert problems[1].remedy == "correct its name, or remove it from the config"


def test_a_patient_that_the_table_excludes_is_not_judged(tmp_path: Path) -> None:
    gone = row("GOT2", "GOT", role="exclude", exclusion_reason="withdrew consent", post_t1ce="", residual="")
    cohort, problems = judged(tmp_path, [*rows(), gone])
    assert problems == []
    assert cohort.patients["GOT2"].excluded_by == "table"
