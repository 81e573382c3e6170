"""Write and read the proposal table, which contains no identity, and the private mapping to patients and files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from residua.cohort.table.lines import MISSING, read_lines
from residua.errors import ResiduaError
from residua.importers.dicom.headers import Owner
from residua.importers.dicom.propose import Proposal
from residua.importers.dicom.structures import DRAWN_ON, structure_name
from residua.publishing.publish import write_text
from residua.settings.columns import CLINICAL, REQUIRED

TABLE, PRIVATE = "proposal.tsv", "private"
COLUMNS = (
    *("patient", "study", "series", "structure", "session", "slices", "spacing_mm", "tr_ms", "te_ms", "ti_ms"),
    *("hours_since_surgery", "description", "column", "confidence", "reasons", "confirmed"),
)
_NO_IMAGE = (*REQUIRED, *CLINICAL, "exclusion_reason", "source_id")
_FIELDS = (*Owner._fields, "files", "voxels", "clinical", "sign", "remarks", "refusal", "drawn")
_PLACE = ("patient", "study", "series", "structure")
_VOCABULARY = re.compile(
    r"t1w?|t2w?|flair|mp-?rage|bravo|f?spgr|vibe|tfe|ffe|tse|fse|se|gre|tirm|space|cube|3d|2d|ax(?:ial)?|tra(?:ns)?|sag(?:ittal)?"
    r"|cor(?:onal)?|gd|gado\w*|km|ce|contrast|post|pre|nativ|ohne|without|with|fs|fatsat|dark|fluid|iso|mm|\d|p2|dwi|adc|swi"
    r"|loc\w*|scout|head|brain",
    re.IGNORECASE,
)

_STRUCTURES = (
    r"tumou?r|gtv|ctv|ptv|enhancing|enhancement|residual|lesion|necrosis|necrotic|o?edema|cavity|resection|core|whole"
    r"|non|glioma|glioblastoma|gbm|segment|segmentation|mask|label|roi|early|residuum"
)


def write_proposals(folder: Path, proposals: Sequence[Proposal], source: Path, left: Mapping[str, str]) -> None:
    """Write ``proposal.tsv``, without identity, and ``private/mapping.json``, readable by its owner only.

    The mapping holds identifiers and files of each series, and the reason for each file in ``left``.
    """
    hidden = folder / PRIVATE
    hidden.mkdir(mode=0o700)
    private = [{**_placed(proposal), **_kept(proposal)} for proposal in proposals]
    mapping = {"source": str(source.resolve()), "series": private, "left": dict(left)}
    write_text(hidden / "mapping.json", json.dumps(mapping, indent=1))
    os.chmod(hidden / "mapping.json", 0o600)
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**_placed(proposal), **_shown(proposal)} for proposal in proposals)
    write_text(folder / TABLE, stream.getvalue())


def confirmed_series(folder: Path) -> tuple[Path, list[dict[str, Any]], set[str]]:
    """Return the source, the private record of each confirmed series with its ``column``, and all patients.

    ``scan`` is the session of a series that belongs to one of several scans after surgery, such as post2, else empty.
    Raises ``ResiduaError`` with every row that names a column and is not confirmed, or names a column twice.
    """
    rows = _rows(folder)
    try:
        private = json.loads((folder / PRIVATE / "mapping.json").read_text(encoding="utf-8"))
        records = {tuple(str(record[part]) for part in _PLACE): record for record in private["series"]}
        whole = all(set(_FIELDS) <= set(record) for record in records.values())
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ResiduaError(f"{folder / PRIVATE}: mapping.json is missing or damaged; run residua import dicom again")
    wrong: list[str] = []
    chosen: list[dict[str, Any]] = []
    for number, row in rows:
        if row["column"] in MISSING or row["confirmed"].casefold() == "no":
            continue
        record = records.get(tuple(row[part] for part in _PLACE))
        if fault := _row_fault(row, record, chosen):
            of = f", structure {row['structure']}" if row["structure"] else ""
            wrong.append(f"row {number} (patient {row['patient']}, series {row['series']}{of}): {fault}")
        elif record is not None:
            chosen.append({**record, "column": row["column"], "scan": _scan_of(row)})
    if wrong:
        lines = [f"{folder / TABLE}: the proposal is not ready ({len(wrong)} to correct):", *(f"  {w}" for w in wrong)]
        raise ResiduaError("\n".join(lines))
    if not chosen:
        raise ResiduaError(f"{folder / TABLE}: no series is confirmed; write yes in the rows to convert")
    return Path(private["source"]), chosen, {patient for patient, *_ in records}


def _row_fault(row: Mapping[str, str], record: Mapping[str, Any] | None, chosen: Sequence[Mapping[str, Any]]) -> str:
    """Return why a row that names a column cannot be converted; empty if it can."""
    column = row["column"]
    if record is None:
        return "no such series; restore the original patient, study, series and structure"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", column) or column in _NO_IMAGE:
        return f"{column!r} is not a column name; write one such as post_t1ce, or leave it empty"
    if record["drawn"] and column not in DRAWN_ON and column.startswith(("post_", "pre_")):
        return f"a structure of an annotation is a mask, and {column} an image; write a label such as residual"
    if record["refusal"]:
        return f"{record['refusal']}; correct the source and run residua import dicom again, or write no"
    if row["confirmed"].casefold() != "yes":
        return f"{column} is not confirmed; inspect the series and write yes or no"
    of_patient = [other for other in chosen if other["patient"] == row["patient"]]
    alike = [other for other in of_patient if (other["scan"], other["column"]) == (_scan_of(row), column)]
    if not all(record["drawn"] and other["drawn"] and _same(other, record, "series_uid") for other in alike):
        return f"{column} appears twice for this patient; confirm only one"
    if any(_same(other, record, "series_uid", "structure") for other in chosen):
        return "the series is confirmed for two columns; write no in one of the rows"
    if len({bool(_scan_of(each)) for each in (row, *of_patient) if not each["column"].startswith("pre_")}) > 1:
        return "the patient has several scans; write which one under session, such as post1"
    return ""


def _same(one: Mapping[str, Any], other: Mapping[str, Any], *fields: str) -> bool:
    return all(one[field] == other[field] for field in fields)


def _scan_of(row: Mapping[str, Any]) -> str:
    """Return the session of a series after surgery where sessions are numbered; what is before belongs to all."""
    said = row["session"] if "session" in row else row["scan"]
    return said if re.fullmatch(r"post\d+", said) and not row["column"].startswith("pre_") else ""


def _rows(folder: Path) -> list[tuple[int, dict[str, str]]]:
    lines, problems = read_lines(str(folder / TABLE), "series")
    if problems or not lines or not set(COLUMNS) <= set(lines[0].cells):
        what = (
            str(problems[0]) if problems else f"{folder / TABLE}: a column is missing; run residua import dicom again"
        )
        raise ResiduaError(what)
    header = lines[0].cells
    return [(line.row, dict.fromkeys(header, "") | dict(zip(header, line.cells, strict=False))) for line in lines[1:]]


def _placed(proposal: Proposal) -> dict[str, Any]:
    structure = structure_name(proposal.series, proposal.structure) if proposal.structure else ""
    return dict(zip(_PLACE, (*proposal.series.place, structure), strict=True))


def _shown(proposal: Proposal) -> dict[str, Any]:
    series, since = proposal.series, proposal.since
    return {
        "session": proposal.session,
        "slices": proposal.structure.parts if proposal.structure else len(series.frames),
        "spacing_mm": "x".join(f"{mm:.3g}" for mm in series.spacing_mm),
        "tr_ms": _number(series.tr_ms),
        "te_ms": _number(series.te_ms),
        "ti_ms": _number(series.ti_ms),
        "hours_since_surgery": "" if since is None or since.sign == 0 else f"{since.hours:.0f}",
        "description": _description(proposal),
        "column": proposal.column,
        "confidence": f"{proposal.confidence:.2f}",
        "reasons": "; ".join(proposal.reasons),
        "confirmed": "",
    }


def _kept(proposal: Proposal) -> dict[str, Any]:
    """Return what stays private, and what the cohort table gets if the series is confirmed."""
    series, since = proposal.series, proposal.since
    # On the day of surgery itself: who confirms a post-operative column says that the scan was after surgery.
    after = since is not None and since.sign >= 0
    clinical = {
        "hours_since_surgery": f"{since.hours:.1f}" if since and after else "",
        "age": series.age,
        "sex": series.sex,
        "field_strength_t": series.field_strength_t,
        "manufacturer": series.manufacturer,
    }
    remarks = list(series.remarks)
    if since and after and not since.exact:
        days = f"{since.hours / 24:g} whole days between the dates of surgery and scan"
        remarks.append(f"hours after surgery: {days}")
    structure = proposal.structure
    files = [structure.file] if structure else series.files
    identity = {**series.owner._asdict(), "files": files, "voxels": series.voxels}
    return {
        **identity,
        "clinical": clinical,
        "sign": since.sign if since else 0,
        "remarks": remarks,
        "refusal": proposal.refusal or series.refusal,
        "drawn": {"kind": structure.kind, "number": structure.number, "name": structure.name, "on": proposal.on}
        if structure
        else None,
    }


def _description(proposal: Proposal) -> str:
    structure = proposal.structure
    if not structure:
        return scrubbed(proposal.series.description)
    return " ".join(filter(None, (structure.kind, scrubbed(structure.name, _STRUCTURES))))


def scrubbed(description: str, further: str = "") -> str:
    """Keep the MRI terms of a description; other words, which may identify a person, become "…".

    ``further`` is a pattern of words that are kept too.
    """
    words = [word for word in re.split(r"[^A-Za-z0-9+*-]+", description) if word]
    known = re.compile(rf"(?:{_VOCABULARY.pattern}{further and f'|{further}'}|[+*-])+", re.IGNORECASE)
    shown = [word if known.fullmatch(word) and not re.search(r"\d{3}", word) else "…" for word in words]
    return re.sub(r"(… )+…", "…", " ".join(shown))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
