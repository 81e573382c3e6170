"""Whether the method of the brain mask fits the scans: stripped elsewhere, or whole heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from residua.problems.problem import Problem
from residua.problems.severity import problem_of

_SUBJECT = "brain_mask.method"
_NAMED = 5


def stripped_problems(stripped: Mapping[str, bool], method: str) -> list[Problem]:
    """Return one remark on the patients whose reference scan the method is not made for.

    ``stripped`` says by patient whether the scan looks stripped, as ``check_voxels`` finds.

    >>> [str(problem) for problem in stripped_problems({"STO1": True, "STO2": False}, "deepbet")]
    ['column brain_mask.method: 1 of 2 reference scans look stripped already (STO1), ...']
    >>> stripped_problems({"STO1": True, "STO2": False}, "given")
    []
    """
    doubtful = {patient: problem for patient, found in stripped.items() if (problem := stripped_problem(found, method))}
    if not doubtful:
        return []
    first = next(iter(doubtful.values()))
    named = ", ".join(list(doubtful)[:_NAMED]) + (", …" if len(doubtful) > _NAMED else "")
    count = f"{len(doubtful)} of {len(stripped)} reference scans"
    if method == "stripped":
        what = f"{count} do not look stripped ({named}): no constant surrounds what can be a brain"
        remedy = "choose another method, or strip these scans too"
    else:
        what = f"{count} look stripped already ({named}), and {method} is made for whole heads: it may cut off tumour"
        remedy = "look at them; brain_mask.method: stripped keeps all that they show"
    return [replace(first, what=what, remedy=remedy, subject=_SUBJECT)]


def stripped_problem(looks_stripped: bool, method: str) -> Problem | None:
    """Return the remark on one patient whose reference scan the method is not made for; None where there is none.

    >>> print(stripped_problem(True, "deepbet"))
    the scan looks stripped already, and deepbet is made for whole heads: it may cut off tumour: give the whole head
    >>> stripped_problem(False, "deepbet"), stripped_problem(True, "stripped"), stripped_problem(True, "given")
    (None, None, None)
    """
    if method == "given" or looks_stripped == (method == "stripped"):
        return None
    if looks_stripped:
        what = f"the scan looks stripped already, and {method} is made for whole heads: it may cut off tumour"
        return problem_of("scans-stripped", what, "give the whole head")
    what = "the scan does not look stripped: no constant surrounds what can be a brain"
    return problem_of("scans-not-stripped", what, "give it stripped, as the scans of the study were")
