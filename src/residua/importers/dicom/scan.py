"""List the series of a folder of DICOM files from their headers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path
from typing import Any

from residua.importers.dicom.elements import UnreadableError, text
from residua.importers.dicom.frames import frames_of
from residua.importers.dicom.headers import Owner, UnusedError, is_cut_off, owner_of, read_dataset, read_header
from residua.importers.dicom.series import Series, add_file, complete, series_of
from residua.importers.tree import LINK, files_below

_UNDATED = (date.min, time.min)


@dataclass
class Scan:
    """The series of a source, the reason for each unused file, and pairs of series with the same image identifier."""

    series: dict[Owner, Series] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    clashes: list[tuple[Series, Series]] = field(default_factory=list)
    _images: dict[str, tuple[Path, Series]] = field(default_factory=dict)

    def ordered(self) -> list[Series]:
        """Return all series by patient, time and number."""
        return sorted(self.series.values(), key=_order)

    def add(self, path: Path, name: str) -> None:
        """Add a file to its series, or record why it is not used."""
        if path.is_dir():
            self.left[name] = LINK
            return
        try:
            header, after = read_header(path)
        except UnusedError as reason:
            self.left[name] = str(reason)
            return
        owner = owner_of(header)
        if owner not in self.series:
            self.series[owner] = series_of(header)
        series = self.series[owner]
        if self._is_copy(path, text(header, "SOPInstanceUID"), series):
            self.left[name] = "a copy of another file"
            return
        try:
            frames = frames_of(header)
            if is_cut_off(header, after, len(frames)):
                raise UnreadableError("the file is cut off before the end of its voxels")
            add_file(series, name, header, frames)
        except UnreadableError as reason:
            self.left[name] = series.lost[name] = str(reason)
        except Exception:  # pydicom reads sequences on access and raises many kinds for damaged ones.
            self.left[name] = series.lost[name] = "its header is damaged"

    def trace(self, series: Series) -> None:
        """Add to the structures of a series the series of the images to which they refer, where those were read."""
        series.structures[:] = [
            replace(structure, series=structure.series | self._series_of(structure.images))
            for structure in series.structures
        ]

    def _series_of(self, images: frozenset[str]) -> set[str]:
        return {self._images[image][1].series_uid for image in images if image in self._images}

    def _is_copy(self, path: Path, image: str, series: Series) -> bool:
        """Return whether an image was read before; record a clash if another one has its identifier."""
        if not image:
            return False
        first, of = self._images.setdefault(image, (path, series))
        if first == path:
            return False
        if of is series and _equal(first, path):
            return True
        self.clashes.append((of, series))
        return False


def scan(source: Path, progress: Callable[[int], None] = lambda files: None) -> Scan:
    """Read all headers below ``source``, also those behind links, without files that operating systems add."""
    found = Scan()
    for done, path in enumerate(files_below(source), start=1):
        found.add(path, path.relative_to(source).as_posix())
        progress(done)
    for series in found.series.values():
        complete(series)
        found.trace(series)
    return found


def _order(series: Series) -> tuple[Any, ...]:
    return series.patient_id, series.when.order if series.when else _UNDATED, series.number, series.series_uid


def _equal(one: Path, other: Path) -> bool:
    try:
        return bool(read_dataset(one) == read_dataset(other))
    except Exception:  # A value that pydicom cannot convert: only equal files are surely copies.
        return one.read_bytes() == other.read_bytes()
