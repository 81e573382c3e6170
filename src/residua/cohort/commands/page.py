"""The verdict on a cohort as one HTML file that loads no other file and shows no folder of this machine."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable

from residua.cohort.commands.verdict import Verdict
from residua.pages.layout import rendered
from residua.problems.problem import SEVERITIES, Problem, Severity, printable

_TITLES = ("Severity", "Row", "Patient", "Hospital", "Column", "File", "What", "How to correct it", "Check")
_ABSOLUTE = re.compile(r"(?<![\w.~…-])(?:[A-Za-z]:)?/(?:[^\s/:,;'\"]+/)+")


def checks_page(verdict: Verdict, table_path: str, outcome: str) -> str:
    """Return the page: the outcome, counts by check and by hospital, and every problem, to be sorted and filtered.

    Files are named relative to the table; of files elsewhere only the name is shown. Every text is escaped.
    """
    folder = os.path.dirname(table_path)
    by_hospital = ((verdict.hospitals.get(p.patient or "") or "none", p.severity) for p in verdict.problems)
    by_check = ((problem.check, problem.severity) for problem in verdict.problems)
    return rendered(
        "residua.cohort.commands",
        "page.html",
        table=os.path.basename(table_path),
        outcome=outcome,
        patients=verdict.patients,
        totals=[("Check", _counts(by_check)), ("Hospital", _counts(by_hospital))],
        titles=_TITLES,
        problems=[_cells(problem, verdict, folder) for problem in verdict.problems],
    )


def _counts(named: Iterable[tuple[str, Severity]]) -> list[list[str]]:
    """Return a row for each name, the most frequent first: the name, and its count for each severity."""
    counted = Counter(named)
    names = dict.fromkeys(name for (name, _), _ in counted.most_common())
    return [[printable(name), *(str(counted[name, severity]) for severity in SEVERITIES)] for name in names]


def _cells(problem: Problem, verdict: Verdict, folder: str) -> list[str]:
    hospital = verdict.hospitals.get(problem.patient or "", "")
    place = ["" if problem.row is None else str(problem.row), problem.patient or "", hospital, problem.subject or ""]
    texts = [_without_places(text, folder) for text in (problem.file or "", problem.what, problem.remedy)]
    # Control characters have no place in HTML.
    return [printable(cell) for cell in (problem.severity, *place, *texts, problem.check)]


def _without_places(text: str, folder: str) -> str:
    """Return a text whose paths begin at the folder of the table; of paths elsewhere only the name."""
    if folder:
        text = text.replace(f"{folder}{os.sep}", "")
    return _ABSOLUTE.sub("…/", text)
