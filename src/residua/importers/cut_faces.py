"""Copy the scans of a patient without the face: geometry, type and header stay, and so do brain and labels.

The template's brain with a margin is kept, and so is what a mask of the patient on the scan's grid covers.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from residua.brain.face_region import without_margin
from residua.brain.template_face import Face, carried, face_of
from residua.errors import ResiduaError
from residua.images.background import body_of, looks_stripped
from residua.images.display import tissue_of
from residua.images.volumes import Image, load
from residua.importers.face_pictures import CutScan, picture
from residua.importers.scan_copies import ends_at_the_edge, require_kept, write_copy
from residua.publishing.publish import write_json, writing

State = Literal["cut", "stripped", "outside", "mask", "failed"]
"""What became of an image: its face was cut; it is stripped; its face lies outside of it; it is a mask and not copied;
no copy was made because its face is not surely found."""
RESULT, PICTURE = "result.json", "picture.png"
Kept = tuple[str, Sequence[int] | None]
"""A file of a mask, and the values that are mask; None for all above 0."""
_SCANS = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")
"""Columns that are no masks, whatever the file holds."""
_FIRST = "post_t1ce"
"""The scan in which the face is found."""
_MOST_VALUES, _EVERY = 16, 7
"""Of a mask, such as a brain mask or several structures in one file."""
_LABEL_MARGIN_MM = 5.0
_LEAST_ML = 1.0
"""Of tissue: less in front of the brow is no face."""


@dataclass(frozen=True)
class ScanCopy:
    """What became of one scan, and how much of its tissue was cut."""

    column: str
    state: State
    cut_ml: float = 0.0
    why: str = ""


class _Faces:
    """The face of the first scan of a patient, carried to the others."""

    def __init__(self) -> None:
        self._first: tuple[Face, Image] | None = None

    def of(self, scan: Image) -> Face:
        if self._first is not None:
            return carried(*self._first, scan)
        face = face_of(scan)
        self._first = face, scan
        return face


def cut_faces(images: Mapping[str, str], labels: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write ``{column}.nii.gz`` for each image of a patient into ``folder``, a picture, and what became of each.

    ``labels`` are the patient's masks (``file``, and ``values`` that are mask, or None). Of a patient with a scan whose
    face is not surely found, no copy is written.
    """
    masks = [column for column, file in images.items() if column not in _SCANS and _is_mask(file)]
    kept: list[Kept] = [
        *((images[column], None) for column in masks),
        *((each["file"], each["values"]) for each in labels),
    ]
    outcomes, shown = [ScanCopy(column, "mask") for column in masks], []
    faces = _Faces()
    for column, file in sorted(
        ((c, f) for c, f in images.items() if c not in masks), key=lambda each: each[0] != _FIRST
    ):
        try:
            outcome, what = _copied(column, Path(file), kept, faces, folder / f"{column}.nii.gz")
            shown.append(what)
        except ResiduaError as reason:
            outcome = ScanCopy(column, "failed", why=str(reason).replace(f"{Path(file).parent}/", ""))
        outcomes.append(outcome)
    if any(outcome.state == "failed" for outcome in outcomes):
        for copy in folder.glob("*.nii.gz"):
            copy.unlink()
    elif shown:
        with writing(folder / PICTURE, suffix=".png") as part:
            picture(shown).save(part)
    write_json(folder / RESULT, [asdict(outcome) for outcome in outcomes])


def _is_mask(file: str) -> bool:
    try:
        return np.unique(load(file).data.ravel()[::_EVERY]).size <= _MOST_VALUES
    except ResiduaError:
        return False


def _mask(file: str, values: Sequence[int] | None) -> Image:
    image = load(file)
    return Image(image.data > 0 if values is None else np.isin(np.rint(image.data), values), image.grid)


def _copied(column: str, file: Path, masks: Sequence[Kept], faces: _Faces, target: Path) -> tuple[ScanCopy, CutScan]:
    scan = load(file)
    nothing = np.zeros(scan.grid.shape, dtype=bool)
    if looks_stripped(scan) and not ends_at_the_edge(body_of(scan)):
        shutil.copyfile(file, target) if file.suffix.lower() == ".gz" else write_copy(file, scan, nothing, target)
        return ScanCopy(column, "stripped"), CutScan(column, scan, nothing, nothing)
    face = faces.of(scan)
    kept = face.brain
    region = face.region
    for mask in (_mask(*each) for each in masks):
        if mask.grid.same_as(scan.grid):
            region = without_margin(region, mask.data, scan.grid, _LABEL_MARGIN_MM)
            kept = kept | mask.data
    cut_ml = float((region & tissue_of(np.nan_to_num(scan.data))).sum() * scan.grid.voxel_ml)
    region = region if cut_ml >= _LEAST_ML else nothing
    write_copy(file, scan, region, target)
    require_kept(scan, load(target), region, kept)
    state: State = "cut" if region.any() else "outside"
    return ScanCopy(column, state, cut_ml if region.any() else 0.0), CutScan(column, scan, region, face.brain)
