"""Confirmed series become NIfTI by dcm2niix; what identifies a person stays behind."""

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
from residua.publish import writing

_TEXTS = ("descrip", "aux_file", "intent_name", "db_name", "data_type")
REFERENCE = "post_t1ce"


def convert(
    source: Path,
    series: Sequence[Mapping[str, Any]],
    images: Path,
    done: Callable[[int, int], None] = lambda number, all_of: None,
) -> Found:
    """Convert ``series`` to ``images/{patient}/{column}.nii.gz`` and return what the table is made of.

    A series that was converted before is not converted again. Raises ``ResiduaError`` for a series that gives other
    than one volume.
    """
    patients: dict[str, dict[str, Path]] = {}
    clinical: dict[str, dict[str, str]] = {}
    for number, record in enumerate(series, start=1):
        patient, column = record["patient"], record["column"]
        target = images / patient / f"{column}.nii.gz"
        if not target.is_file():
            _convert(source, record, target)
        patients.setdefault(patient, {})[column] = target
        if column == REFERENCE or patient not in clinical:
            clinical[patient] = {name: value for name, value in record["clinical"].items() if value}
        done(number, len(series))
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
                raise ResiduaError(f"{place}: a file of the source is gone; restore it, or propose again")
            (slices / f"{number:05d}.dcm").symlink_to(file.resolve())
        command = [dcm2niix.bin, "-b", "n", "-z", "y", "-f", "image", "-o", str(made), str(slices)]
        ran = subprocess.run(command, capture_output=True, text=True)
        volumes = sorted(made.glob("*.nii*"))
        if ran.returncode or len(volumes) != 1:
            what = f"dcm2niix made {len(volumes)} volumes of it" if volumes else "dcm2niix could not convert it"
            raise ResiduaError(f"{place}: {what}; confirm another series, or convert it by hand")
        target.parent.mkdir(parents=True, exist_ok=True)
        with writing(target, suffix=".nii.gz") as beside:
            _without_identity(volumes[0], beside)


def _without_identity(volume: Path, target: Path) -> None:
    """The same voxels, affine and codes with a header that holds no text and no extension."""
    image: Any = nib.load(volume)
    header = image.header.copy()
    for name in _TEXTS:
        header[name] = b""
    header.extensions.clear()
    clean = nib.Nifti1Image(image.dataobj.get_unscaled(), None, header)
    clean.header.set_slope_inter(image.dataobj.slope, image.dataobj.inter)
    nib.save(clean, target)
    os.chmod(target, 0o644)
