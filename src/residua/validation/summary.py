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
from residua.validation.choosers import who_chose

_WITHOUT = "no reference standard"


@dataclass(frozen=True)
class Measurements:
    """Files of a validation: outcomes of all patients, metrics of each bundle, scores of bundles and of thresholds.

    ``candidates`` are those of the thresholds that were chosen anew.
    """

    outcomes: str
    metrics: Sequence[str]
    scores: str
    thresholds: str | None
    candidates: Sequence[str] = ()


def validation_record(made: Measurements, unlabelled: Sequence[str], notes: Sequence[str]) -> dict[str, Any]:
    """Return the summary of a validation as builtins.

    ``unlabelled`` are the patients without a reference standard. Whoever is not measured, or not by every bundle, is
    named with the reason. Those who chose the threshold of a bundle anew are named, too.
    """
    outcomes = read_json(made.outcomes)
    measured = _measured(made.metrics)
    models = list(dict.fromkeys(model for own in measured.values() for model in own))
    left = [
        {
            **{name: each[name] for name in ("patient", "hospital", "state")},
            "measured_by": measured.get(each["patient"], []),
            "why": _why_not(each, each["patient"] in set(unlabelled)),
        }
        for each in outcomes
        if len(measured.get(each["patient"], [])) < max(1, len(models))
    ]
    return {
        "patients": len(outcomes),
        "measured": len(measured),
        "measured_by": {model: sum(model in own for own in measured.values()) for model in models},
        "not_measured": left,
        "chose_threshold": who_chose(made.candidates),
        "scores": _records(pd.read_parquet(made.scores)),
        "thresholds": _records(pd.read_parquet(made.thresholds)) if made.thresholds else [],
        "notes": list(notes),
    }


def _measured(metrics: Sequence[str]) -> dict[str, list[str]]:
    """Return the bundles that measured each patient."""
    found: dict[str, list[str]] = {}
    for row in pd.concat([pd.read_parquet(file) for file in metrics]).to_dict("records"):
        found.setdefault(row["patient"], []).append(f"{row['arch']} {row['inputs']}")
    return found


def _why_not(outcome: Mapping[str, Any], is_unlabelled: bool) -> str:
    if outcome["state"] == "excluded":
        return f"excluded by the table ({outcome['excluded']})"
    if problems := [f"{each['subject'] or 'the scans'}: {each['what']}" for each in outcome["problems"]]:
        return "; ".join(problems)
    return _WITHOUT if is_unlabelled else "no file is given for a channel of the others"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[Any, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows


def validation_page(record: Mapping[str, Any], tables: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the page: who was measured and who was not, then the ``tables``, files by name in HTML.

    ``names`` are what the bundles are called.
    """
    fragments = {name: Markup(Path(file).read_text(encoding="utf-8")) for name, file in tables.items()}
    return rendered("residua.validation", "validation.html", record=record, tables=fragments, names=names)
