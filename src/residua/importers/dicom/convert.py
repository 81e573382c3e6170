"""Convert confirmed series to NIfTI with dcm2niix, without data that identify a person."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel as nib

from residua.errors import ResiduaError
from residua.importers.found import Found, FoundPatient
from residua.importers.labels import without_words
from residua.publishing.publish import writing

REFERENCE = "post_t1ce"


def convert(source: Path, series: Sequence[Mapping[str, Any]], images: Path, done: Callable[[int, int], None]) -> None:
    """Convert ``series`` to ``images/{patient}/{column}.nii.gz``, except existing files; call ``done`` for each.

    Raises ``ResiduaError`` for a series that does not give exactly one volume.
    """
    for number, record in enumerate(series, start=1):
        target = images / image_of(record)
        if not target.is_file():
            _convert(source, record, target)
        done(number, len(series))


def image_of(record: Mapping[str, Any]) -> Path:
    """Return the path of a series' volume below the folder of all images."""
    return Path(record["patient"], f"{record['column']}.nii.gz")


def found_of(series: Sequence[Mapping[str, Any]], images: Path) -> Found:
    """Return the patients of the converted series; clinical values come from the reference series."""
    patients: dict[str, dict[str, Path]] = {}
    clinical: dict[str, dict[str, str]] = {}
    for record in series:
        patient, column = record["patient"], record["column"]
        patients.setdefault(patient, {})[column] = images / image_of(record)
        if column == REFERENCE or patient not in clinical:
            clinical[patient] = {name: value for name, value in record["clinical"].items() if value}
    found = [
        FoundPatient(patient, patient.rstrip("0123456789"), files, clinical=clinical[patient])
        for patient, files in patients.items()
    ]
    return Found("DICOM", tuple(found))


def _convert(source: Path, record: Mapping[str, Any], target: Path) -> None:
    import dcm2niix

    place = f"patient {record['patient']}, study {record['study']}, series {record['series']} ({record['column']})"
    with TemporaryDirectory() as folder:
        slices, made = Path(folder) / "slices", Path(folder) / "made"
        slices.mkdir()
        made.mkdir()
        for number, name in enumerate(record["files"]):
            file = source / name
            if not file.is_file():
                raise ResiduaError(
                    f"{place}: a file of the source is missing; restore it, or run residua import dicom again"
                )
            (slices / f"{number:05d}.dcm").symlink_to(file.resolve())
        command = [dcm2niix.bin, "-b", "n", "-z", "y", "-f", "image", "-o", str(made), str(slices)]
        ran = subprocess.run(command, capture_output=True, text=True)
        volumes = sorted(made.glob("*.nii*"))
        if ran.returncode or len(volumes) != 1:
            what = f"dcm2niix converted it to {len(volumes)} volumes" if volumes else "dcm2niix could not convert it"
            raise ResiduaError(f"{place}: {what}; confirm another series, or convert it by hand")
        target.parent.mkdir(parents=True, exist_ok=True)
        with writing(target, suffix=".nii.gz") as beside:
            _without_identity(volumes[0], beside)


def _without_identity(volume: Path, target: Path) -> None:
    """Copy voxels, affine and codes to a header without text and extensions."""
    image: Any = nib.load(volume)
    clean = nib.Nifti1Image(image.dataobj.get_unscaled(), None, without_words(image.header))
    clean.header.set_slope_inter(image.dataobj.slope, image.dataobj.inter)
    nib.save(clean, target)
    os.chmod(target, 0o644)
