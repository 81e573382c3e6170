"""The record of an import, written beside the table, and its printed summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from residua.importers.found import NOT_EARLY, Found
from residua.importers.labels import in_words
from residua.settings.columns import CLINICAL

_REASONS, _NAMES = 10, 5
_LABELS = ("residual", "pre_tumor", "brain_mask")


@dataclass
class RecordRow:
    """One patient as written: the cells of the table by column, and the remarks.

    ``several_values``: columns of labels that are used as they are, but are not binary; ``not_derived``: labels whose
    file gives none.
    """

    cells: dict[str, str]
    remarks: list[str] = field(default_factory=list)
    several_values: list[str] = field(default_factory=list)
    not_derived: list[str] = field(default_factory=list)


def record_of(
    found: Found, rows: Sequence[RecordRow], columns: Iterable[str], hospitals: Mapping[str, str]
) -> dict[str, Any]:
    """Return the record as builtins: counts, patients, hospitals, label rules, remarks, unused files; no absolute path.

    ``columns`` are the columns of files and clinical values; ``hospitals`` maps the source's names to identifiers.
    """
    return {
        "layout": found.layout,
        "counts": _counts(found, rows, columns),
        "patients": {row.cells["patient"]: _patient(row) for row in rows},
        "hospitals": {identifier: "; ".join(names) for identifier, names in _spelt(hospitals).items()},
        "label_rules": _rules(found),
        "remarks": [*found.remarks, *_merged(hospitals)],
        "left": dict(found.left),
    }


def _spelt(hospitals: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the names of each hospital in the source, by identifier."""
    names: dict[str, list[str]] = {}
    for name, identifier in hospitals.items():
        names.setdefault(identifier, []).append(name)
    return names


def _merged(hospitals: Mapping[str, str]) -> list[str]:
    several = {identifier: ", ".join(names) for identifier, names in _spelt(hospitals).items() if len(names) > 1}
    return [
        f"hospital {identifier}: one hospital in several spellings: {names}" for identifier, names in several.items()
    ]


def _patient(row: RecordRow) -> dict[str, Any]:
    said = {"source_id": row.cells["source_id"], "exclusion_reason": row.cells["exclusion_reason"]}
    said |= {"person": row.cells["person"]} if "person" in row.cells else {}
    return {**said, "remarks": row.remarks}


def _rules(found: Found) -> dict[str, list[str]]:
    """Return how each label was derived, such as ``values 1, 4``; several ways if patients differ."""
    ways: dict[str, set[str]] = {}
    for patient in found.patients:
        for column, label in patient.labels.items():
            way = "used as it is" if label.values is None else f"values {in_words(label.values)}"
            ways.setdefault(column, set()).add(way)
    return {column: sorted(said) for column, said in ways.items()}


def _counts(found: Found, rows: Sequence[RecordRow], columns: Iterable[str]) -> dict[str, Any]:
    labels = {*_LABELS, *(column for patient in found.patients for column in patient.labels)}
    files = [column for column in columns if column not in CLINICAL]
    have = {column: sum(bool(row.cells.get(column)) for row in rows) for column in files}
    reasons = [row.cells["exclusion_reason"] for row in rows if row.cells["exclusion_reason"]]
    persons = {row.cells["person"] for row in rows if "person" in row.cells}
    return {
        "patients": len(rows),
        **({"persons": len(persons)} if persons else {}),
        "hospitals": dict(sorted(Counter(row.cells["hospital"] for row in rows).items())),
        "lacking": {column: len(rows) - n for column, n in have.items() if column not in labels and n < len(rows)},
        "labels": {column: n for column, n in have.items() if column in labels},
        "excluded": dict(sorted(Counter(reasons).items())),
        "not_early": sum(reason.startswith(NOT_EARLY) for reason in reasons),
        "several_values": dict(Counter(column for row in rows for column in row.several_values)),
        "not_derived": dict(Counter(column for row in rows for column in row.not_derived)),
        "with_remarks": sum(bool(row.remarks) for row in rows),
        "left": len(found.left),
    }


def summary(record: Mapping[str, Any]) -> list[str]:
    """Return the lines that are printed after an import."""
    counts = record["counts"]
    n = counts["patients"]
    hospitals = ", ".join(f"{hospital} {of}" for hospital, of in counts["hospitals"].items())
    what = f"{n} scans of {counts['persons']} persons," if "persons" in counts else f"{n} patients"
    lines = [f"{what} of {len(counts['hospitals'])} hospital(s): {hospitals}"]
    lines += [f"{column}: missing for {of} of {n}" for column, of in counts["lacking"].items()]
    for column, of in counts["labels"].items():
        way = " or ".join(record["label_rules"].get(column, []))
        lines.append(f"{column}: {of} of {n} annotated" + (f" ({way})" if way else ""))
    for column, of in counts["several_values"].items():
        lines.append(f"{column}: {of} file(s) are not binary; give the label's values with --label {column}=VALUES")
    lines += [f"{column}: no label was derived for {of} of {n}" for column, of in counts["not_derived"].items()]
    lines += _excluded(record)
    if counts["not_early"]:
        lines.append(f"{NOT_EARLY}: {counts['not_early']} of {n}; --assume-early includes patients with unknown time")
    lines += list(record["remarks"])
    if counts["with_remarks"] or counts["left"]:
        lines.append(
            f"import.json lists remarks on {counts['with_remarks']} patient(s) "
            f"and {counts['left']} unused file(s) with the reason"
        )
    return lines


def _excluded(record: Mapping[str, Any]) -> list[str]:
    """Return a line for each reason, the most frequent first, with the first patients."""
    reasons: dict[str, list[str]] = {}
    for patient, said in record["patients"].items():
        if said["exclusion_reason"]:
            reasons.setdefault(said["exclusion_reason"], []).append(patient)
    frequent = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = [f"excluded {len(of)}: {reason} ({_some(of)})" for reason, of in frequent[:_REASONS]]
    rest = [patient for _, of in frequent[_REASONS:] for patient in of]
    return lines + ([f"excluded {len(rest)} for other reasons ({_some(rest)}): see import.json"] if rest else [])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES]) + (", …" if len(names) > _NAMES else "")
