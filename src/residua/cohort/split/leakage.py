"""The proof that no hospital is on two sides of the split, nor an image under the names of two patients."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from residua.cohort.split.split import Split


def prove(split: Split, digests: Mapping[str, Mapping[str, str]], images: Collection[str]) -> dict[str, Any]:
    """Return for each fold the hospitals on both sides and the patients that share an image across sides, as builtins.

    ``digests`` gives the digest of the voxels by patient and column, in a common orientation; ``images``
    are the columns that count (two empty masks are equal and mean nothing). By fold: ``training_hospitals``,
    ``validation_hospitals``, ``holdout_hospitals``, ``overlap`` (hospitals on two sides) and ``duplicates``, a record
    for each group of patients with an equal image, in whatever columns: its patients in ``training``, ``validation``
    and ``holdout``. The last two are empty in a correct study. Never raises; the names of patients are in it.
    """
    groups = _sharing(split, digests, images)
    return {
        str(fold): {**split.proof(fold), "duplicates": _across(groups, _sides(split, fold))}
        for fold in sorted(split.folds)
    }


def _sides(split: Split, fold: int) -> dict[str, frozenset[str]]:
    return {
        "training": frozenset(split.training(fold)),
        "validation": frozenset(split.validation(fold)),
        "holdout": frozenset(split.holdout),
    }


def _sharing(split: Split, digests: Mapping[str, Mapping[str, str]], images: Collection[str]) -> list[frozenset[str]]:
    """Return each group of patients of the split with a common image, once, in order."""
    patients: dict[str, set[str]] = {}
    for patient in split.patients:
        for column, digest in digests.get(patient, {}).items():
            if column in images:
                patients.setdefault(digest, set()).add(patient)
    groups = {frozenset(group) for group in patients.values() if len(group) > 1}
    return sorted(groups, key=sorted)


def _across(groups: list[frozenset[str]], sides: Mapping[str, frozenset[str]]) -> list[dict[str, list[str]]]:
    by_side = ({side: sorted(group & members) for side, members in sides.items()} for group in groups)
    return [found for found in by_side if sum(bool(members) for members in found.values()) > 1]
