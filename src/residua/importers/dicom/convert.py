"""Convert confirmed series to NIfTI with dcm2niix, without data that identify a person."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel as nib

from residua.errors import ResiduaError
from residua.images.whole import require_whole
from residua.importers.candidates import by_scan
from residua.importers.dicom.headers import Owner, UnusedError, owner_of, read_dataset, read_header
from residua.importers.found import Found, FoundPatient, Label
from residua.importers.labels import without_words
from residua.importers.window import BEFORE
from residua.publishing.publish import digest, record_digest, writing

REFERENCE = "post_t1ce"
_BY_HAND = "confirm another series, or convert it by hand"


class UnconvertedError(Exception):
    """A series of which dcm2niix does not make one volume; the message says what it makes."""


def convert(
    source: Path, series: Sequence[Mapping[str, Any]], kept: Path, images: Path, done: Callable[[int, int], None]
) -> None:
    """Convert ``series`` to ``images/{patient}{scan}/{column}.nii.gz``; call ``done`` for each.

    ``kept`` holds finished volumes between tries. Each is named by its series' identifiers and the digests of its
    files, so that it is used for the same series alone, whatever its column. Volumes of no confirmed series are
    removed. Raises ``ResiduaError`` with every series that does not give exactly one volume.
    """
    faults, used = [], set()
    for number, record in enumerate(series, start=1):
        try:
            volume = kept / f"{_key(source, record)}.nii.gz"
            if not volume.is_file():
                _convert(source, record, volume)
        except ResiduaError as fault:
            faults.append(str(fault))
        else:
            used.add(volume)
            target = images / image_of(record)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(volume, target)
        done(number, len(series))
    for other in {*kept.rglob("*")} - used if kept.is_dir() else ():
        if other.is_file():
            other.unlink()
    if faults:
        raise ResiduaError("\n".join(faults))


def image_of(record: Mapping[str, Any]) -> Path:
    """Return the path of a series' volume below the folder of all images."""
    return Path(f"{record['patient']}{record['scan']}", f"{record['column']}.nii.gz")


def found_of(
    series: Sequence[Mapping[str, Any]], labels: Sequence[Mapping[str, Any]], others: Iterable[str], images: Path
) -> Found:
    """Return the patients of the converted series; clinical values come from the reference series.

    ``labels`` name ``patient``, ``scan``, ``column`` and ``file`` of each mask. ``others`` are the patients of the
    proposal without a confirmed series; they are excluded.
    """
    patients: dict[str, list[Mapping[str, Any]]] = {patient: [] for patient in others}
    for record in series:
        patients.setdefault(record["patient"], []).append(record)
    for record in labels:
        patients.setdefault(record["patient"], []).append(record)
    numbered = any(record["scan"] for record in series)
    return Found(
        "DICOM",
        tuple(
            _patient(name, scan, of_scan, images, name if numbered else "")
            for name in sorted(patients)
            for scan, of_scan in by_scan(patients[name], lambda record: str(record["scan"])).items()
        ),
    )


def _patient(name: str, scan: str, of_scan: Sequence[Mapping[str, Any]], images: Path, person: str) -> FoundPatient:
    hospital = name.rstrip("0123456789")
    records = [record for record in of_scan if "file" not in record]
    if not records:
        reason = "no series of the patient was confirmed"
        return FoundPatient(name, hospital, exclusion_reason=reason, person=person)
    reference = next((record for record in records if record["column"] == REFERENCE), records[0])
    remarks = list(reference["remarks"])
    for record in records:
        if record["column"].startswith("pre_") and record["sign"] > 0:
            remarks.append(f"{record['column']} was acquired after surgery")
    before = reference["column"] == REFERENCE and reference["sign"] < 0
    return FoundPatient(
        f"{name}{scan}",
        hospital,
        {record["column"]: images / image_of(record) for record in records},
        {record["column"]: Label(record["file"]) for record in of_scan if "file" in record},
        clinical={column: value for column, value in reference["clinical"].items() if value},
        exclusion_reason=BEFORE if before else "",
        remarks=tuple(remarks),
        person=person,
    )


def _place(record: Mapping[str, Any]) -> str:
    return f"patient {record['patient']}, study {record['study']}, series {record['series']} ({record['column']})"


def _key(source: Path, record: Mapping[str, Any]) -> str:
    """Return the ``series_key`` of a confirmed series. Raises ``ResiduaError``."""
    return series_key(*files_of(source, record))


def files_of(source: Path, record: Mapping[str, Any]) -> tuple[Owner, list[Path]]:
    """Return whose a confirmed series is, and its files, which are still its own. Raises ``ResiduaError``."""
    owner = Owner(record["patient_id"], record["study_uid"], record["series_uid"])
    files = [source / name for name in record["files"]]
    for file in files:
        if not file.is_file():
            raise ResiduaError(
                f"{_place(record)}: a file of the source is missing; restore it, or run residua import dicom again"
            )
        try:
            same = owner_of(read_header(file)[0]) == owner
        except UnusedError:
            same = False
        if not same:
            raise ResiduaError(
                f"{_place(record)}: a file of the source is no longer of this series; run residua import dicom again"
            )
    return owner, files


def series_key(owner: Owner, files: Iterable[Path]) -> str:
    """Return a digest of a series' identifiers and the contents of its files, in any order."""
    return record_digest([list(owner), sorted(digest(file) for file in files)])


def _convert(source: Path, record: Mapping[str, Any], target: Path) -> None:
    try:
        convert_series([source / name for name in record["files"]], record["voxels"], target)
    except UnconvertedError as what:
        raise ResiduaError(f"{_place(record)}: {what}; {_BY_HAND}") from None


def convert_series(files: Sequence[Path], voxels: int, target: Path) -> None:
    """Convert a series of so many voxels to one volume without data that identify a person.

    Raises ``UnconvertedError``, also when a file cannot be read or written to its end.
    """
    try:
        _convert_whole(files, voxels, target)
    except UnconvertedError:
        raise
    except Exception as error:  # Damaged files and full disks fail in many ways; paths may hold names of persons.
        why = getattr(error, "strerror", None) or type(error).__name__
        raise UnconvertedError(f"it could not be read and written whole ({why})") from error


def _convert_whole(files: Sequence[Path], voxels: int, target: Path) -> None:
    import dcm2niix

    with TemporaryDirectory() as folder:
        slices, made = Path(folder) / "slices", Path(folder) / "made"
        slices.mkdir()
        made.mkdir()
        for number, file in enumerate(files):
            _provide(file, slices / f"{number:05d}.dcm")
        command = [dcm2niix.bin, "-b", "n", "-z", "y", "-f", "image", "-o", str(made), str(slices)]
        ran = subprocess.run(command, capture_output=True, text=True, errors="replace")
        volumes = sorted(made.glob("*.nii*"))
        if ran.returncode or not volumes:
            raise UnconvertedError("dcm2niix could not convert it")
        if len(volumes) > 1:
            raise UnconvertedError(f"dcm2niix converted it to {len(volumes)} volumes")
        # A full disk does not stop dcm2niix.
        require_whole(volumes[0])
        with writing(target, suffix=".nii.gz") as beside:
            _without_identity(volumes[0], beside, voxels)


def _provide(file: Path, link: Path) -> None:
    """Link to a file; copy one without the preamble, by which dcm2niix knows DICOM."""
    with open(file, "rb") as stream:
        preamble = stream.read(132)
    if preamble[128:] == b"DICM":
        link.symlink_to(file.resolve())
    else:
        read_dataset(file).save_as(link, enforce_file_format=True)


def _without_identity(volume: Path, target: Path, expected: int) -> None:
    """Copy voxels, affine and codes to a header without text and extensions. Raises ``UnconvertedError``."""
    image: Any = nib.load(volume)
    voxels = image.dataobj.get_unscaled()
    if len(voxels.shape) > 3 and voxels.shape[3:].count(1) == len(voxels.shape) - 3:
        voxels = voxels.reshape(voxels.shape[:3])
    if len(voxels.shape) != 3:
        n = voxels.shape[3] if len(voxels.shape) > 3 else 1
        what = f"{n} volumes" if n > 1 else "a single slice"
        raise UnconvertedError(f"dcm2niix converted it to {what} in one file")
    if voxels.dtype.fields:
        raise UnconvertedError("dcm2niix converted it to colours, not intensities")
    if voxels.size != expected:
        raise UnconvertedError(f"dcm2niix converted {voxels.size} of its {expected} voxels")
    clean = nib.Nifti1Image(voxels, None, without_words(image.header))
    clean.header.set_slope_inter(image.dataobj.slope, image.dataobj.inter)
    nib.save(clean, target)
    os.chmod(target, 0o644)
