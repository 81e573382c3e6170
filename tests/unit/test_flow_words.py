from __future__ import annotations

from typing import Any

from residua.cohort.flow import participant_flow
from residua.cohort.split.split import Split
from residua.cohort.table.patient import ExcludedBy, Patient
from residua.figures.flow_words import MOST_REASONS, boxes, caption

SPLIT = Split(
    folds={0: ("STO1", "STO2"), 1: ("GOT1",)},
    holdout=("AMS1",),
    excluded={},
    hospitals={"STO1": "STO", "STO2": "STO", "GOT1": "GOT", "AMS1": "AMS"},
)


def flow_of(left_out: dict[str, tuple[ExcludedBy, str]], eligible: dict[str, list[str]] | None = None) -> Any:
    """The flow of four patients in the study, of whom STO2 has gross total resection, and those left out."""
    patients = {p: Patient(p, hospital, "auto", "", None) for p, hospital in SPLIT.hospitals.items()}
    patients |= {p: Patient(p, "PAR", "exclude", reason, None, excluded_by=by) for p, (by, reason) in left_out.items()}
    volumes = {"STO1": 1.0, "STO2": 0.1, "GOT1": 0.175, "AMS1": 5.0}
    return participant_flow(patients, SPLIT, eligible or {"A": list(SPLIT.patients)}, volumes, 0.175)


def test_every_box_shows_its_patients_and_reasons_are_counted() -> None:
    found = boxes(
        flow_of(
            {
                "PAR1": ("protocol", "no post_flair"),
                "PAR2": ("protocol", "no post_flair"),
                "PAR3": ("check", "image-constant"),
                "PAR4": ("table", "the same scan as STO1"),
            }
        )
    )
    assert (found.assessed.heading, found.assessed.lines) == ("Assessed: 8", ("4 hospitals",))
    assert found.left_out.heading == "Left out: 4"
    assert found.left_out.lines == (
        "by the cohort table: 1",
        "– the same scan as a patient: 1",
        "by the protocol: 2",
        "– no post-operative FLAIR: 2",
        "by checks of the data: 1",
        "– image-constant: 1",
    )
    assert (found.included.heading, found.included.lines) == ("In the study: 4", ("3 hospitals", "3 RT, 1 GTR"))
    assert found.cross_validation.heading == "Cross-validation: 3"
    assert found.cross_validation.lines == (
        "2 RT, 1 GTR",
        "Fold 0: 2 (1 RT, 1 GTR); STO\u00a02",
        "Fold 1: 1 (1 RT, 0 GTR); GOT\u00a01",
    )
    assert (found.holdout.heading, found.holdout.lines) == ("Hold-out: 1", ("1 RT, 0 GTR", "AMS\u00a01"))
    assert found.inputs is None


def test_many_reasons_are_summed_up_and_none_is_lost() -> None:
    left_out: dict[str, tuple[ExcludedBy, str]] = {
        f"PAR{n}": ("table", f"reason {n:02d}") for n in range(MOST_REASONS + 3)
    }
    lines = boxes(flow_of(left_out)).left_out.lines
    assert lines[0] == f"by the cohort table: {MOST_REASONS + 3}"
    assert len(lines) == MOST_REASONS + 2
    assert lines[-1] == "– 3 other reasons: 3"


def test_a_flow_without_exclusions_shows_nobody() -> None:
    assert boxes(flow_of({})).left_out.lines == ("nobody",)


def test_input_configurations_with_fewer_patients_are_listed() -> None:
    flow = flow_of({}, {"A": list(SPLIT.patients), "C": ["STO1", "GOT1", "AMS1"]})
    found = boxes(flow)
    assert found.inputs is not None
    assert found.inputs.lines == (
        "A: 4 (3 RT, 1 GTR), 3 in cross-validation, 1 held out",
        "C: 3 (3 RT, 0 GTR), 2 in cross-validation, 1 held out",
    )
    assert "Each input configuration has the patients" in caption(flow)
    assert "Each input configuration" not in caption(flow_of({}))


def test_long_lines_are_broken_and_a_hospital_keeps_its_number() -> None:
    (first, *rest) = boxes(flow_of({})).cross_validation.wrapped(24, len)[1:3]
    assert first == "Fold 0: 2 (1 RT, 1 GTR);"
    assert rest == ["   STO\u00a02"]
