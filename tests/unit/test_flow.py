from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residua.cohort.anonymous import anonymous
from residua.cohort.flow import participant_flow, require_sums
from residua.cohort.split.split import Split
from residua.cohort.table.patient import ExcludedBy, Patient
from residua.errors import ResiduaError
from residua.figures.flow_words import MOST_REASONS, FlowBox, boxes, caption, reason_in_words

HOSPITALS = ("STO", "GOT", "PAR", "AMS")
BY: tuple[ExcludedBy | None, ...] = (None, "table", "protocol", "check", "fault")


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[dict[str, Patient], Split, dict[str, list[str]], dict[str, float]]:
    """Patients of four hospitals in two folds and a hold-out; some left out, without inputs C, or not annotated."""
    patients, volumes = {}, {}
    for number in range(draw(st.integers(0, 25))):
        name, by = f"P{number}", draw(st.sampled_from(BY))
        role, reason = ("exclude", draw(st.sampled_from(("no FLAIR", "withdrew")))) if by else ("auto", "")
        patients[name] = Patient(name, draw(st.sampled_from(HOSPITALS)), role, reason, None, excluded_by=by)  # type: ignore[arg-type]
        if draw(st.booleans()):
            volumes[name] = draw(st.sampled_from((0.0, 0.1, 0.175, 3.0)))
    members = {name: p.hospital for name, p in patients.items() if not p.excluded}
    split = Split(
        folds={
            0: tuple(n for n, h in members.items() if h == "STO"),
            1: tuple(n for n, h in members.items() if h in HOSPITALS[1:3]),
        },
        holdout=tuple(n for n, h in members.items() if h == "AMS"),
        excluded={},
        hospitals=members,
    )
    return patients, split, {"A": list(members), "C": [n for n in members if draw(st.booleans())]}, volumes


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cohorts())
def test_the_flow_adds_up_for_any_cohort_and_names_nobody(cohort: Any) -> None:
    patients, split, eligible, volumes = cohort
    flow = participant_flow(patients, split, eligible, volumes, 0.175)
    assert flow["assessed"] == len(patients)
    excluded = sum(group["patients"] for group in flow["excluded"].values())
    assert excluded + flow["included"]["patients"] == len(patients)
    positive = sum(volumes.get(name, 0.0) >= 0.175 for name in split.patients)
    assert flow["included"]["rt"] == positive
    assert not any(f"'{name}'" in repr(flow) for name in patients)


def test_numbers_that_do_not_add_up_are_refused() -> None:
    patients = {"STO1": Patient("STO1", "STO", "auto", "", None), "AMS1": Patient("AMS1", "AMS", "auto", "", None)}
    split = Split({0: ("STO1",)}, ("AMS1",), {}, {"STO1": "STO", "AMS1": "AMS"})
    flow = participant_flow(patients, split, {"A": ["STO1", "AMS1"]}, {}, 0.175)
    for change in (
        lambda f: f.update(assessed=3),
        lambda f: f["included"]["folds"][0].update(patients=2),
        lambda f: f["hospitals"]["STO"].update(included=0),
        lambda f: f["inputs"][0]["holdout"].update(patients=0),
    ):
        wrong = copy.deepcopy(flow)
        change(wrong)
        with pytest.raises(ResiduaError, match="does not add up"):
            require_sums(wrong)


def test_a_patient_in_two_places_or_none_is_refused() -> None:
    patients = {"STO1": Patient("STO1", "STO", "auto", "", None)}
    with pytest.raises(
        ResiduaError, match=r"1 patient\(s\) are not in exactly one of the folds, the hold-out and the exclusions"
    ):
        participant_flow(patients, Split({0: ()}, (), {}, {}), {}, {}, 0.175)
    twice = Split({0: ("STO1",)}, ("STO1",), {}, {"STO1": "STO"})
    with pytest.raises(ResiduaError, match=r"1 patient\(s\)"):
        participant_flow(patients, twice, {}, {}, 0.175)
    there = Split({0: ("STO1",)}, (), {}, {"STO1": "STO"})
    with pytest.raises(ResiduaError, match="input configuration A has patients that are not"):
        participant_flow(patients, there, {"A": ["GOT1"]}, {}, 0.175)


def small_flow() -> dict[str, Any]:
    """Ten rows, worked by hand: two folds, a hold-out, four left out, inputs C without GOT2."""
    volumes = {"STO1": 2.0, "STO2": 0.1, "GOT1": 0.175, "GOT2": 0.0, "AMS1": 5.0}
    members = {name: name[:3] for name in (*volumes, "PAR1")}
    patients = {name: Patient(name, hospital, "auto", "", None) for name, hospital in members.items()}
    left_out: list[tuple[str, ExcludedBy | None, str]] = [
        ("STO8", "protocol", "no post_flair"),
        ("STO9", "protocol", "no post_flair"),
        ("GOT9", "check", "image-4d"),
        ("AMS9", None, "same scan as AMS1"),
    ]
    for name, by, reason in left_out:
        patients[name] = Patient(name, name[:3], "exclude", reason, None, excluded_by=by)
    split = Split({0: ("STO1", "STO2"), 1: ("GOT1", "GOT2", "PAR1")}, ("AMS1",), {}, members)
    eligible = {"A": list(split.patients), "C": [name for name in split.patients if name != "GOT2"]}
    return participant_flow(patients, split, eligible, volumes, 0.175)


def test_everybody_is_counted_where_they_are() -> None:
    flow = small_flow()
    included = flow["included"]
    assert (flow["assessed"], included["patients"]) == (10, 6)
    # GOT1 has just the volume of residual tumour; PAR1 was not annotated.
    assert [included[key] for key in ("rt", "gtr", "not_annotated")] == [3, 2, 1]
    assert included["folds"][1]["hospitals"] == {"GOT": 2, "PAR": 1}
    assert [fold["patients"] for fold in included["folds"]] == [2, 3]
    assert included["holdout"]["rt"] == 1
    assert flow["excluded"]["protocol"] == {"patients": 2, "reasons": [{"reason": "no post_flair", "patients": 2}]}
    assert flow["hospitals"]["STO"] == {"assessed": 4, "table": 0, "protocol": 2, "check": 0, "included": 2}
    without = flow["inputs"][1]
    assert (without["inputs"], without["patients"], without["cross_validation"]["patients"]) == ("C", 5, 4)


def test_a_reason_names_nobody_and_keeps_its_amounts() -> None:
    assert small_flow()["excluded"]["table"]["reasons"] == [{"reason": "same scan as a patient", "patients": 1}]
    numbered = {"17", "72", "0017", "20190412"}
    assert anonymous("after 72 h, see 0017", numbered) == "after 72 h, see a patient"
    assert anonymous("scan of 20190412", numbered) == "scan of a patient"
    assert anonymous("  ", numbered) == "no reason given"


def test_the_boxes_say_the_flow() -> None:
    found = boxes(small_flow())
    assert found.assessed == FlowBox("Assessed: 10", ("4 hospitals",))
    assert found.left_out == FlowBox(
        "Left out: 4",
        (
            *("by the cohort table: 1", "– same scan as a patient: 1"),
            *("by the protocol: 2", "– no post-operative FLAIR: 2"),
            *("by checks of the data: 1", "– image-4d: 1"),
        ),
    )
    assert found.cross_validation.lines == (
        "2 RT, 2 GTR, 1 not annotated",
        "Fold 0: 2 (1 RT, 1 GTR); STO\u00a02",
        "Fold 1: 3 (1 RT, 1 GTR, 1 not annotated); GOT\u00a02, PAR\u00a01",
    )
    assert found.holdout == FlowBox("Hold-out: 1", ("1 RT, 0 GTR", "AMS\u00a01"))
    assert found.inputs is not None
    assert found.inputs.lines[1].startswith("C: 5 (3 RT, 1 GTR, 1 not annotated), 4 in")
    assert "at least 0.175 ml" in caption(small_flow())
    assert "all of its channels" in caption(small_flow())


def test_only_the_protocol_speaks_of_columns_and_many_reasons_are_cut() -> None:
    assert reason_in_words("protocol", "no post_t1 and no my_scan") == "no post-operative T1w and no my scan"
    assert reason_in_words("table", "see my_scan") == "see my_scan"
    flow = small_flow()
    many = [{"reason": f"r{n}", "patients": 9 - n} for n in range(MOST_REASONS + 1)]
    flow["excluded"]["table"] = {"patients": 45, "reasons": many}
    lines = boxes(flow).left_out.lines
    assert lines[MOST_REASONS] == "– r7: 2"
    assert lines[MOST_REASONS + 1] == "– 1 other reason: 1"


def test_inputs_of_the_same_patients_have_no_box() -> None:
    flow = small_flow()
    flow["inputs"] = flow["inputs"][:1]
    assert boxes(flow).inputs is None
    assert "channels" not in caption(flow)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("short", ["short"]),
        ("two words", ["two", "   words"]),
        ("hard\u00a0blank", ["hard\u00a0bla", "   nk"]),
        ("– aaaaaaaaaaaa", ["– aaaaaa", "   aaaaa", "   a"]),
        ("", [""]),
    ],
)
def test_lines_break_at_blanks_and_long_words_where_they_must(line: str, parts: list[str]) -> None:
    assert FlowBox("", (line,)).wrapped(8, lambda text: float(len(text))) == parts
