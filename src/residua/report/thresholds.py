"""Show the thresholds of a run: what the rule of the study chose, and what the other rule would have chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from residua.settings.postprocessing import Rule

SCORES: Mapping[Rule, str] = {
    "volume_f1": "(mean Dice of the detected patients + F1) / 2, with F1 of all patients by volume, so that a false "
    "alarm after gross total resection lowers it",
    "authors": "(mean Dice + F1) / 2 over the patients with residual tumour, with F1 of the share of them with overlap "
    "(recall) and the mean share of their predicted objects that touch the reference (precision); patients after gross "
    "total resection do not enter",
}
"""What each rule of ``postprocessing.rule`` maximises."""

NAMES: Mapping[Rule, str] = {"volume_f1": "F1 by volume", "authors": "the authors' code"}
"""The rules in the heads of the table."""


def thresholds(records: Mapping[tuple[str, str], Mapping[str, Any]], labels: Mapping[str, str]) -> list[dict[str, str]]:
    """List the chosen threshold of each model, the choices without each fold, and the optimism of the choice.

    ``other`` is the threshold that the other rule would choose, and ``other_score`` that rule's own score.
    """
    rows = []
    for (arch, inputs), record in records.items():
        chosen, nested = _chosen(record), record["nested_performance"]
        (other,) = record["other_rules"].values()
        rows.append(
            {
                "model": f"{labels.get(arch, arch)} {inputs}",
                "chosen": f"{record['threshold']:g}",
                "score": _score(chosen),
                "nested": ", ".join(f"{threshold:g}" for threshold in record["nested"].values()) or "one fold only",
                "nested_score": _score(nested),
                "optimism": _optimism(chosen, nested),
                "other": f"{other['threshold']:g}",
                "other_score": _score(_chosen(other)),
                "note": "; ".join(note for note in (chosen["note"], record["caution"]) if note),
            }
        )
    return rows


def other_rule(rule: Rule) -> Rule:
    """Return the rule that the study does not use."""
    return "authors" if rule == "volume_f1" else "volume_f1"


def _chosen(record: Mapping[str, Any]) -> Mapping[str, Any]:
    candidates: Iterable[Mapping[str, Any]] = record["candidates"]
    return next(candidate for candidate in candidates if candidate["threshold"] == record["threshold"])


def _score(performance: Mapping[str, Any] | None) -> str:
    return f"{100 * performance['score']:.2f}" if performance else "n/a"


def _optimism(chosen: Mapping[str, Any], nested: Mapping[str, Any] | None) -> str:
    return f"{100 * (chosen['score'] - nested['score']):+.2f}".replace("-", "−") if nested else "n/a"
