"""Settings of a training on the scans before surgery, from whose weights the trainings of a study start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field

from residua.settings.base import Frozen
from residua.settings.network import NetworkSettings

PREOPERATIVE = "pre-operative"
"""Stands in paths where other trainings have their input configuration, of which none can have this name."""


class PreoperativeTraining(Frozen):
    """What the training on scans before surgery has of its own; all else is as in the trainings that start from it."""

    epochs: int | None = Field(
        default=None, ge=1, description="Largest number of its epochs; null: that of the trainings that start from it."
    )
    stopping_fraction: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Share of its patients by whom it stops and its best epoch is chosen: the validation fold has no "
        "part in it.",
    )


def starting_without_scans(
    networks: Mapping[str, NetworkSettings | None], archs: Iterable[str], resected: str | None
) -> list[str]:
    """Return which networks start from scans before surgery in a study without their tumours, in words.

    ``resected`` is the label of the tumour before surgery; None: the study has none.
    """
    starting = [arch for arch in archs if (settings := networks.get(arch)) and settings.before_surgery]
    return [
        f"networks.{arch}.init is preoperative, and no label is drawn on a sequence of sequences.before_surgery; add "
        "the two columns, or set init to none"
        for arch in starting
        if resected is None
    ]
