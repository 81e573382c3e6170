"""A series of a PACS export: what its headers say, and why it cannot be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from residua.importers.dicom.annotations import RTSTRUCT, SEG, Structure, structures_of
from residua.importers.dicom.elements import number, text, values, whole_number
from residua.importers.dicom.frames import Frame
from residua.importers.dicom.headers import Owner, owner_of
from residua.importers.dicom.moments import Moment, scanned
from residua.importers.dicom.slices import lost_at_an_end, slice_distance_mm, volume_fault

FEWEST_SLICES = 10
_LOCALISER = ("localizer", "localiser", "scout", "survey", "3-plane", "3 plane")
_AGE = re.compile(r"(\d{1,3})([DWMY])")
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
_OLDEST = 90
"""Written for all patients above 89: higher ages are rare enough to identify a person."""


@dataclass
class Series:
    """One series: patient, time, acquisition, and its files relative to the source. Contains identity."""

    patient_id: str
    study_uid: str
    series_uid: str
    when: Moment | None
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
    frames: list[Frame] = field(default_factory=list)
    expected: int | None = None
    """Slices that the header announces."""
    persons: set[tuple[str, str, str]] = field(default_factory=set)
    spaces: set[str] = field(default_factory=set)
    structures: list[Structure] = field(default_factory=list)
    """What an annotation (SEG, RTSTRUCT) holds; empty for images."""
    lost: dict[str, str] = field(default_factory=dict)
    """Files of the series that cannot be used, with the reason."""
    conflict: str = ""
    """Why it is not known whose the series is: another series has the same identifiers."""
    questions: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    place: tuple[str, int, int] = ("", 0, 0)
    """Patient, study and series as the proposal names them, without identity."""

    @property
    def owner(self) -> Owner:
        """Whose the series is."""
        return Owner(self.patient_id, self.study_uid, self.series_uid)

    @property
    def voxels(self) -> int:
        """The number of voxels of all frames."""
        return sum((frame.size[0] or 0) * (frame.size[1] or 0) for frame in self.frames)

    @property
    def named(self) -> str:
        """The series as the proposal names it."""
        patient, study, number = self.place
        return f"patient {patient}, study {study}, series {number}"

    @property
    def fault(self) -> str:
        """Why the series cannot be used; empty if it may be."""
        words = f"{self.description} {' '.join(self.image_type)}".casefold()
        if self.structures:
            return self.refusal
        if self.modality in (SEG, RTSTRUCT):
            other = "its files are of another class, so it holds no structure that can be read"
            return self.refusal if self.lost or self.conflict else f"{self.modality}: {other}"
        if self.modality != "MR":
            return f"modality {self.modality or 'unknown'}, not MR"
        if any(word in words for word in _LOCALISER):
            return "a localiser"
        if "DERIVED" in self.image_type or "SECONDARY" in self.image_type:
            return "derived from other images"
        return self.refusal or (f"only {len(self.frames)} slices" if len(self.frames) < FEWEST_SLICES else "")

    @property
    def refusal(self) -> str:
        """Why the series must not be converted, whoever confirms it; empty if it may be."""
        if self.conflict:
            return self.conflict
        if self.lost:
            n, reasons = len(self.lost), "; ".join(dict.fromkeys(self.lost.values()))
            return f"{n} of its {n + len(self.files)} files cannot be used: {reasons}"
        if self.structures:
            return ""
        if len(self.spaces) > 1:
            return f"slices of {len(self.spaces)} frames of reference in one series"
        return volume_fault(self.frames)


def series_of(header: Any) -> Series:
    """Return the series that a file begins, without its frames."""
    remarks: list[str] = []
    when, unreadable = scanned(header)
    return Series(
        *owner_of(header),
        when=when,
        number=0,
        description=f"{text(header, 'SeriesDescription')} {text(header, 'ProtocolName')}".strip(),
        modality=text(header, "Modality"),
        image_type=(),
        tr_ms=None,
        te_ms=None,
        ti_ms=None,
        agent=_agent(header),
        spacing_mm=(),
        age=_age(header, remarks),
        sex=_sex(header, remarks),
        field_strength_t="",
        manufacturer=text(header, "Manufacturer"),
        remarks=[*unreadable, *remarks],
    )


def add_file(series: Series, name: str, header: Any, frames: list[Frame]) -> None:
    """Add a usable file with its frames to its series. Raises ``UnreadableError`` for a number that is none."""
    tesla = number(header, "MagneticFieldStrength", positive=True)
    series.number = whole_number(header, "SeriesNumber") or series.number
    series.expected = whole_number(header, "ImagesInAcquisition") or series.expected
    series.field_strength_t = f"{tesla:g}" if tesla else series.field_strength_t
    types = (each.upper() for each in values(header, "ImageType"))
    series.image_type = tuple(dict.fromkeys((*series.image_type, *types)))
    when, _ = scanned(header)
    if when and (series.when is None or when.order < series.when.order):
        series.when = when
    person, birth, sex = (text(header, of) for of in ("PatientName", "PatientBirthDate", "PatientSex"))
    series.persons.add((person, birth, sex))
    if space := text(header, "FrameOfReferenceUID"):
        series.spaces.add(space)
    series.structures += structures_of(header, name)
    series.files.append(name)
    series.frames += frames


def complete(series: Series) -> None:
    """Set what only all frames together tell: timing and spacing."""
    if not series.frames or series.structures:
        return
    first = series.frames[0]
    series.tr_ms, series.te_ms, series.ti_ms = first.tr_ms, first.te_ms, first.ti_ms
    if doubt := lost_at_an_end(series.frames, series.expected):
        series.remarks.append(doubt)
    between = slice_distance_mm(series.frames)
    series.spacing_mm = (*first.pixel_mm, between) if between else first.pixel_mm


def _agent(header: Any) -> str:
    coded = header.get("ContrastBolusAgentSequence") or []
    return text(header, "ContrastBolusAgent") or next((text(item, "CodeMeaning") or "coded" for item in coded), "")


def _sex(header: Any, remarks: list[str]) -> str:
    given = text(header, "PatientSex").upper()
    if given in ("", "F", "M", "O"):
        return given
    remarks.append("PatientSex is not F, M or O: sex is left empty")
    return ""


def _age(header: Any, remarks: list[str]) -> str:
    """Return whole years, at most 90, from the age or else from the date of birth."""
    given = text(header, "PatientAge").upper()
    if match := _AGE.fullmatch(given):
        return str(min(int(int(match[1]) / _PER_YEAR[match[2]]), _OLDEST))
    if given:
        remarks.append("PatientAge cannot be read")
    birth, day = text(header, "PatientBirthDate"), text(header, "StudyDate")
    if len(birth) == len(day) == 8 and (birth + day).isdigit() and birth <= day:
        return str(min((int(day) - int(birth)) // 10000, _OLDEST))
    if birth and day:
        remarks.append("PatientBirthDate cannot be read: age is left empty")
    return ""
