"""Open the header of a DICOM file and say whose it is."""

from __future__ import annotations

import os
import unicodedata
import warnings
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError

from residua.importers.dicom.elements import text
from residua.importers.tree import why_unread

# Each doubtful value is judged where it is used; pydicom would print it, with names and dates.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
_UNDEFINED = 0xFFFFFFFF
NOBODY = "no identifier of patient, study or series"
"""Why a file is not used: whose it is, is not known."""
_DIRECTORY = "1.2.840.10008.1.3.10"


class UnusedError(Exception):
    """A file that is not an image of a series; the message gives the reason."""


class Owner(NamedTuple):
    """Whose a file is: all three are needed, because careless anonymisation repeats each of them."""

    patient_id: str
    study_uid: str
    series_uid: str


def read_header(path: Path) -> tuple[Any, int]:
    """Read the header of ``path``, with or without the preamble of a DICOM file, and the bytes after it.

    Less than zero bytes follow a header that is itself cut off: pydicom reads what is left of its last element.

    Raises ``UnusedError``.
    """
    if not path.is_file():
        raise UnusedError("neither a file nor a link to one")
    try:
        with open(path, "rb") as stream:
            header = _read(stream, stop_before_pixels=True)
            after = -1 if _lacks_bytes(header) else os.path.getsize(path) - stream.tell()
    except Exception as error:
        raise UnusedError(f"cannot be read as DICOM ({type(error).__name__})") from None
    if header is None:
        why = why_unread(path)
        raise UnusedError(why if why and "DICOM" not in why else "not DICOM")
    if text(header.file_meta, "MediaStorageSOPClassUID") == _DIRECTORY:
        raise UnusedError("a DICOMDIR, which lists the other files")
    if not all(owner_of(header)):
        raise UnusedError(NOBODY)
    return header, after


def _lacks_bytes(header: Any) -> bool:
    return any(
        isinstance(raw, RawDataElement) and raw.length != _UNDEFINED and len(raw.value or b"") < raw.length
        for raw in (header.values() if header else ())
    )


def read_dataset(path: Path) -> Any:
    """Read a whole file with or without preamble; None if it is not DICOM."""
    with open(path, "rb") as stream:
        return _read(stream, stop_before_pixels=False)


def _read(stream: BinaryIO, stop_before_pixels: bool) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(stream, stop_before_pixels=stop_before_pixels)
        except InvalidDicomError:
            stream.seek(0)
            return _without_preamble(stream, stop_before_pixels)


def _without_preamble(stream: BinaryIO, stop_before_pixels: bool) -> Any:
    try:
        header = pydicom.dcmread(stream, stop_before_pixels=stop_before_pixels, force=True)
        known = all(name in header for name in ("SOPClassUID", "SeriesInstanceUID"))
    except Exception:  # Any other kind of file, read as if it were DICOM.
        return None
    return header if known else None


def owner_of(header: Any) -> Owner:
    """Return the patient, study and series of a header, empty where it has none."""
    patient = unicodedata.normalize("NFC", text(header, "PatientID"))
    return Owner(patient, text(header, "StudyInstanceUID"), text(header, "SeriesInstanceUID"))


def is_cut_off(header: Any, after: int, frames: int) -> bool:
    """Return whether the header or, by ``after``, the voxels are cut off; not known of compressed voxels."""
    if after < 0:
        return True
    syntax = header.file_meta.get("TransferSyntaxUID")
    if syntax is not None and (syntax.is_compressed or syntax.is_deflated):
        return False
    rows, columns, bits = (header.get(name) or 0 for name in ("Rows", "Columns", "BitsAllocated"))
    return after < rows * columns * bits // 8 * frames
