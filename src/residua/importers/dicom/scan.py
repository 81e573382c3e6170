"""List the series of a folder of DICOM files from their headers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import InvalidDicomError

FEWEST_SLICES = 10
_DIRECTORY = "1.2.840.10008.1.3.10"
_LOCALISER = ("localizer", "localiser", "scout", "survey", "3-plane", "3 plane")


@dataclass
class Series:
    """One series: patient, time, acquisition, and its files relative to the source. Contains identity."""

    patient_id: str
    study_uid: str
    series_uid: str
    when: datetime | None
    number: int
    description: str
    modality: str
    image_type: tuple[str, ...]
    tr_ms: float | None
    te_ms: float | None
    ti_ms: float | None
    agent: str
    spacing_mm: tuple[float, ...]
    age: str
    sex: str
    field_strength_t: str
    manufacturer: str
    files: list[str] = field(default_factory=list)

    @property
    def fault(self) -> str:
        """Why the series cannot be used; empty if it may be."""
        words = f"{self.description} {' '.join(self.image_type)}".casefold()
        if self.modality in ("SEG", "RTSTRUCT"):
            return f"{self.modality}: annotations in DICOM are not converted"
        if self.modality != "MR":
            return f"modality {self.modality or 'unknown'}, not MR"
        if any(word in words for word in _LOCALISER):
            return "a localiser"
        if "DERIVED" in self.image_type or "SECONDARY" in self.image_type:
            return "derived from other images"
        if len(self.files) < FEWEST_SLICES:
            return f"only {len(self.files)} slices"
        return ""


def scan(source: Path, progress: Callable[[int], None] = lambda files: None) -> tuple[list[Series], dict[str, str]]:
    """List all series below ``source`` in a stable order, and the reason for each unused file by relative name."""
    series: dict[str, Series] = {}
    left: dict[str, str] = {}
    paths = sorted(Path(folder) / name for folder, _, names in os.walk(source) for name in names)
    for done, path in enumerate(paths, start=1):
        name = path.relative_to(source).as_posix()
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except InvalidDicomError:
            left[name] = "not DICOM"
            continue
        except Exception as error:
            left[name] = f"cannot be read as DICOM ({type(error).__name__})"
            continue
        if str(header.file_meta.get("MediaStorageSOPClassUID", "")) == _DIRECTORY:
            left[name] = "a DICOMDIR, which lists the other files"
            continue
        uid = _text(header, "SeriesInstanceUID")
        if not uid or not _text(header, "PatientID"):
            left[name] = "no series or patient identifier"
            continue
        series.setdefault(uid, _series(header, uid)).files.append(name)
        progress(done)
    return sorted(series.values(), key=lambda s: (s.patient_id, s.when or datetime.min, s.number, s.series_uid)), left


def _series(header: Any, uid: str) -> Series:
    spacing = [float(mm) for mm in header.get("PixelSpacing") or ()]
    between = _number(header, "SpacingBetweenSlices") or _number(header, "SliceThickness")
    return Series(
        patient_id=_text(header, "PatientID"),
        study_uid=_text(header, "StudyInstanceUID"),
        series_uid=uid,
        when=_when(header),
        number=int(_number(header, "SeriesNumber") or 0),
        description=f"{_text(header, 'SeriesDescription')} {_text(header, 'ProtocolName')}".strip(),
        modality=_text(header, "Modality"),
        image_type=tuple(str(part).upper() for part in header.get("ImageType") or ()),
        tr_ms=_number(header, "RepetitionTime"),
        te_ms=_number(header, "EchoTime"),
        ti_ms=_number(header, "InversionTime"),
        agent=_text(header, "ContrastBolusAgent"),
        spacing_mm=(*spacing, between) if between else tuple(spacing),
        age=_age(header),
        sex=_text(header, "PatientSex"),
        field_strength_t=f"{tesla:g}" if (tesla := _number(header, "MagneticFieldStrength")) else "",
        manufacturer=_text(header, "Manufacturer"),
    )


def _text(header: Any, name: str) -> str:
    return str(header.get(name) or "").strip()


def _number(header: Any, name: str) -> float | None:
    try:
        return float(header.get(name))
    except (TypeError, ValueError):
        return None


def _when(header: Any) -> datetime | None:
    date = _text(header, "AcquisitionDate") or _text(header, "SeriesDate") or _text(header, "StudyDate")
    time = _text(header, "AcquisitionTime") or _text(header, "SeriesTime") or _text(header, "StudyTime")
    try:
        return datetime.strptime(date + (time.partition(".")[0] or "000000").ljust(6, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _age(header: Any) -> str:
    """Return whole years, 90 for all patients above 89: higher ages are rare enough to identify a person."""
    text = _text(header, "PatientAge")
    if text[:3].isdigit() and text.endswith("Y"):
        return str(min(int(text[:3]), 90))
    birth, date = _text(header, "PatientBirthDate"), _text(header, "StudyDate")
    if len(birth) == len(date) == 8 and (birth + date).isdigit():
        return str(min(max((int(date) - int(birth)) // 10000, 0), 90))
    return ""
