"""Assign one file to each column, and exclude patients with several candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from residua.importers.found import FoundPatient, Label

LABELS = ("residual", "pre_tumor")
"""Columns that are annotations; columns with a declared rule are annotations too."""


def patient_of(
    source_id: str,
    hospital: str,
    candidates: Mapping[str, Iterable[Path]],
    rules: Mapping[str, tuple[int, ...]],
    clinical: Mapping[str, str] | None = None,
    remarks: Iterable[str] = (),
    known: tuple[int, ...] = (),
) -> FoundPatient:
    """Return the patient with one file for each column.

    A column with several candidates stays empty and excludes the patient, with a remark that names the files: only the
    user knows which one is right. ``rules`` holds the values of labels whose files have several structures, ``known``
    all values that the layout's documentation defines.
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
            labels[column] = Label(first, rules[column], known)
        elif column in LABELS:
            labels[column] = Label(first)
        else:
            images[column] = first
    return FoundPatient(source_id, hospital, images, labels, clinical or {}, reason, tuple(said))
