"""List the files of a source in a fixed order, without files that operating systems add."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from residua.errors import ResiduaError
from residua.images.nifti_names import nifti_stem

_NOISE = re.compile(r"\.|__MACOSX$|Thumbs\.db$|desktop\.ini$", re.IGNORECASE)
LINK = "a link to a folder that is read under another name or contains the data"
_CONVERT = "convert it to NIfTI (.nii.gz)"
_FOREIGN = {
    **dict.fromkeys((".nrrd", ".nhdr"), f"an NRRD image: {_CONVERT}"),
    **dict.fromkeys((".mha", ".mhd"), f"a MetaImage: {_CONVERT}"),
    **dict.fromkeys((".mgz", ".mgh"), f"a FreeSurfer image: {_CONVERT}"),
    **dict.fromkeys((".hdr", ".img"), f"one of a pair of files (Analyze or NIfTI): {_CONVERT}"),
    **dict.fromkeys((".mnc", ".par", ".rec"), f"an image in another format: {_CONVERT}"),
    **dict.fromkeys((".dcm", ".ima"), "a DICOM file: use residua import dicom"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar", ".gz", ".bz2", ".xz"), "an archive: unpack it"),
}
"""What a file that is not read is by its last extension, and what to do."""
_DICOM_MARK = 128
"""Bytes before the mark DICM in a DICOM file."""


def entries(folder: Path) -> list[Path]:
    """List files and folders in ``folder`` by name, without files that operating systems add.

    Raises ``ResiduaError`` if the folder cannot be read.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ResiduaError(f"{folder}: cannot be read ({error.strerror}); give a readable folder") from None
    return [folder / name for name in names if not _NOISE.match(name)]


def containing(folder: Path) -> set[str]:
    """Return the real paths of all folders that contain ``folder``: a link to one of them leads back into the data."""
    return {str(parent) for parent in Path(os.path.realpath(folder)).parents}


def files_below(folder: Path) -> list[Path]:
    """List all files below ``folder`` in a fixed order; links are followed, and each real folder is read once.

    A folder is read by its own path before any link to it. A link that is not followed is listed like a file.
    """
    found: list[Path] = []
    links = [folder]
    seen = containing(folder)

    def read(place: Path) -> None:
        real = os.path.realpath(place)
        if real in seen:
            found.append(place)
            return
        seen.add(real)
        for entry in entries(place):
            if not entry.is_dir():
                found.append(entry)
            elif entry.is_symlink():
                links.append(entry)
            else:
                read(entry)

    while links:
        read(links.pop(0))
    return sorted(found)


def volume_name(path: Path) -> str | None:
    """Return the name of a NIfTI file in lower case, without its extension; None for any other file."""
    stem = nifti_stem(path.name)
    return None if stem is None else stem.lower()


def why_unread(path: Path) -> str | None:
    """Return what a file is that no importer reads, and what to do; None for a NIfTI file and for an unknown one."""
    if path.is_dir():
        return LINK
    if volume_name(path) is not None:
        return None
    return _FOREIGN.get(path.suffix.lower()) or (_FOREIGN[".dcm"] if is_dicom(path) else None)


def is_dicom(path: Path) -> bool:
    """Return whether a file has the mark of DICOM behind its preamble."""
    try:
        with open(path, "rb") as stream:
            return stream.read(_DICOM_MARK + 4).endswith(b"DICM")
    except OSError:
        return False


def instead(files: Iterable[Path]) -> str:
    """Return a sentence on unreadable files for the message that nothing was found; empty if there is none."""
    first: dict[str, Path] = {}
    for file in files:
        if why := why_unread(file):
            first.setdefault(why, file)
    return "".join(f". It contains {file.name}, {why}" for why, file in first.items())
