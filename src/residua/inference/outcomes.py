"""What became of every new patient: the bundle, the files and the volume, or the problems (stage ``list_patients``).

The record of ``results/patients.json``; whatever shows or exports a patient starts from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from residua.publishing.images import by_patient
from residua.publishing.publish import read_json

State = Literal["predicted", "failed", "refused", "excluded"]
"""failed: a registration or brain mask cannot be used; refused: the files cannot; excluded: the table says so."""


@dataclass(frozen=True)
class Made:
    """The files that one network made from one input configuration."""

    selection: str
    probabilities: str
    masks: str
    threshold: str
    resections: str


def outcomes(
    planned: Sequence[Mapping[str, Any]],
    made: Mapping[tuple[str, str], Made],
    failures: Sequence[Mapping[str, Any]],
    warnings: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """Return the record of every patient in the order of ``planned``, as builtins.

    ``planned`` is that of ``LoadedApplication.plan``, ``made`` the results by network and input configuration, and
    ``failures`` the problems of registrations and brain masks. ``warnings`` are those of the files, by patient.
    """
    # Where bundles are validated, several of them predict a patient; the record holds the chosen one.
    results = {model: _results(files) for model, files in made.items()}
    return [
        {
            **_outcome(plan, results.get((plan["arch"], plan["inputs"]), {}).get(plan["patient"]), failures),
            "warnings": list(warnings.get(plan["patient"], ())),
        }
        for plan in planned
    ]


def _results(made: Made) -> dict[str, dict[str, Any]]:
    threshold = read_json(made.threshold)["threshold"]
    probabilities, masks = by_patient([made.probabilities]), by_patient([made.masks])
    resections = read_json(made.resections)
    return {
        patient: {
            "probability": str(probabilities[patient]),
            "mask": str(masks[patient]),
            "threshold": threshold,
            "volume_ml": resections[patient]["volume_ml"],
            "residual_tumour": not resections[patient]["gross_total"],
        }
        for patient in read_json(made.selection)["validation"]
    }


def _outcome(
    plan: Mapping[str, Any], result: Mapping[str, Any] | None, failures: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    failed = [problem for problem in failures if problem["patient"] == plan["patient"]]
    state: State = "predicted"
    if result is None:
        state = "excluded" if plan["excluded"] else "failed" if failed else "refused"
    return {**plan, "state": state, "problems": [*plan["problems"], *failed], **(result or {})}
