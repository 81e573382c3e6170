"""Define how a network's models are written in the forms of other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

from residua.networks.cases import Channel
from residua.version import __version__

TOLERANCE = 1e-4
"""Largest difference of a probability between an exported model and ours."""


@dataclass(frozen=True)
class Form:
    """One form in which a network's models leave: the environment that writes it, and the module with ``export``."""

    environment: str
    module: str


@dataclass(frozen=True)
class Ensemble:
    """The trained models of one input configuration: folders by fold, and the threshold chosen for their mean.

    ``region`` is the setting of a network that sees a part of the brain.
    """

    arch: str
    inputs: str
    channels: tuple[Channel, ...]
    models: Mapping[int, Path]
    threshold: float | None
    region: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which ``from_json`` builds the same ensemble again."""
        return {
            "arch": self.arch,
            "inputs": self.inputs,
            "channels": [channel.to_json() for channel in self.channels],
            "models": {str(fold): str(folder) for fold, folder in self.models.items()},
            "threshold": self.threshold,
            "region": self.region,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Ensemble:
        """Build the ensemble that ``to_json`` described."""
        channels = tuple(Channel(**channel) for channel in record["channels"])
        models = {int(fold): Path(folder) for fold, folder in record["models"].items()}
        return cls(record["arch"], record["inputs"], channels, models, record["threshold"], record["region"])

    @property
    def definitions(self) -> dict[str, Mapping[str, Any]]:
        """Return how its derived channels are made, by name."""
        return {channel.name: channel.definition for channel in self.channels if channel.definition}

    def facts(self) -> dict[str, Any]:
        """Return what every export says of its models."""
        return {
            "residua": __version__,
            "network": self.arch,
            "inputs": self.inputs,
            "channels": [channel.name for channel in self.channels],
            "labels_among_channels": [channel.name for channel in self.channels if channel.is_label],
            "threshold": self.threshold,
            **({"derived_channels": self.definitions} if self.definitions else {}),
            **({"region": self.region} if self.region else {}),
        }

    @property
    def cropped_to(self) -> str:
        """Say to what the models expect a scan to be cropped after it was stripped."""
        if self.region is None:
            return "its box"
        return (
            f"its box and, once normalised, to the box that reaches {self.region['margin_mm']:g} mm beyond "
            f"{self.region['label']}"
        )


class Export(Protocol):
    """``export`` of a form's module."""

    def __call__(self, ensemble: Ensemble, out: Path) -> None:
        """Write the models into the folder ``out``, with a README.md that says how they are used."""


def exports_of(arch: str) -> Mapping[str, Form]:
    """Return the forms in which models of ``arch`` leave, by name; none for a network that offers none."""
    module = f"residua.networks.{arch}.exports"
    return cast(Mapping[str, Form], import_module(module).EXPORTS) if find_spec(module) else {}
