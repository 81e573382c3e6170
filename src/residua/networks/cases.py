"""Hold the data that networks see: channels, prepared cases and the data of one training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from residua.errors import DamagedStageError


@dataclass(frozen=True)
class Channel:
    """One channel of an input configuration: the column of the cohort table, and whether it holds a label.

    Of a network that is trained to do without channels: ``dropout`` is the share of the training samples that lack this
    one, and ``drawn_on`` the sequence of a label, which it goes with. ``definition`` says how a derived channel
    is made, as the configuration does; None: the channel is such a column.
    """

    name: str
    is_label: bool
    dropout: float = 0.0
    drawn_on: str | None = None
    definition: Mapping[str, Any] | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the sequences of which a derived channel is made; none of another."""
        return tuple(self.definition["subtract"]) if self.definition else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the cohort table that the channel is, or is made of."""
        return self.sources or (self.name,)

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which the same channel is made, without what does not concern it."""
        record: dict[str, Any] = {"name": self.name, "is_label": self.is_label}
        record |= {"dropout": self.dropout, "drawn_on": self.drawn_on} if self.dropout else {}
        return record | ({"definition": dict(self.definition)} if self.definition else {})


@dataclass(frozen=True)
class PreparedCase:
    """One patient's prepared channels, in the order in which the network sees them.

    The patient lacks the channels at the places ``lacking``, which are zero whatever their file holds.
    """

    patient: str
    channels: tuple[Path, ...]
    lacking: tuple[int, ...] = ()


@dataclass(frozen=True)
class TrainingSet:
    """The data of one training: channels in order, cases and reference standards by patient, and the two groups.

    ``start`` is the folder of a trained model of the same network, from whose weights the training starts; None: from
    random ones. A training that is resumed does not start again. ``persons`` names the person of a patient who is
    another scan of that person.
    """

    channels: tuple[Channel, ...]
    cases: Mapping[str, PreparedCase]
    references: Mapping[str, Path]
    training: tuple[str, ...]
    validation: tuple[str, ...]
    start: Path | None = None
    persons: Mapping[str, str] = field(default_factory=dict)


def damaged(prepared: Path, error: Exception) -> DamagedStageError:
    """Return the error for a prepared channel that can no longer be read."""
    return DamagedStageError(
        f"{prepared}: cannot be read ({type(error).__name__}: {error}). "
        f"Rebuild with: rm {prepared.parent / 'manifest.json'} and run the same snakemake command again"
    )


def require_same_shape(one: Path, first: Sequence[int], other: Path, second: Sequence[int]) -> None:
    """Raise ``DamagedStageError`` when two prepared files of one patient differ in their voxels along x, y, z."""
    if tuple(first) != tuple(second):
        sizes = (" × ".join(map(str, shape)) for shape in (first, second))
        raise DamagedStageError(
            f"{one} has {next(sizes)} voxels and {other} has {next(sizes)}: they are not of the same patient, or were "
            f"prepared with other settings. Rebuild both with: rm {one.parent / 'manifest.json'} "
            f"{other.parent / 'manifest.json'} and run the same snakemake command again"
        )
