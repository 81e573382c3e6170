"""The page of all patients: flags with their reasons, the distribution of every measure, and all numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
from markupsafe import Markup

from residua.pages.layout import rendered
from residua.quality.catalogue import CATALOGUE, Measure, judged
from residua.quality.flag_rules import FLAG_RULES
from residua.quality.flags import Flag
from residua.quality.measures import subject_name
from residua.quality.outliers import FAR, FEWEST
from residua.quality.strips import STYLE, strip_plot

_ENDS = 5
"""At most so many patients are named at each end of a ranking."""


@dataclass(frozen=True)
class Flagged:
    """A patient with all flags."""

    patient: str
    hospital: str
    page: str
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class RankedPatient:
    """A patient at one end of a measure."""

    patient: str
    page: str
    value: str
    flagged: bool


@dataclass(frozen=True)
class Distribution:
    """One measure of one subject over all patients; it may be defined for none of them."""

    title: str
    limits: str
    median: str
    patients: int
    drawing: Markup | None
    lowest: tuple[RankedPatient, ...]
    highest: tuple[RankedPatient, ...]


def cohort_page(
    frame: pd.DataFrame,
    flags: Sequence[Flag],
    pages: Mapping[str, str],
    failures: Mapping[str, Sequence[str]],
    most_excluded: float | None = None,
) -> str:
    """Render the page. By patient, ``pages`` holds the path relative to this page, ``failures`` the failures.

    The study leaves failed patients out up to the share ``most_excluded``, or waits for each of them (None).
    """
    patients = list(dict.fromkeys(frame["patient"]))
    columns = list(_columns(frame))
    return rendered(
        "residua.quality",
        "index.html",
        patients=len(patients),
        failures=failures,
        most_excluded=most_excluded,
        flagged=_flagged(flags, pages),
        fewest=FEWEST,
        far=FAR,
        subjects=list(_by_subject(frame, columns, pages)),
        heads=[f"{subject_name(subject)}: {how.title}" for subject, how in columns],
        everybody=_everybody(frame, columns, {flag.patient for flag in flags}),
        pages=pages,
        strip_style=STYLE,
    )


def _columns(frame: pd.DataFrame) -> Iterator[tuple[str, Measure]]:
    """Yield the judged measures of the frame, subject by subject, in the order of the catalogue."""
    for subject in dict.fromkeys(frame["subject"]):
        there = set(frame.loc[frame["subject"] == subject, "measure"])
        yield from ((subject, how) for how in CATALOGUE if how.name in there and judged(subject, how.name))


def _flagged(flags: Sequence[Flag], pages: Mapping[str, str]) -> list[Flagged]:
    groups = [tuple(group) for _, group in groupby(flags, key=lambda flag: flag.patient)]
    return [Flagged(own[0].patient, own[0].hospital, pages[own[0].patient], own) for own in groups]


def _by_subject(
    frame: pd.DataFrame, columns: Sequence[tuple[str, Measure]], pages: Mapping[str, str]
) -> Iterator[tuple[str, list[Distribution]]]:
    for subject, group in groupby(columns, key=lambda column: column[0]):
        yield subject_name(subject), [_distribution(frame, subject, how, pages) for _, how in group]


def _distribution(frame: pd.DataFrame, subject: str, how: Measure, pages: Mapping[str, str]) -> Distribution:
    own = (frame["subject"] == subject) & (frame["measure"] == how.name) & frame["value"].notna()
    rows = frame[own]
    ordered = rows.sort_values("value", kind="stable").to_dict("records")
    ranked = [RankedPatient(r["patient"], pages[r["patient"]], how.shown(r["value"]), bool(r["flag"])) for r in ordered]
    title, ends = f"{subject_name(subject)}: {how.title}", min(_ENDS, (len(ranked) + 1) // 2)
    return Distribution(
        title=how.title[:1].upper() + how.title[1:],
        limits=how.limits,
        median=how.shown(float(rows["median"].iloc[0])) if ranked else "",
        patients=len(ranked),
        drawing=strip_plot(rows, how, FLAG_RULES[how.name].smallest, pages, f"{title}, by hospital")
        if ranked
        else None,
        lowest=tuple(ranked[:ends]),
        highest=tuple(reversed(ranked[-ends:])),
    )


def _everybody(
    frame: pd.DataFrame, columns: Sequence[tuple[str, Measure]], flagged: set[str]
) -> list[tuple[str, str, bool, list[tuple[str, bool]]]]:
    """List patient, hospital, whether flagged, and every printed value with its own flag; flagged patients first."""
    cells = {(r["patient"], r["subject"], r["measure"]): r for r in frame.to_dict("records")}
    hospitals = dict(zip(frame["patient"], frame["hospital"], strict=True))
    rows = []
    for patient in sorted(hospitals, key=lambda name: name not in flagged):
        measured = [(cells.get((patient, subject, how.name)), how) for subject, how in columns]
        shown = [_cell(cell, how) for cell, how in measured]
        rows.append((patient, hospitals[patient], patient in flagged, shown))
    return rows


def _cell(cell: Mapping[Hashable, Any] | None, how: Measure) -> tuple[str, bool]:
    """Return a measure of a patient as printed, and whether it is flagged; "–" where it was not measured."""
    if cell is None:
        return "–", False
    return ("not defined", False) if pd.isna(cell["value"]) else (how.shown(cell["value"]), bool(cell["flag"]))
