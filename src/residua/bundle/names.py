"""Name the files of a bundle."""

from __future__ import annotations

RECORD, CARD = "bundle.json", "MODEL_CARD.md"
BRAIN_WEIGHTS = "brain/weights.safetensors"
"""The weights of the brain mask's network, where the study brought its own."""


def model_file(fold: int, name: str) -> str:
    """Return where a file of a fold's model lies.

    >>> model_file(0, "plans.json")
    'models/fold0/plans.json'
    """
    return f"models/fold{fold}/{name}"
