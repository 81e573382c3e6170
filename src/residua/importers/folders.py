"""Folders of any layout: a pattern locates the files, a mapping assigns them to columns."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from residua.errors import ResiduaError
from residua.importers.candidates import by_scan, patient_of
from residua.importers.contrast import QUESTION, contrast_in
from residua.importers.found import Found, FoundPatient
from residua.importers.labels import Rules
from residua.importers.pattern import Pattern
from residua.importers.tree import files_below, instead, volume_name, why_unread
from residua.settings.base import COLUMN
from residua.settings.columns import FILES

LAYOUT = "folders"
_SHOWN = 3


@dataclass(frozen=True)
class FolderOptions:
    """The user's description of the folders.

    ``columns``: the column of each ``sequence`` or ``session/sequence``; ``further``: additional columns that a pattern
    with ``{column}`` may match; ``hospital``: hospital of all patients, for patterns without ``{hospital}``;
    ``in_table``: a table gives the hospitals instead; ``every_scan``: each session after surgery is a row.
    """

    patterns: tuple[Pattern, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=dict)
    hospital: str = ""
    further: tuple[str, ...] = ()
    in_table: bool = False
    every_scan: bool = False


@dataclass(frozen=True)
class _File:
    """A file that a pattern matches, and its column; None: it is not used, for the reason ``why``."""

    path: Path
    session: str
    column: str | None
    why: str


def parse_columns(texts: Sequence[str]) -> dict[str, str]:
    """Parse mappings such as ``post_t1ce=T1_GD_post`` or ``post_t1ce=post/t1c`` into the column by sequence name.

    Raises ``ResiduaError`` that quotes an invalid mapping.
    """
    columns: dict[str, str] = {}
    for text in texts:
        column, equals, name = normalize("NFC", text).partition("=")
        if not equals or not name or not re.fullmatch(COLUMN, column):
            raise ResiduaError(f"--map {text}: write COLUMN=SEQUENCE or COLUMN=SESSION/SEQUENCE")
        if name in columns:
            raise ResiduaError(f"--map {text}: {name} is already mapped to {columns[name]}")
        columns[name] = column
    return columns


def find_folders(root: Path, options: FolderOptions) -> Found:
    """Find the patients below ``root``. Raises ``ResiduaError`` if nothing matches or a mapping is missing."""
    _require_sense(options)
    matched, left = _matched(root, options)
    files: dict[tuple[str, str], list[_File]] = defaultdict(list)
    for file, fields in matched.items():
        column, why = _column(fields, options)
        if column is not None and (question := _question(file, fields, column)):
            column, why = None, question
        person = (fields.get("hospital", options.hospital), fields["patient"])
        files[person].append(_File(file, fields.get("session", ""), column, why))
        if column is None:
            left[file.relative_to(root).as_posix()] = why
    if not any(file.column for of_person in files.values() for file in of_person):
        questions = [why for why in left.values() if why.startswith(QUESTION)]
        raise ResiduaError(f"{root}: {questions[0] if questions else _undecided(matched.values())}")
    shared = any(n > 1 for n in Counter(patient.casefold() for _, patient in files).values())
    patients = [
        patient
        for person, of_person in sorted(files.items())
        for patient in _patients("/".join(person[not shared :]), person[0], of_person, options)
    ]
    remarks = ["hospitals share patient names, so every source_id begins with the hospital"] if shared else []
    return Found(LAYOUT, tuple(patients), left, (*remarks, *_on_contrast(options, left)))


def _patients(name: str, hospital: str, files: Sequence[_File], options: FolderOptions) -> Iterator[FoundPatient]:
    """Yield the person ``name`` as one patient, or each of the scans after surgery, called by person and session."""

    def is_before(file: _File) -> bool:
        return file.column is not None and file.column.startswith("pre_")

    after = {file.session for file in files if options.every_scan and file.column and not is_before(file)}
    scans = by_scan(files, lambda file: file.session if file.session in after and not is_before(file) else "")
    for scan, of_scan in scans.items():
        candidates: dict[str, list[Path]] = defaultdict(list)
        for file in of_scan:
            if file.column is not None:
                candidates[file.column].append(file.path)
        left = [file.why for file in of_scan if file.column is None]
        yield patient_of(
            *(f"{name}/{scan}" if scan else name, hospital, candidates, options.rules),
            remarks=[why for why in left if why.startswith(QUESTION)],
            left=left,
            person=name if options.every_scan else "",
        )


def _on_contrast(options: FolderOptions, left: Mapping[str, str]) -> list[str]:
    """Return remarks on files and mappings whose names say the contrary of their column."""
    questions = [why for why in left.values() if why.startswith(QUESTION)]
    remarks = [f"{len(questions)} file(s) are not used, such as: {questions[0]}"] if questions else []
    for name, column in options.columns.items():
        if contrast_in(name.rpartition("/")[2]) == {"t1ce": False, "t1": True}.get(column.rpartition("_")[2], ""):
            remarks.append(f"--map {column}={name}: the name says the contrary about contrast agent; look at a scan")
    return remarks


def _require_sense(options: FolderOptions) -> None:
    for pattern in options.patterns:
        if "patient" not in pattern.fields:
            raise ResiduaError(f"the pattern {pattern.text} has no {{patient}}; add it where the patient's name stands")
        if ("column" in pattern.fields) == ("sequence" in pattern.fields):
            raise ResiduaError(f"the pattern {pattern.text} needs {{column}}, or {{sequence}} with --map")
        if options.every_scan and "session" not in pattern.fields:
            raise ResiduaError(
                f"--every-scan: the pattern {pattern.text} has no {{session}}; add it where a person's scans differ"
            )
        if "hospital" not in pattern.fields and not options.hospital and not options.in_table:
            raise ResiduaError(
                f"the pattern {pattern.text} has no {{hospital}}; give --hospital, or a --table with the hospitals"
            )


def _matched(root: Path, options: FolderOptions) -> tuple[dict[Path, dict[str, str]], dict[str, str]]:
    """Return the fields of each image that matches a pattern, and why every other file is not used."""
    sequences = {name.rpartition("/")[2] for name in options.columns}
    known = {"sequence": sequences, "column": {*FILES, *options.further}}
    matched: dict[Path, dict[str, str]] = {}
    left: dict[str, str] = {}
    for file in files_below(root):
        name = file.relative_to(root).as_posix()
        fields = (pattern.match(name, known) for pattern in options.patterns)
        if volume_name(file) is None:
            left[name] = why_unread(file) or "not a NIfTI file"
        elif values := next(filter(None, fields), None):
            matched[file] = values
        else:
            left[name] = "does not match the pattern"
    if not matched:
        raise ResiduaError(_nothing(root, options.patterns[0], left))
    return matched, left


def _nothing(root: Path, pattern: Pattern, left: Mapping[str, str]) -> str:
    images = [name for name, why in left.items() if why == "does not match the pattern"]
    if not images:
        what = f"{root}: contains no NIfTI file (.nii, .nii.gz); give the folder with the images"
        return what + instead(root / name for name in left)
    seen = ", ".join(images[:_SHOWN])
    why = pattern.why_not(images[0])
    return f"{root}: no file matches {pattern.text}. It contains {seen}. The first does not match: {why}"


def _column(fields: Mapping[str, str], options: FolderOptions) -> tuple[str | None, str]:
    """Return the column of a file, or None and the reason."""
    if "column" in fields:
        column = fields["column"]
        is_known = column in (*FILES, *options.further, *options.rules)
        return (column, "") if is_known else (None, f"{column} is not a column of the cohort table; see --column")
    sequence, session = fields["sequence"], fields.get("session")
    name = sequence if session is None else f"{session}/{sequence}"
    column_of = options.columns.get(name)
    return column_of, "" if column_of else f"no --map assigns {name} to a column"


def _question(file: Path, fields: Mapping[str, str], column: str) -> str:
    """Return a question if a file's name contradicts its column of T1w; empty if the user's --map says the same."""
    has_contrast = {"t1ce": True, "t1": False}.get(column.rpartition("_")[2])
    rest = normalize("NFC", file.name)
    for place in ("hospital", "patient"):
        rest = rest.replace(fields.get(place, ""), " ") if fields.get(place) else rest
    said = contrast_in(rest)
    if has_contrast is None or said in (None, has_contrast) or contrast_in(fields.get("sequence", "")) == said:
        return ""
    return f"{QUESTION}{file.name} is not used as {column}; name it more exactly in the pattern"


def _undecided(matched: Iterable[Mapping[str, str]]) -> str:
    names = sorted(
        {"/".join(fields[f] for f in ("session", "sequence", "column") if f in fields) for fields in matched}
    )
    return f"no file is assigned to a column of the cohort table; use --map for {', '.join(names)}"
