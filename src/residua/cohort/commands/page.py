"""The verdict on a cohort as one HTML file that needs nothing beside it and shows no place of this machine."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from residua.cohort.commands.verdict import Verdict
from residua.problems.problem import SEVERITIES, Problem, printable

_TEMPLATE = Path(__file__).with_name("page.html")
_Key = tuple[str, str]
_ABSOLUTE = re.compile(r"(?<![\w.~…-])(?:[A-Za-z]:)?/(?:[^\s/:,;'\"]+/)+")


def checks_page(verdict: Verdict, table_path: str, outcome: str) -> str:
    """The page: the outcome, counts by check and by hospital, and every problem, to be sorted and filtered.

    Files are named as they lie relative to the table; of others only the name is shown. Every text is escaped.
    """
    template = _TEMPLATE.read_text(encoding="utf-8")
    folder = os.path.dirname(table_path)
    script = re.search(r"<script>(.*?)</script>", template, re.DOTALL)
    digest = hashlib.sha256(script.group(1).encode() if script else b"").digest()
    by_hospital: Counter[_Key] = Counter(
        (verdict.hospitals.get(p.patient or "") or "none", p.severity) for p in verdict.problems
    )
    by_check: Counter[_Key] = Counter((problem.check, problem.severity) for problem in verdict.problems)
    return Template(template).substitute(
        script_digest=base64.b64encode(digest).decode(),
        table=escape(os.path.basename(table_path)),
        outcome=escape(outcome),
        patients=str(verdict.patients),
        by_check=_counts(by_check),
        by_hospital=_counts(by_hospital),
        rows="\n".join(_row(problem, verdict, folder) for problem in verdict.problems),
    )


def _counts(counted: Counter[_Key]) -> str:
    names = dict.fromkeys(name for (name, _), _ in counted.most_common())
    return "\n".join(_cells([name, *(str(counted[name, severity]) for severity in SEVERITIES)]) for name in names)


def _row(problem: Problem, verdict: Verdict, folder: str) -> str:
    hospital = verdict.hospitals.get(problem.patient or "", "")
    place = ["" if problem.row is None else str(problem.row), problem.patient or "", hospital, problem.subject or ""]
    texts = [problem.file or "", problem.what, problem.remedy]
    cells = [problem.severity, *place, *(_without_places(text, folder) for text in texts), problem.check]
    return _cells(cells, problem.severity)


def _cells(cells: Iterable[str], kind: str = "") -> str:
    # Control characters have no place in HTML.
    shown = "".join(f"<td>{escape(printable(cell))}</td>" for cell in cells)
    return f'<tr class="{kind}">{shown}</tr>' if kind else f"<tr>{shown}</tr>"


def _without_places(text: str, folder: str) -> str:
    """A text whose paths begin at the folder of the table; of what lies elsewhere only the name."""
    if folder:
        text = text.replace(f"{folder}{os.sep}", "")
    return _ABSOLUTE.sub("…/", text)
