"""Assess the preprocessing of all patients: one table, the flags, and a page that shows flagged patients first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from residua.problems.problem import Problem
from residua.publishing.publish import read_json, verified, write_text, writing
from residua.quality.cohort_page import cohort_page
from residua.quality.flags import write_flags
from residua.quality.judge import flags_of, measure_frame
from residua.quality.measures import Measures


@dataclass(frozen=True)
class Outputs:
    """The files to write: the table (Parquet), the flags (TSV) and the page (HTML)."""

    table: str
    flags: str
    page: str


def assess_cohort(
    manifests: Mapping[str, str], hospitals: Mapping[str, str], out: Outputs, most_excluded: float | None = None
) -> None:
    """Judge all patients. ``manifests`` holds the manifest of each batch, ``hospitals`` the hospital of each patient.

    The table has one row per patient, subject and measure, as ``residua.quality.judge.measure_frame`` describes.
    ``most_excluded`` is the share of patients that the study leaves out if they fail; None: it waits for each of them.
    Raises ``DamagedStageError`` when a patient's file is missing or changed.
    """
    records: dict[str, Measures] = {}
    pages, failures = {}, {}
    for batch, manifest in manifests.items():
        for file in verified(manifest, only=lambda name: name.endswith(".json")).values():
            record = read_json(file)
            records[record["patient"]] = record["measures"]
            pages[record["patient"]] = f"{batch}/{Path(file).stem}.html"
            if record["problems"]:
                failures[record["patient"]] = [str(Problem.from_json(problem)) for problem in record["problems"]]
    frame = measure_frame({patient: records[patient] for patient in hospitals}, hospitals)
    flags = flags_of(frame)
    with writing(out.table) as beside:
        frame.to_parquet(beside, index=False)
    write_flags(flags, out.flags)
    write_text(out.page, cohort_page(frame, flags, pages, failures, most_excluded))
