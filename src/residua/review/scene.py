"""Write the folder of a review: scenes for 3D Slicer and ITK-SNAP, and copies of the masks to edit."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Image
from residua.publishing.publish import digest, read_json, write_json, write_text
from residua.review.itksnap import ViewerLabel, itksnap_workspace, label_descriptions
from residua.review.nrrd import write_segmentation
from residua.review.predictions import place_of
from residua.review.shown import Reviewed
from residua.review.slicer import slicer_scene

REVIEWS = "review"
SLICER, ITKSNAP = "scene.mrml", "scene.itksnap"
REFERENCE = ViewerLabel(1, "reference", (61, 155, 255))
PREDICTION = ViewerLabel(2, "prediction", (255, 90, 60))
"""In the colours of the figures."""
_KNOWN = "masks.json"
"""Digests of the masks that were written here or accepted: any other one is work that nobody has taken yet."""


def review_folder(study: Path, patient: str) -> Path:
    """Return the folder of a patient's review."""
    return study / REVIEWS / patient


def write_scene(shown: Reviewed, folder: Path) -> None:
    """Write both scenes into ``folder``, over those of an earlier review.

    Raises ``ResiduaError`` when the folder holds an edited mask that was not accepted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    here = place_of(folder / "scene").parent
    _require_no_edit(shown.patient, folder)
    masks = {REFERENCE: _mask(shown.reference, shown)}
    if shown.prediction is not None:
        masks[PREDICTION] = _mask(shown.prediction.mask, shown)
    for label, mask in masks.items():
        numbers = Image(mask.data.astype(np.uint8) * np.uint8(label.value), mask.grid)
        volumes.save(numbers, folder / f"{label.name}.nii.gz")
        red, green, blue = (part / 255 for part in label.color)
        write_segmentation(mask, label.name, (red, green, blue), folder / f"{label.name}.seg.nrrd")
    write_json(folder / _KNOWN, sorted(map(digest, _editable(folder))))
    probability = shown.prediction.probability if shown.prediction else None
    slicer = {label.name: here / f"{label.name}.seg.nrrd" for label in masks}
    itksnap = {label.name: here / f"{label.name}.nii.gz" for label in masks}
    labels = (REFERENCE, PREDICTION)
    write_text(folder / SLICER, slicer_scene(shown.images, probability, slicer, here))
    write_text(folder / ITKSNAP, itksnap_workspace(shown.images, probability, itksnap, labels, here))
    write_text(folder / "labels.txt", label_descriptions(labels))


def know(folder: Path, edited: Path) -> None:
    """Note that an edited mask was accepted, so that the next review may write over it."""
    if (folder / _KNOWN).is_file():
        write_json(folder / _KNOWN, sorted({*read_json(folder / _KNOWN), digest(edited)}))


def _mask(file: Path | None, shown: Reviewed) -> Image:
    """Return a mask on the grid of the scene; an empty one to draw on where there is none."""
    if file is None:
        return Image(np.zeros(shown.grid.shape, bool), shown.grid)
    return Image(volumes.load_mask(file).data, shown.grid)


def _editable(folder: Path) -> list[Path]:
    files = [folder / f"{REFERENCE.name}{ending}" for ending in (".nii.gz", ".seg.nrrd")]
    return [file for file in files if file.is_file()]


def _require_no_edit(patient: str, folder: Path) -> None:
    known = read_json(folder / _KNOWN) if (folder / _KNOWN).is_file() else []
    for file in _editable(folder):
        if digest(file) not in known:
            raise ResiduaError(
                f"{file}: was edited and not accepted; accept it (residua review {patient} --accept "
                f"{shlex.quote(str(file))} …), or "
                "delete it"
            )
