from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residua.cohort.flow import participant_flow, require_sums
from residua.cohort.folds import Split
from residua.cohort.table import ExcludedBy, Patient
from residua.errors import ResiduaError

HOSPITALS = ("STO", "GOT", "PAR", "AMS")
BY: tuple[ExcludedBy | None, ...] = (None, "table", "protocol", "check")


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
    with pytest.raises(ResiduaError, match=r"1 patient\(s\) are not in just one fold"):
        participant_flow(patients, Split({0: ()}, (), {}, {}), {}, {}, 0.175)
    twice = Split({0: ("STO1",)}, ("STO1",), {}, {"STO1": "STO"})
    with pytest.raises(ResiduaError, match=r"1 patient\(s\)"):
        participant_flow(patients, twice, {}, {}, 0.175)
    there = Split({0: ("STO1",)}, (), {}, {"STO1": "STO"})
    with pytest.raises(ResiduaError, match="inputs A have patients who are not"):
        participant_flow(patients, there, {"A": ["GOT1"]}, {}, 0.175)
