"""One file a column: what happens when a patient has several that could be it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from residua.importers.found import FoundPatient, Label

LABELS = ("residual", "pre_tumor")
"""Columns that are annotations; further ones are those for which a rule was declared."""


def patient_of(
    source_id: str,
    hospital: str,
    candidates: Mapping[str, Iterable[Path]],
    rules: Mapping[str, tuple[int, ...]],
    clinical: Mapping[str, str] | None = None,
    remarks: Iterable[str] = (),
    known: tuple[int, ...] = (),
) -> FoundPatient:
    """The patient with the one file of each column.

    A column with several is left empty and excludes the patient, with a remark that names them: which one was meant
    nobody but the user knows. ``rules`` hold the values of labels whose files have several structures, ``known`` all
    values that the layout's documentation gives a meaning.
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
