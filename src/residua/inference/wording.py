"""Say in a few words what came of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from residua.inference.patients_table import RECORD
from residua.problems.problem import Problem
from residua.publishing.publish import read_json


def classification_of(outcome: Mapping[str, Any], results: Path) -> dict[str, Any] | None:
    """Return what the page of a patient tells of the class; None: the patient was not predicted."""
    classification: dict[str, Any] | None
    classification = read_json(results / "patients" / outcome["patient"] / RECORD)["classification"]
    return classification


def in_words(outcome: Mapping[str, Any], classification: Mapping[str, Any] | None = None) -> str:
    """Return the lines about one patient of ``outcomes``: the volume, the class and the bundle, or the problems.

    The class is that of the patient's page, ``classification``: not by the cut-off alone where it is undecidable.
    """
    patient, state = outcome["patient"], outcome["state"]
    problems = [Problem.from_json(record) for record in outcome["problems"]]
    lines = [f"{patient}: {state}"]
    if state == "predicted" and classification:
        lines = [f"{patient}: {outcome['volume_ml']:.3f} ml, {classification['told']} ({outcome['why']})"]
    if state == "excluded":
        lines = [f"{patient}: excluded by the table ({outcome['excluded']})"]
    return "\n".join([*lines, *(f"  {problem}" for problem in problems)])
