"""Assign one file to each column, and exclude patients with several candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from residua.importers.found import FoundPatient, Label

LABELS = ("residual", "pre_tumor")
"""Columns that are annotations; columns with a declared rule are annotations too."""

_SHOWN = 3
_File = TypeVar("_File")


def by_scan(files: Iterable[_File], scan_of: Callable[[_File], str]) -> dict[str, list[_File]]:
    """Return the files of each scan of a person by the scan's name.

    ``scan_of`` gives the name of a file's scan; empty for a file that belongs to every scan, as one before surgery
    does. A person without a scan has all files under an empty name.
    """
    known = [(scan_of(file), file) for file in files]
    names = sorted({name for name, _ in known} - {""}) or [""]
    return {name: [file for of, file in known if of in ("", name)] for name in names}


def patient_of(
    source_id: str,
    hospital: str,
    candidates: Mapping[str, Iterable[Path]],
    rules: Mapping[str, tuple[int, ...]],
    clinical: Mapping[str, str] | None = None,
    remarks: Iterable[str] = (),
    known: tuple[int, ...] = (),
    ignored: tuple[int, ...] = (),
    left: Iterable[str] = (),
    person: str = "",
) -> FoundPatient:
    """Return the patient with one file for each column.

    A column with several candidates stays empty and excludes the patient, with a remark that names the files: only the
    user knows which one is right. ``rules`` holds the values of labels whose files have several structures, ``known``
    all values that the layout's documentation defines, ``ignored`` those of voxels that nobody annotated. ``left`` are
    the reasons why other files of the patient are not used: they exclude a patient who has no file at all.
    """
    images: dict[str, Path] = {}
    labels: dict[str, Label] = {}
    reason, said = "", list(remarks)
    for column, files in candidates.items():
        first, *others = sorted(files)
        if others:
            reason = reason or f"several files could be {column}"
            said.append(f"{column}: could be {', '.join(file.name for file in (first, *others))}")
        elif column in rules:
            labels[column] = Label(first, rules[column], known, ignored)
        elif column in LABELS:
            labels[column] = Label(first)
        else:
            images[column] = first
    if not images and not labels and not reason:
        reason = nothing_used(left)
    return FoundPatient(source_id, hospital, images, labels, clinical or {}, reason, tuple(said), person)


def nothing_used(left: Iterable[str]) -> str:
    """Return the reason to exclude a patient none of whose files is used, from the reasons why they are left."""
    first, *more = sorted(set(left)) or ["there is none"]
    shown = "; ".join((first, *more[: _SHOWN - 1]))
    return f"none of the patient's files is used: {shown}" + ("; …" if len(more) >= _SHOWN else "")
