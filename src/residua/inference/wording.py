"""Say in a few words what came of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from residua.problems.problem import Problem


def in_words(outcome: Mapping[str, Any]) -> str:
    """Return the lines about one patient of ``outcomes``: the volume and the bundle, or the problems."""
    patient, state = outcome["patient"], outcome["state"]
    problems = [Problem.from_json(record) for record in outcome["problems"]]
    lines = [f"{patient}: {state}"]
    if state == "predicted":
        kind = "residual tumour" if outcome["residual_tumour"] else "no residual tumour"
        lines = [f"{patient}: {outcome['volume_ml']:.3f} ml, {kind} ({outcome['why']})"]
    if state == "excluded":
        lines = [f"{patient}: excluded by the table ({outcome['excluded']})"]
    return "\n".join([*lines, *(f"  {problem}" for problem in problems)])
