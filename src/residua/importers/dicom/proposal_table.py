"""Write and read the proposal table, which contains no identity, and the private mapping to patients and files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from residua.cohort.table.lines import read_lines
from residua.errors import ResiduaError
from residua.importers.dicom.propose import Proposal
from residua.publishing.publish import write_text

TABLE, PRIVATE = "proposal.tsv", "private"
COLUMNS = (
    *("patient", "study", "series", "session", "slices", "spacing_mm", "tr_ms", "te_ms", "ti_ms"),
    *("hours_since_surgery", "description", "column", "confidence", "reasons", "confirmed"),
)
_VOCABULARY = re.compile(
    r"t1w?|t2w?|flair|mp-?rage|bravo|f?spgr|vibe|tfe|ffe|tse|fse|se|gre|tirm|space|cube|3d|2d|ax(?:ial)?|tra(?:ns)?|sag(?:ittal)?"
    r"|cor(?:onal)?|gd|gado\w*|km|ce|contrast|post|pre|nativ|ohne|without|with|fs|fatsat|dark|fluid|iso|mm|\d|p2|dwi|adc|swi"
    r"|loc\w*|scout|head|brain",
    re.IGNORECASE,
)


def write_proposals(folder: Path, proposals: Sequence[Proposal], hospital: str, source: Path) -> None:
    """Write ``proposal.tsv``, without identity, and ``private/mapping.json``, readable by its owner only."""
    patients = {p: f"{hospital}{n:03d}" for n, p in enumerate(dict.fromkeys(x.series.patient_id for x in proposals), 1)}
    studies: dict[str, list[str]] = {}
    rows: list[dict[str, Any]] = []
    private: list[dict[str, Any]] = []
    for proposal in proposals:
        series, patient = proposal.series, patients[proposal.series.patient_id]
        seen = studies.setdefault(patient, [])
        if series.study_uid not in seen:
            seen.append(series.study_uid)
        place = {"patient": patient, "study": seen.index(series.study_uid) + 1}
        number = 1 + sum(row["patient"] == patient and row["study"] == place["study"] for row in rows)
        rows.append({**place, "series": number, **_shown(proposal)})
        record = {"patient": patient, "study": place["study"], "series": number}
        private.append({**record, "patient_id": series.patient_id, "series_uid": series.series_uid, **_kept(proposal)})
    hidden = folder / PRIVATE
    hidden.mkdir(mode=0o700)
    write_text(hidden / "mapping.json", json.dumps({"source": str(source.resolve()), "series": private}, indent=1))
    os.chmod(hidden / "mapping.json", 0o600)
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / TABLE, stream.getvalue())


def confirmed_series(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """Return the source and the private record of each confirmed series, with its ``column``.

    Raises ``ResiduaError`` with every row that names a column and is not confirmed, or names a column twice.
    """
    rows = _rows(folder)
    try:
        private = json.loads((folder / PRIVATE / "mapping.json").read_text(encoding="utf-8"))
        records = {(r["patient"], str(r["study"]), str(r["series"])): r for r in private["series"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise ResiduaError(
            f"{folder / PRIVATE}: mapping.json is missing or damaged; run residua import dicom again"
        ) from None
    wrong, chosen, taken = [], [], set()
    for number, row in rows:
        key = (row["patient"], row["study"], row["series"])
        place = f"row {number} (patient {row['patient']}, series {row['series']})"
        if not row["column"] or row["confirmed"].casefold() == "no":
            continue
        if key not in records:
            wrong.append(f"{place}: no such series; restore the original patient, study and series")
        elif not re.fullmatch(r"[a-z][a-z0-9_]*", row["column"]):
            wrong.append(
                f"{place}: {row['column']!r} is not a column name; write one such as post_t1ce, or leave it empty"
            )
        elif row["confirmed"].casefold() != "yes":
            wrong.append(f"{place}: {row['column']} is not confirmed; inspect the series and write yes or no")
        elif (row["patient"], row["column"]) in taken:
            wrong.append(f"{place}: {row['column']} appears twice for this patient; confirm only one")
        else:
            taken.add((row["patient"], row["column"]))
            chosen.append({**records[key], "column": row["column"]})
    if wrong:
        lines = [f"{folder / TABLE}: the proposal is not ready ({len(wrong)} to correct):", *(f"  {w}" for w in wrong)]
        raise ResiduaError("\n".join(lines))
    if not chosen:
        raise ResiduaError(f"{folder / TABLE}: no series is confirmed; write yes in the rows to convert")
    return Path(private["source"]), chosen


def _rows(folder: Path) -> list[tuple[int, dict[str, str]]]:
    lines, problems = read_lines(str(folder / TABLE), "series")
    if problems or not lines or not set(COLUMNS) <= set(lines[0].cells):
        what = (
            str(problems[0]) if problems else f"{folder / TABLE}: a column is missing; run residua import dicom again"
        )
        raise ResiduaError(what)
    header = lines[0].cells
    return [(line.row, dict.fromkeys(header, "") | dict(zip(header, line.cells, strict=False))) for line in lines[1:]]


def _shown(proposal: Proposal) -> dict[str, Any]:
    series = proposal.series
    hours = proposal.hours_since_surgery
    return {
        "session": proposal.session,
        "slices": len(series.files),
        "spacing_mm": "x".join(f"{mm:.3g}" for mm in series.spacing_mm),
        "tr_ms": _number(series.tr_ms),
        "te_ms": _number(series.te_ms),
        "ti_ms": _number(series.ti_ms),
        "hours_since_surgery": "" if hours is None else f"{hours:.0f}",
        "description": scrubbed(series.description),
        "column": proposal.column,
        "confidence": f"{proposal.confidence:.2f}",
        "reasons": "; ".join(proposal.reasons),
        "confirmed": "",
    }


def _kept(proposal: Proposal) -> dict[str, Any]:
    series = proposal.series
    hours = proposal.hours_since_surgery
    clinical = {
        "hours_since_surgery": "" if hours is None or hours < 0 else f"{hours:.1f}",
        "age": series.age,
        "sex": series.sex if series.sex in ("F", "M", "O") else "",
        "field_strength_t": series.field_strength_t,
        "manufacturer": series.manufacturer,
    }
    return {"files": series.files, "clinical": clinical}


def scrubbed(description: str) -> str:
    """Keep the MRI terms of a description; other words, which may identify a person, become "…"."""
    words = [word for word in re.split(r"[^A-Za-z0-9+*-]+", description) if word]
    known = re.compile(rf"(?:{_VOCABULARY.pattern}|[+*-])+", re.IGNORECASE)
    shown = [word if known.fullmatch(word) and not re.search(r"\d{3}", word) else "…" for word in words]
    return re.sub(r"(… )+…", "…", " ".join(shown))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
