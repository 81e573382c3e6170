"""Patients whose registration or brain mask failed: the files that name them, and how many a study may leave out.

Nothing of this in a study that stops for them, and nothing in an application, where a failed patient is listed as such.
"""

from __future__ import annotations

from typing import Any, Literal

from residua.wiring.application import LoadedApplication
from residua.wiring.files import brain_manifests
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import segmented_of_split, with_inputs
from residua.wiring.quality import used_registrations
from residua.wiring.rating import rated_patients

Side = Literal["folds", "holdout"]
SIDES: tuple[Side, ...] = ("folds", "holdout")
"""Apart, so that a failure in the hold-out reaches no training."""
SIDE_OF_SPLIT: dict[str, Side] = {"validation": "folds", "test": "holdout"}


def leaves_out(loaded: LoadedStudy) -> bool:
    """Return whether the study goes on without patients who failed."""
    return loaded.study.on_fault == "exclude" and not isinstance(loaded, LoadedApplication)


def left_out(loaded: LoadedStudy, *sides: Side) -> list[str]:
    """Return the files that name the patients who are left out, of some sides of the split or of both."""
    return [f"results/quality/left_out/{side}.json" for side in sides or SIDES] if leaves_out(loaded) else []


def left_out_of_subset(loaded: LoadedStudy, subset: str) -> list[str]:
    """Return the file for the patients of a fold or of the hold-out."""
    return left_out(loaded, "holdout" if subset == "holdout" else "folds")


def planned_folds(loaded: LoadedStudy) -> str:
    """Return the split as it was planned, which is known before anything is registered."""
    return "results/cohort/planned_folds.json" if leaves_out(loaded) else "results/cohort/folds.json"


def members(loaded: LoadedStudy, side: str) -> dict[str, str]:
    """Return the patients of a side of the split, whatever failed, each with the hospital."""
    held_out = set(loaded.split.holdout)
    return {p: loaded.split.hospitals[p] for p in loaded.split.patients if (p in held_out) == (side == "holdout")}


def registrations(loaded: LoadedStudy, side: str) -> list[str]:
    """Return the records of their registrations."""
    return used_registrations(loaded, members(loaded, side))


def brains(loaded: LoadedStudy, side: str) -> list[str]:
    """Return the manifests of their brain masks."""
    return brain_manifests(loaded, members(loaded, side))


def limits(loaded: LoadedStudy) -> dict[str, Any] | None:
    """Return how many may be left out, and the parts of the study that need somebody; None: the study stops for one."""
    if not leaves_out(loaded):
        return None
    split = loaded.split
    placed = {**{f"fold {fold}": split.folds[fold] for fold in loaded.folds}, "the hold-out": split.holdout}
    parts = {
        f"{part} with input configuration {inputs}": with_inputs(loaded, who, inputs)
        for inputs in loaded.study.inputs
        for part, who in placed.items()
    }
    if loaded.study.left_to_results:
        shared = [patient for who in loaded.cohort.shared.values() for patient in who]
        parts["the folds with all input configurations"] = shared
    parts["the raters' patients"] = rated_patients(loaded)
    parts |= {
        f"the predictions of {arch} {inputs} ({split})": segmented_of_split(loaded, arch, inputs, split)
        for arch, inputs in loaded.predictions
        for split in SIDE_OF_SPLIT
    }
    return {"patients": len(split.patients), "most_excluded": loaded.study.most_excluded, "parts": parts}
