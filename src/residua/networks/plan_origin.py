"""What a plan of the workflow was made from, as its file says; patients stand there by digest, never by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from residua.publishing.publish import record_digest
from residua.settings.study import Study

ORIGIN = "residua_made_from"
"""Key of the plans, which nnU-Net itself passes over."""


def largest_inputs(study: Study) -> str:
    """Return the input configuration for which a plan is made: the first of those with the most channels."""
    return max(study.inputs, key=lambda name: len(study.inputs[name]))


def source_of(study: Study) -> dict[str, Any]:
    """Return what decides a plan beside the patients: its channels, and the grids and the boxes of the brains."""
    # Weights count by their digest, wherever they lie.
    masks = {key: value for key, value in study.brain_mask.extraction().items() if key != "weights"}
    return {
        "channels": list(study.inputs[largest_inputs(study)]),
        "brain_mask": masks,
        "spacing_of": study.sequences.reference,
    }


def made_from(patients: Iterable[str], source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the origin of a plan that is made from ``patients``."""
    return {"patients": sorted(map(_unnamed, patients)), **source}


def planned_among(origin: Mapping[str, Any], patients: Sequence[str]) -> list[str]:
    """Return those of ``patients`` with whose brains a plan of this origin was made."""
    planned = set(origin["patients"])
    return [patient for patient in patients if _unnamed(patient) in planned]


def _unnamed(patient: str) -> str:
    return record_digest(patient)[:32]
