"""Write confirmed structures of annotations as masks, each on the grid of the image on which it was drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from residua.errors import ResiduaError
from residua.images.volumes import Image, load_grid, save
from residua.importers.dicom.annotations import SEG
from residua.importers.dicom.contours import UndrawnError, fill_regions
from residua.importers.dicom.convert import files_of, image_of
from residua.importers.dicom.elements import UnreadableError
from residua.importers.dicom.frames import Frame, frames_of
from residua.importers.dicom.headers import read_dataset, read_header
from residua.importers.dicom.planes import OffGridError
from residua.importers.dicom.segments import fill_segment
from residua.importers.dicom.structures import DRAWN_ON

Record = Mapping[str, Any]


def draw_labels(
    source: Path, structures: Sequence[Record], series: Sequence[Record], images: Path, labels: Path
) -> tuple[list[dict[str, Any]], list[str]]:
    """Write the masks of confirmed structures into ``labels``; return them as records, and what must be said.

    Structures that are confirmed for one label form it together. ``series`` are the confirmed images, converted into
    ``images``. A label that cannot be drawn leaves the patient without it, with a line that says why.
    """
    together: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in structures:
        together[record["patient"], record["scan"], record["column"]].append(record)
    drawn, said = [], []
    for (patient, scan, column), parts in together.items():
        file = labels / f"{patient}{scan}_{column}.nii.gz"
        try:
            mask = _mask(source, parts, _image(parts, series), images)
            save(mask, file)
        except (UndrawnError, UnreadableError, ResiduaError) as reason:
            said.append(f"patient {patient}{scan}: {column} is left empty, no label was derived: {reason}")
        else:
            drawn.append({"patient": patient, "scan": scan, "column": column, "file": file})
            if not mask.data.any():
                said.append(f"patient {patient}{scan}: {column} has no voxel: is no tumour left?")
    return drawn, said


def _image(parts: Sequence[Record], series: Sequence[Record]) -> Record:
    """Return the confirmed image on which structures were drawn. Raises ``UndrawnError``."""
    scan, column = parts[0]["scan"], parts[0]["column"]
    on = [tuple(place) for place in parts[0]["drawn"]["on"] if all(place in part["drawn"]["on"] for part in parts)]
    own = [each for each in series if (each["patient"], each["study"], each["series"]) in on]
    needed = DRAWN_ON.get(column)
    fitting = [each for each in own if each["column"] == needed or needed is None]
    of_scan = [each for each in fitting if each["scan"] in ("", scan)]
    if of_scan:
        return of_scan[0]
    if not on:
        raise UndrawnError("its structures were drawn on several series")
    where = " or ".join(f"study {study}, series {number}" for _, study, number in on)
    as_what = f" as {needed}" if needed else ""
    raise UndrawnError(f"it was drawn on {where}, which is not confirmed{as_what}")


def _mask(source: Path, parts: Sequence[Record], image: Record, images: Path) -> Image:
    grid = load_grid(images / image_of(image))
    mask = Image(np.zeros(grid.shape, dtype=bool), grid)
    frames = [frame for file in files_of(source, image)[1] for frame in frames_of(read_header(file)[0])]
    for part in parts:
        (file,) = files_of(source, part)[1]
        try:
            _fill(file, part["drawn"], frames, mask)
        except OffGridError:
            raise UndrawnError("its frames are not on the voxels of the series on which it was drawn") from None
        except (UndrawnError, UnreadableError):
            raise
        except Exception as error:  # pydicom raises many kinds for a damaged file.
            raise UndrawnError(f"its file is damaged ({type(error).__name__})") from None
    return mask


def _fill(file: Path, drawn: Record, frames: Sequence[Frame], mask: Image) -> None:
    annotation = read_dataset(file)
    if drawn["kind"] == SEG:
        fill_segment(annotation, drawn["number"], mask)
    else:
        fill_regions(annotation, drawn["number"], frames, mask)
