"""Fill in CLAIM 2024 and TRIPOD+AI where a run knows the answer.

The items stand in ``claim_2024.csv`` and ``tripod_ai.csv``: their numbers, and their topics in our words.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from io import StringIO

import pandas as pd

from residua.report.checklist_answers import Answer
from residua.tables.render import Table

LISTS: Mapping[str, tuple[str, str]] = {
    "claim": ("claim_2024.csv", "CLAIM 2024 (Tejani et al. 2024, doi:10.1148/ryai.240300)"),
    "tripod_ai": ("tripod_ai.csv", "TRIPOD+AI (Collins et al. 2024, doi:10.1136/bmj-2023-078378)"),
}
"""The checklists by the name of their file: their items, and their title."""
ANSWERED, IN_PART, OPEN = "answered", "in part", "to be completed"


def items(name: str) -> pd.DataFrame:
    """Return the items of a checklist: item, section, topic, answer (its key, or empty) and where."""
    text = files("residua.report").joinpath(LISTS[name][0]).read_text(encoding="utf-8")
    return pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)


def checklist(name: str, answers: Mapping[str, Answer]) -> Table:
    """Fill in a checklist: one row per item, with its state, what the run knows, and where the report says more."""
    rows = []
    for item in items(name).to_dict("records"):
        answer = answers[item["answer"]] if item["answer"] else Answer("")
        rows.append(
            {
                "Item": item["item"],
                "Section": item["section"],
                "Topic": item["topic"],
                "State": _state(answer),
                "What the run knows": " ".join(part for part in (answer.known, _left(answer)) if part),
                "In the report": item["where"] if answer.known else "",
            }
        )
    frame = pd.DataFrame(rows)
    counted = frame["State"].value_counts()
    numbers = ", ".join(f"{counted.get(state, 0)} {state}" for state in (ANSWERED, IN_PART, OPEN))
    caption = (
        f"{LISTS[name][1]}, filled in from this run: {numbers}. The topics are in our words; the checklist itself says "
        "what each item asks."
    )
    return Table(frame, caption)


def _state(answer: Answer) -> str:
    if not answer.known:
        return OPEN
    return IN_PART if answer.left else ANSWERED


def _left(answer: Answer) -> str:
    return f"To be completed: {answer.left}." if answer.left else ""
