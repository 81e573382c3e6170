"""Whether the method of the brain mask fits the scans: stripped elsewhere, or whole heads."""

from __future__ import annotations

from collections.abc import Mapping

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
    if method == "given":
        return []
    wanted = method == "stripped"
    patients = [patient for patient, found in stripped.items() if found != wanted]
    if not patients:
        return []
    named = ", ".join(patients[:_NAMED]) + (", …" if len(patients) > _NAMED else "")
    count = f"{len(patients)} of {len(stripped)} reference scans"
    if wanted:
        what = f"{count} do not look stripped ({named}): no constant surrounds what can be a brain"
        return [
            problem_of("scans-not-stripped", what, "choose another method, or strip these scans too", subject=_SUBJECT)
        ]
    what = f"{count} look stripped already ({named}), and {method} is made for whole heads: it may cut off tumour"
    return [
        problem_of(
            "scans-stripped",
            what,
            "look at them; brain_mask.method: stripped keeps all that they show",
            subject=_SUBJECT,
        )
    ]
