"""The output of ``residua check``: a table for readers, a line per problem for programs, JSON, or a page."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from residua.cohort.commands.page import checks_page
from residua.cohort.commands.verdict import Verdict, check_cohort
from residua.problems.problem import SEVERITIES, Problem, printable
from residua.publishing.publish import write_text
from residua.settings.study import Study
from residua.terminal import plain_console

STYLES = dict(zip(SEVERITIES, ("bold red", "cyan", "yellow"), strict=True))
_COLUMNS = ("severity", "row", "patient", "column", "file", "what", "how to correct it")


def checked(study: Study, table: Path, voxels: bool, cache: Path, workers: int) -> Verdict:
    """Return the verdict on a cohort, with a progress bar on stderr while voxels are read."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=plain_console(stderr=True), transient=True) as shown:
        bar = shown.add_task("Checking patients", total=None)
        return check_cohort(
            study,
            str(table),
            voxels,
            cache,
            workers,
            lambda done, total: shown.update(bar, completed=done, total=total),
        )


def show(verdict: Verdict, table: Path, study: Study) -> None:
    """Print all problems, the totals by check, and the outcome; as a table in a terminal."""
    console = plain_console(soft_wrap=True, highlight=False)
    if console.is_terminal and verdict.problems:
        plain_console().print(problem_table(verdict))
        plain_console().print(_totals(verdict))
    else:
        for problem in verdict.problems:
            console.print(f"{problem.severity}: {problem}")
        for (check, severity), number in verdict.totals().items():
            console.print(f"total: {number} {severity} {check}")
    console.print(f"{table}: {verdict.patients} patients to include; {outcome(verdict, study)}")


def outcome(verdict: Verdict, study: Study) -> str:
    """Return the verdict in words."""
    invalid = {problem.patient for problem in verdict.problems if problem.is_error}
    if not verdict.runs:
        return "the study cannot run"
    if invalid and study.on_invalid == "exclude":
        return f"the study can run without {len(invalid)} of them (on_invalid: exclude)"
    return "the study can run"


def print_json(verdict: Verdict) -> None:
    """Print the verdict as one JSON record."""
    print(json.dumps(verdict.to_json(), indent=1))


def write_page(verdict: Verdict, table: Path, study: Study, page: Path) -> None:
    """Write the verdict as one HTML file."""
    write_text(page, checks_page(verdict, str(table), outcome(verdict, study)))


def problem_table(verdict: Verdict) -> Table:
    """Return a row for each problem; the problems of a patient stand together under one name."""
    shown = Table(*_COLUMNS, box=None, pad_edge=False, header_style="bold")
    for patient, group in groupby(verdict.problems, key=lambda problem: (problem.row, problem.patient)):
        for number, problem in enumerate(group):
            shown.add_row(*_cells(problem, str(patient[1] or "") if number == 0 else ""))
        shown.add_section()
    return shown


def _cells(problem: Problem, patient: str) -> list[Text]:
    row = "" if problem.row is None or not (patient or problem.patient is None) else str(problem.row)
    texts = ("", row, patient, problem.subject or "", problem.file or "", problem.what, problem.remedy)
    cells = [Text(printable(text), overflow="fold") for text in texts]
    return [Text(problem.severity, STYLES[problem.severity]), *cells[1:]]


def _totals(verdict: Verdict) -> Table:
    shown = Table("check", "severity", "problems", title="Totals", title_justify="left", box=None, pad_edge=False)
    for (check, severity), number in verdict.totals().items():
        shown.add_row(check, Text(severity, STYLES[severity]), str(number))
    return shown
