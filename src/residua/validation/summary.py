"""Put an external validation together: a record for programs, and a page of its tables for readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from residua.pages.layout import rendered
from residua.publishing.publish import read_json

_WITHOUT = "no reference standard"


@dataclass(frozen=True)
class Measurements:
    """Files of a validation: the outcomes of all patients, and the scores of the bundles and of the thresholds."""

    outcomes: str
    scores: str
    thresholds: str | None


def validation_record(
    made: Measurements, unlabelled: Sequence[str], drawn: Sequence[str], notes: Sequence[str]
) -> dict[str, Any]:
    """Return the summary of a validation as builtins.

    ``unlabelled`` are the patients without a reference standard, ``drawn`` those that chose the threshold anew.
    Whoever is not measured is named with the reason.
    """
    outcomes = read_json(made.outcomes)
    without = set(unlabelled)
    left = [
        {"patient": each["patient"], "hospital": each["hospital"], "state": each["state"], "why": why}
        for each in outcomes
        if (why := _why_not(each, each["patient"] in without))
    ]
    return {
        "patients": len(outcomes),
        "measured": len(outcomes) - len(left),
        "not_measured": left,
        "chose_threshold": list(drawn),
        "scores": _records(pd.read_parquet(made.scores)),
        "thresholds": _records(pd.read_parquet(made.thresholds)) if made.thresholds else [],
        "notes": list(notes),
    }


def _why_not(outcome: Mapping[str, Any], is_unlabelled: bool) -> str:
    if outcome["state"] == "predicted":
        return _WITHOUT if is_unlabelled else ""
    if outcome["state"] == "excluded":
        return f"excluded by the table ({outcome['excluded']})"
    return "; ".join(problem["what"] for problem in outcome["problems"]) or outcome["state"]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[Any, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def validation_page(record: Mapping[str, Any], tables: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the page: who was measured and who was not, then the ``tables``, files by name in HTML.

    ``names`` are what the bundles are called.
    """
    fragments = {name: Markup(Path(file).read_text(encoding="utf-8")) for name, file in tables.items()}
    return rendered("residua.validation", "validation.html", record=record, tables=fragments, names=names)
