"""Choose the brain mask's method, and remark on the registration, by what the scans of a table are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.images.volumes import load_grid

_COMPARED = "docs/explanation/brain_masks.md compares the methods."
_NAMED = 5


def proposed_mask(has_masks: bool, stripped: Mapping[str, bool], published: str) -> tuple[str, str]:
    """Return the method of the brain mask and why.

    ``stripped`` says by patient whether the reference scan looks stripped. Whole heads among stripped scans need a
    method that finds the brain.
    """
    if has_masks:
        return "given", f"The table has a brain mask of every patient. {_COMPARED}"
    found = [patient for patient, is_stripped in stripped.items() if is_stripped]
    if not found:
        return published, _COMPARED
    if len(found) == len(stripped):
        return "stripped", f"The scans look stripped already. {_COMPARED}"
    named = ", ".join(found[:_NAMED]) + (", …" if len(found) > _NAMED else "")
    counted = f"{len(found)} of {len(stripped)} reference scans look stripped already ({named})"
    return published, f"{counted}, the others are whole heads: look at the masks of both. {_COMPARED}"


def are_aligned(patients: Iterable[Patient], images: Sequence[str], stripped: Mapping[str, bool]) -> bool:
    """Return whether every patient's scans look stripped and lie on one grid, as in sets that were registered."""
    members = list(patients)
    several = [p for p in members if sum(column in p.files for column in images) > 1]
    return (
        bool(several)
        and all(stripped.get(patient.patient) for patient in members)
        and all(_on_one_grid([p.files[column] for column in images if column in p.files]) for p in several)
    )


def _on_one_grid(files: Sequence[str]) -> bool:
    try:
        first, *others = [load_grid(file) for file in files]
    except ResiduaError:
        return False
    return all(first.same_as(other) for other in others)
