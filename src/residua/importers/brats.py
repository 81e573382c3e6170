"""BraTS: cases with the file names of the Brain Tumor Segmentation challenges.

Sources: Baid et al., "The RSNA-ASNR-MICCAI BraTS 2021 Benchmark on Brain Tumor Segmentation and Radiogenomic
Classification", arXiv:2107.02314; de Verdier et al., "The 2024 Brain Tumor Segmentation (BraTS) Challenge: Glioma
Segmentation on Post-treatment MRI", arXiv:2405.18368; the challenges' data pages.

What is documented:
- up to 2022 ``BraTS2021_00001_t1ce.nii.gz`` with ``t1``, ``t2``, ``flair``, ``seg``: one scan, before surgery. Values
  1 necrotic core, 2 oedema, 4 enhancing tumour.
- 2023 ``BraTS-GLI-00001-000-t1c.nii.gz`` with ``t1n``, ``t2f`` (FLAIR), ``t2w``, ``seg``; the last number is the time
  point, 000 and 001 before surgery. Values 1 necrotic core, 2 oedema, 3 enhancing tumour.
- 2024 after treatment: the same names, time points from 100 on. Values 1 non-enhancing core, 2 surrounding FLAIR signal
  change, 3 enhancing tissue, 4 resection cavity.

Not documented: the time from surgery to a scan, and the hospital. All cases get one hospital, and no scan is early
post-operative unless it is assumed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from residua.errors import ResiduaError
from residua.importers.candidates import by_scan, patient_of
from residua.importers.found import NOT_EARLY, STRIPPED, Found, FoundPatient
from residua.importers.labels import Rules
from residua.importers.tree import files_below, instead, why_unread
from residua.settings.columns import FILES

LAYOUT = "brats"
Release = Literal["2021", "2023", "2024"]
Time = Literal["pre", "post"]
HOSPITAL = "BRATS"
_NAME = re.compile(r"(BraTS-[A-Z]+-\d+)-(\d{3})-(t1c|t1n|t2f|t2w|seg)\.nii(?:\.gz)?", re.IGNORECASE)
_OLD_NAME = re.compile(r"(BraTS\w+?)_(t1ce|t1|flair|t2|seg)\.nii(?:\.gz)?", re.IGNORECASE)
_KINDS = {"t1c": "t1ce", "t1n": "t1", "t2f": "flair", "t2w": "t2"}
_AFTER_TREATMENT = 100
BEFORE_SURGERY = f"{NOT_EARLY}: time points below {_AFTER_TREATMENT} are before surgery by the documentation"
_KNOWN: Mapping[Release, tuple[int, ...]] = {"2021": (1, 2, 4), "2023": (1, 2, 3), "2024": (1, 2, 3, 4)}
_ENHANCING: Mapping[Release, int] = {"2021": 4, "2023": 3, "2024": 3}
_CORE = 1


@dataclass(frozen=True)
class BratsOptions:
    """Options of the user. ``release``: defines the values of segmentations; None: the release of the file names.

    ``preoperative_as_post``: use a ``post`` below 100, although the documentation calls it before surgery.
    ``post`` and ``pre`` are time points. ``post`` None: each patient's first from 100 on; ``pre`` None: no scan.
    ``in_table``: a table gives the hospitals. ``every_scan``: each time point from 100 on is a row.
    """

    post: int | None = None
    preoperative_as_post: bool = False
    pre: int | None = None
    release: Release | None = None
    rules: Rules = field(default_factory=dict)
    hospital: str = HOSPITAL
    columns: tuple[str, ...] = ()
    in_table: bool = False
    every_scan: bool = False


@dataclass(frozen=True)
class _File:
    path: Path
    point: int
    kind: str
    release: Release


def find_brats(root: Path, options: BratsOptions) -> Found:
    """Find the patients below ``root``. Raises ``ResiduaError`` if there is none or no scan is post-operative."""
    if options.every_scan and options.post is not None:
        raise ResiduaError("--every-scan keeps all post-operative scans and --post-timepoint one; give one of them")
    if options.post is not None and options.post == options.pre:
        raise ResiduaError(f"--post-timepoint and --pre-timepoint are both {options.post}; give two time points")
    cases: dict[str, list[_File]] = defaultdict(list)
    left: dict[str, str] = {}
    for path in files_below(root):
        case_and_file = _file_of(path, options.release)
        if case_and_file is None:
            left[path.relative_to(root).as_posix()] = why_unread(path) or "not a BraTS file name"
        else:
            case, file = case_and_file
            cases[case].append(file)
    if not cases:
        what = f"{root}: no file such as BraTS-GLI-00001-100-t1c.nii.gz or BraTS2021_00001_t1ce.nii.gz"
        raise ResiduaError(what + instead(root / name for name in left))
    times = {case: _times(files, options) for case, files in cases.items()}
    if not any("post" in of_case.values() for of_case in times.values()):
        points = sorted({file.point for files in cases.values() for file in files})
        raise ResiduaError(
            f"{root}: file names do not show which scans are post-operative; name their time point with "
            f"--post-timepoint: {', '.join(map(str, points))}"
        )
    patients: list[FoundPatient] = []
    for case, files in sorted(cases.items()):
        patients += _patients(case, files, times[case], options)
        for file in files:
            if (why := _why_left(file, times[case], options)) is not None:
                left[file.path.relative_to(root).as_posix()] = why
    remarks = () if options.in_table else ("hospitals are not documented: all cases get the same one",)
    return Found(LAYOUT, tuple(patients), left, (*remarks, STRIPPED))


def require_after_surgery(options: BratsOptions) -> None:
    """Raise ``ResiduaError`` if a scan that is documented as before surgery would be assumed to be early after it."""
    if _contradicts(options):
        raise ResiduaError(
            f"--post-timepoint {options.post} --assume-early: BraTS documents time points below {_AFTER_TREATMENT} as "
            "before surgery; leave out --assume-early, or add --preoperative-as-post if you know better"
        )


def _file_of(path: Path, release: Release | None) -> tuple[str, _File] | None:
    """Return the case of a file and the information in its name; None for other names."""
    if match := _NAME.fullmatch(path.name):
        point = int(match[2])
        said: Release = "2024" if point >= _AFTER_TREATMENT else "2023"
        kind = match[3].lower()
        return match[1], _File(path, point, _KINDS.get(kind, kind), release or said)
    if match := _OLD_NAME.fullmatch(path.name):
        return match[1], _File(path, 0, match[2].lower(), release or "2021")
    return None


def _times(files: Iterable[_File], options: BratsOptions) -> dict[int, Time]:
    """Return the used time points, each pre- or post-operative."""
    times: dict[int, Time] = {} if options.pre is None else {options.pre: "pre"}
    points = {file.point for file in files}
    after = [point for point in points if point >= _AFTER_TREATMENT] if options.post is None else [options.post]
    if options.every_scan:
        each: dict[int, Time] = dict.fromkeys(after, "post")
        return each | times
    return times | ({min(after): "post"} if after else {})


def _patients(
    case: str, files: Sequence[_File], times: Mapping[int, Time], options: BratsOptions
) -> Iterator[FoundPatient]:
    """Yield the case; with ``every_scan``, each of its post-operative scans, whose names are as in the file names."""
    if not options.every_scan:
        yield _patient(case, files, times, options)
        return
    scans = by_scan(files, lambda file: f"{file.point:03d}" if times.get(file.point) == "post" else "")
    for scan, of_scan in scans.items():
        own = {point: time for point, time in times.items() if time == "pre" or scan == f"{point:03d}"}
        patient = _patient(f"{case}-{scan}" if scan else case, of_scan, own, options)
        yield replace(patient, person=case)


def _patient(case: str, files: Sequence[_File], times: Mapping[int, Time], options: BratsOptions) -> FoundPatient:
    candidates: dict[str, list[Path]] = defaultdict(list)
    rules: dict[str, tuple[int, ...]] = {}
    known: tuple[int, ...] = ()
    for file in files:
        column = _column(file, times, options)
        if column is None:
            continue
        candidates[column].append(file.path)
        if file.kind == "seg":
            rules[column] = options.rules.get(column) or _default_rule(column, file.release)
            known = tuple({*known, *_KNOWN[file.release]})
    left = [why for file in files if (why := _why_left(file, times, options))]
    remarks = [f"time point {point} is the {time}-operative scan" for point, time in sorted(times.items())]
    patient = patient_of(case, options.hospital, candidates, rules, remarks=remarks, known=known, left=left)
    return replace(patient, exclusion_reason=BEFORE_SURGERY) if _contradicts(options) else patient


def _contradicts(options: BratsOptions) -> bool:
    """Return whether the post-operative time point is one that the documentation calls pre-operative."""
    return options.post is not None and options.post < _AFTER_TREATMENT and not options.preoperative_as_post


def _default_rule(column: str, release: Release) -> tuple[int, ...]:
    """Return the default values: enhancing tumour is residual tumour; before surgery the core belongs to the tumour."""
    return (_ENHANCING[release],) if column == "residual" else (_CORE, _ENHANCING[release])


def _column(file: _File, times: Mapping[int, Time], options: BratsOptions) -> str | None:
    time = times.get(file.point)
    if file.kind == "seg":
        return {"post": "residual", "pre": "pre_tumor"}.get(time or "")
    column = f"{time}_{file.kind}"
    return column if column in (*FILES, *options.columns) else None


def _why_left(file: _File, times: Mapping[int, Time], options: BratsOptions) -> str | None:
    if file.point not in times:
        return f"time point {file.point} is not used"
    return None if _column(file, times, options) else "not needed"
