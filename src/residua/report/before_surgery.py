"""Who had part in the trainings on scans before surgery, and why others had none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from residua.publishing.publish import read_json
from residua.report.methods import Passage
from residua.report.wording import counted, listed


def with_starts(
    passages: Sequence[Passage],
    labels: Mapping[str, str],
    selections: Mapping[tuple[str, int], str],
    lacking: Collection[str],
) -> list[Passage]:
    """Return the passages, with one more paragraph on each network that starts so.

    ``labels`` are the names of networks, which head their passages; ``selections`` the files that list, by network and
    fold, who is trained on; ``lacking`` the patients of the folds who have no scan before surgery or no mask of its
    tumour.
    """
    folds: dict[str, list[str]] = {}
    for (arch, _), file in selections.items():
        folds.setdefault(labels.get(arch, arch), []).append(file)
    told = {name: _sentence([read_json(file) for file in files], len(lacking)) for name, files in folds.items()}
    return [
        replace(each, paragraphs=(*each.paragraphs, told[each.heading])) if each.heading in told else each
        for each in passages
    ]


def _sentence(folds: list[Mapping[str, Any]], lacking: int) -> str:
    taking = {patient for fold in folds for patient in fold["training"]}
    unsound = {patient for fold in folds for patient in fold["unprepared"]}
    persons = {patient: person for fold in folds for patient, person in fold.get("persons", {}).items()}
    repeated = {patient for fold in folds for patient in fold.get("repeated", {})}
    had = counted(len(taking), "patient")
    if persons or repeated:
        had = f"{counted(len(taking), 'scan')} of {counted(len({persons.get(p, p) for p in taking}), 'person')}"
    again = f", each once; {counted(len(repeated), 'further patient')} had theirs among these" if repeated else ""
    others = [f"{lacking} for want of the scan or of the mask"] if lacking else []
    if unsound:
        others.append(f"{len(unsound)} because no sound brain mask was made on the scan")
    none = f"; others of the folds had none, {listed(others)}" if others else ""
    return f"In the training before surgery {had} had part{again}{none}."
