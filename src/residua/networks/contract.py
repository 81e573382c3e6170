"""What every network package offers; nothing outside ``networks/`` knows an architecture's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from residua.images.volumes import Image
from residua.preparation.brain_crop import ChannelCase

Progress = Callable[[int, int], None]
"""Called with what is done and the total: epochs of a training, patients of a prediction."""


@dataclass(frozen=True)
class PreparedCase:
    """One patient's prepared channels, in the order in which the network sees them."""

    patient: str
    channels: tuple[Path, ...]


@dataclass(frozen=True)
class TrainingSet:
    """What one training sees: cases, their reference standard by patient, and who is trained on and who validates."""

    cases: Mapping[str, PreparedCase]
    references: Mapping[str, Path]
    training: tuple[str, ...]
    validation: tuple[str, ...]


class Predictor(Protocol):
    """One or more trained models, loaded."""

    def __call__(self, case: PreparedCase) -> Image:
        """Foreground probability on the reference grid: the mean of the models' softmax."""


class Prepare(Protocol):
    """``networks/{arch}/prepare.py: prepare``."""

    def __call__(self, cases: Sequence[ChannelCase], is_label: bool, settings: dict[str, Any], out: Path) -> None:
        """Write one file per case, its name the patient and a suffix, for one channel into ``out``.

        ``settings`` are those that the network's settings model gives as ``preparation()``.
        """


class Train(Protocol):
    """``networks/{arch}/train.py: train``."""

    def __call__(
        self,
        data: TrainingSet,
        channels: Sequence[str],
        labels: Sequence[bool],
        settings: dict[str, Any],
        out: Path,
        progress: Progress,
    ) -> None:
        """Train into ``out``; go on from an unfinished training that ``out`` holds.

        ``channels`` are the inputs' names in order; ``labels`` says of each whether it is a label, not an image.
        """


class Load(Protocol):
    """``networks/{arch}/predict.py: load``."""

    def __call__(self, models: Sequence[Path]) -> Predictor:
        """The trained models in the folders ``models``, ready to predict."""
