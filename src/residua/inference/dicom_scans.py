"""Scans of new patients that are DICOM series: which series a path means, and whether it can be used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from residua.errors import ResiduaError
from residua.importers.dicom.convert import UnconvertedError, convert_series, series_key
from residua.importers.dicom.headers import NOBODY
from residua.importers.dicom.owners import settle
from residua.importers.dicom.scan import Scan, scan
from residua.importers.dicom.series import Series
from residua.importers.tree import is_dicom
from residua.inference.request import NewPatient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.study import Study

CHECK = "dicom-unusable"
IMAGES = "images"
"""Folder of an application in which converted scans lie."""
_MODALITY = "MR"
_CHOSEN = "#"
"""Between a folder and the number of a series in it."""
_DIGITS = 6
"""Of the number of a series; more are an identifier."""
_ANOTHER = "give another series, or convert this one by hand and give the NIfTI file"
_MIXED = "give the right series, or convert it by hand and give the NIfTI file"


@dataclass(frozen=True)
class DicomScan:
    """A scan of a patient that is a DICOM series. Contains identity."""

    patient: str
    column: str
    place: Path
    series: Series
    files: tuple[Path, ...]
    key: str

    @property
    def volume(self) -> Path:
        """The converted scan, relative to the application's folder; another series has another name."""
        return Path(IMAGES, self.patient, f"{self.column}_{self.key[:12]}.nii.gz")


@dataclass(frozen=True)
class Unusable:
    """What is wrong with a path to DICOM, and lines for the user alone, who may see what identifies a patient."""

    problem: Problem
    listing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the problem, and the lines below it."""
        return "\n".join([str(self.problem), *(f"  {line}" for line in self.listing)])


class _UnusableError(Exception):
    def __init__(self, what: str, remedy: str, listing: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.what, self.remedy, self.listing = what, remedy, tuple(listing)


@dataclass(frozen=True)
class FromDicom:
    """The scans of a call that are DICOM series, and the paths to DICOM that cannot be used."""

    scans: list[DicomScan] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, by patient and column."""
        return [unusable.problem for unusable in self.unusable]

    def of(self, patient: str, column: str) -> DicomScan | None:
        """Return the series that is a scan of a patient; None where the scan is a file."""
        return next((each for each in self.scans if (each.patient, each.column) == (patient, column)), None)

    def placed(self, patients: Sequence[NewPatient], out: Path) -> list[NewPatient]:
        """Return the patients with converted scans in place of series; an unusable folder stands for itself."""
        files = {(each.patient, each.column): out / each.volume for each in self.scans}
        files |= {(p.patient or "", p.subject or ""): Path(p.file or "") for p in self.problems}
        return [
            replace(
                patient,
                files={column: files.get((patient.patient, column), file) for column, file in patient.files.items()},
            )
            for patient in patients
        ]


def find_series(patients: Sequence[NewPatient], study: Study) -> FromDicom:
    """Return the series that the paths of patients mean: a folder of one series, or ``FOLDER#NUMBER``. Never raises."""
    found = FromDicom()
    for patient in patients:
        for column, path in patient.files.items():
            place, chosen = _place_of(path)
            if place is None:
                continue
            try:
                if column not in study.images:
                    raise _UnusableError("a DICOM series, but this is a mask", "give the mask as a NIfTI file")
                series, files = _series_at(place, chosen)
                key = series_key(series.owner, files)
                found.scans.append(DicomScan(patient.patient, column, place, series, files, key))
            except _UnusableError as error:
                found.unusable.append(_unusable(patient.patient, column, place, error))
            except (OSError, ResiduaError):
                unread = _UnusableError("it cannot be read to its end", "change its permissions, or copy it again")
                found.unusable.append(_unusable(patient.patient, column, place, unread))
        _judge_together(found, [scan for scan in found.scans if scan.patient == patient.patient], study)
    return found


def _place_of(path: Path) -> tuple[Path | None, str]:
    """Return the folder or file of DICOM that a path means, and the series that it chooses; None for another file."""
    if os.path.isdir(path) or (os.path.isfile(path) and is_dicom(path)):
        return path, ""
    folder, mark, chosen = str(path).rpartition(_CHOSEN)
    if mark and not os.path.lexists(path) and os.path.isdir(folder):
        return Path(folder), chosen
    return None, ""


def _unusable(patient: str, column: str, place: Path, error: _UnusableError) -> Unusable:
    problem = problem_of(CHECK, error.what, error.remedy, patient, column, file=str(place))
    return Unusable(problem, error.listing)


def _series_at(place: Path, chosen: str) -> tuple[Series, tuple[Path, ...]]:
    if place.is_dir():
        found, root = scan(place), place
        _require_all([root / name for name in found.left])
    else:
        found, root = Scan(), place.parent
        found.add(place, place.name)
    # The code of a hospital names series in messages.
    everything = settle(found, "DICOM")
    # Annotations, such as masks of earlier calls, may lie beside the images.
    if not everything and NOBODY in found.left.values():
        raise _UnusableError(f"no DICOM series can be read: {NOBODY}", _ANOTHER)
    series = _one_of([each for each in everything if each.modality == _MODALITY] or everything, place, chosen)
    fault = series.refusal if series.modality == _MODALITY else f"modality {series.modality or 'unknown'}, not MR"
    if not fault and len(series.frames) == 1:
        raise _UnusableError("a single slice of a DICOM series", "give the folder that holds all its files")
    if fault:
        raise _UnusableError(f"the DICOM series cannot be used: {fault}", _ANOTHER)
    return series, tuple(root / name for name in series.files)


def _require_all(left: Sequence[Path]) -> None:
    """Refuse a folder in which files are lost: a series whose last slices these were would be a smaller head."""
    if lost := [file for file in left if not os.access(file, os.R_OK)]:
        what = f"{len(lost)} of the files in the folder are broken links, or cannot be opened"
        raise _UnusableError(what, "fetch or restore them (git annex get, datalad get), or change their permissions")


def _one_of(series: Sequence[Series], place: Path, chosen: str) -> Series:
    if not series:
        raise _UnusableError("no DICOM series is in the folder", "give the folder of one series, or a NIfTI file")
    numbers = Counter(str(each.number) for each in series)
    names = [str(each.number) if numbers[str(each.number)] == 1 else each.series_uid for each in series]
    fitting = [each for each, name in zip(series, names, strict=True) if chosen in ("", name, each.series_uid)]
    if len(fitting) == 1:
        return fitting[0]
    held = f"the folder holds {len(series)} DICOM series"
    # What identifies a series stands in the listing alone: the patient's record has the rest.
    asked = chosen if len(chosen) <= _DIGITS and chosen.isdecimal() else f"called as after {_CHOSEN}"
    what = f"{held}, and none or several of them are {asked}" if chosen else held
    listing = [f"{place}{_CHOSEN}{name}: {_told(each)}" for each, name in zip(series, names, strict=True)]
    remedy = f"name one by its number, as in FOLDER{_CHOSEN}{names[0]}"
    if names[0] == series[0].series_uid:
        remedy = f"name one by its SeriesInstanceUID, FOLDER{_CHOSEN}UID, as the command lists them"
    raise _UnusableError(what, remedy, listing)


def _told(series: Series) -> str:
    when = f"{series.when.day}{f' {series.when.at:%H:%M}' if series.when.at else ''}" if series.when else "undated"
    return f"{series.description or 'no description'}, {len(series.frames)} slices, {when}"


def _judge_together(found: FromDicom, own: Sequence[DicomScan], study: Study) -> None:
    """Refuse series of other persons than the first, and scans from before surgery that are later than the others."""
    before = set(study.sequences.before_surgery)
    of_one = [each for each in own if each.series.patient_id == own[0].series.patient_id]
    after = [each for each in of_one if each.column not in before]
    for each in own:
        what = ""
        if each not in of_one:
            what = f"its PatientID is another than that of {own[0].column}: whose it is, is not known"
        elif later := [other.column for other in after if each.column in before and _is_later(each, other)]:
            what = f"a scan from before surgery, but acquired after {', '.join(later)}: are they exchanged?"
        if what:
            found.scans.remove(each)
            found.unusable.append(_unusable(each.patient, each.column, each.place, _UnusableError(what, _MIXED)))


def _is_later(scan: DicomScan, other: DicomScan) -> bool:
    when, others = scan.series.when, other.series.when
    return when is not None and others is not None and when.day > others.day


def convert_scans(found: FromDicom, out: Path) -> FromDicom:
    """Convert the series to NIfTI in the application's folder ``out``, and return those that could be converted.

    A finished one is not converted again. Volumes of other series of the same scan are removed.
    """
    scans, unusable = [], list(found.unusable)
    for each in found.scans:
        volume = out / each.volume
        try:
            if not volume.is_file():
                convert_series(each.files, each.series.voxels, volume)
            scans.append(each)
        except UnconvertedError as error:
            what = f"the DICOM series cannot be used: {error}"
            unusable.append(_unusable(each.patient, each.column, each.place, _UnusableError(what, _ANOTHER)))
        for old in volume.parent.glob(f"{each.column}_{'[0-9a-f]' * 12}.nii.gz"):
            if old != volume:
                old.unlink()
    return FromDicom(scans, unusable)


def all_unusable(patients: Sequence[NewPatient], found: FromDicom) -> str:
    """Return what is wrong when no patient of a call can be used; empty when one can."""
    concerned: Mapping[str | None, int] = Counter(problem.patient for problem in found.problems)
    if not patients or any(patient.patient not in concerned for patient in patients):
        return ""
    return "\n".join(map(str, found.unusable))
