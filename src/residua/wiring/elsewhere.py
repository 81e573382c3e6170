"""Predictions made elsewhere: what takes them into the study, and what tables and report say of them."""

from __future__ import annotations

from typing import Any

from residua.publishing.notes import Note
from residua.settings.elsewhere import SEEN, Elsewhere
from residua.settings.statistics import OUT_OF_FOLD
from residua.wiring.files import reference_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import each, segmented_of_split


def predicted_files(loaded: LoadedStudy, arch: str, inputs: str, split: str) -> list[str]:
    """Return the predictions of the patients of a split that have one."""
    files = loaded.predictions[arch, inputs]
    return [files[patient] for patient in segmented_of_split(loaded, arch, inputs, split)]


def predicted_references(loaded: LoadedStudy, arch: str, inputs: str, split: str) -> list[str]:
    """Return the reference images of these patients."""
    return [reference_of(loaded, patient) for patient in segmented_of_split(loaded, arch, inputs, split)]


def given_threshold(loaded: LoadedStudy, arch: str) -> float | None:
    """Return the threshold that the configuration gives a network of elsewhere; None where it is chosen."""
    return loaded.study.elsewhere[arch].given_threshold if arch in loaded.study.elsewhere else None


def threshold_files(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the file of the threshold that out-of-fold predictions choose; none where the configuration gives it."""
    chosen = given_threshold(loaded, arch) is None
    return [f"results/segmentations/{drawn_by(loaded, arch)}/{inputs}/threshold.json"] if chosen else []


def drawn_by(loaded: LoadedStudy, arch: str) -> str:
    """Return the network whose threshold a network has: its own, unless it is drawn by one and gated by another."""
    combination = loaded.study.combinations.get(arch)
    return combination.draw or arch if combination else arch


def chosen_thresholds(loaded: LoadedStudy) -> list[tuple[str, str]]:
    """Return the networks and input configurations whose threshold out-of-fold predictions choose."""
    return [
        (arch, inputs)
        for arch, inputs in loaded.judged
        if given_threshold(loaded, arch) is None and drawn_by(loaded, arch) == arch
    ]


def postprocessing_of(loaded: LoadedStudy, arch: str) -> dict[str, Any]:
    """Return the steps from probabilities to a mask, as builtins; a mask made elsewhere keeps all its components."""
    record = loaded.study.postprocessing.model_dump(mode="json")
    other = loaded.study.elsewhere.get(arch)
    return record if other is None or other.kind == "probabilities" else record | {"min_component_voxels": 0}


def notes_of_elsewhere(loaded: LoadedStudy) -> list[Note]:
    """Return a footnote for each network of elsewhere: what it had seen, its patients and its threshold."""
    return [_note(loaded, name) for name in loaded.study.elsewhere]


def _note(loaded: LoadedStudy, name: str) -> Note:
    other = loaded.study.elsewhere[name]
    pieces: list[str | dict[str, str]] = [f"{loaded.arch_labels[name]}: {SEEN[other.has_seen_patients]}. "]
    for number, inputs in enumerate(other.inputs):
        pieces += [f"{'; ' if number else ''}inputs {inputs}: ", *_counts(loaded, name, inputs)]
    return [*pieces, f". {_made_masks(other)}"]


def _counts(loaded: LoadedStudy, name: str, inputs: str) -> list[str | dict[str, str]]:
    holdout = loaded.split.holdout
    in_folds = [patient for patient in loaded.split.patients if patient not in set(holdout)]
    predicted = {split: each(segmented_of_split(loaded, name, inputs, split)) for split in ("test", "validation")}
    return [
        *(predicted["test"], " of ", each(holdout), " patients of the hold-out have a prediction, and "),
        *(predicted["validation"], " of ", each(in_folds), " of the folds"),
    ]


def _made_masks(other: Elsewhere) -> str:
    if other.kind == "masks":
        return "Its masks are measured as they were given, small components included."
    if other.threshold == OUT_OF_FOLD:
        return "Its threshold was chosen out of fold, as those of the study's own networks."
    return f"Its probabilities were cut at {other.threshold:g}, as given, and small components removed."
