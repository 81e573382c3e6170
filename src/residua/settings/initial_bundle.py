"""Settings of trainings that start from the models of a bundle: fine-tuning."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field

from residua.settings.base import Frozen, Identifier
from residua.settings.defaults import is_default
from residua.settings.network import NetworkSettings

SLOWER = 10
"""nnU-Net's own trainer for pretrained weights starts at 1e-3 where its usual one starts at 1e-2."""


class InitialBundle(Frozen):
    """A bundle from whose models the trainings of one input configuration start."""

    file: str = Field(min_length=1, description="Bundle (zip), relative to the working directory.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the file, checked before it is read.")
    fold: int | None = Field(
        default=None,
        ge=0,
        description="Fold of the bundle from whose model all trainings start; null: fold n from the model of fold n, "
        "counted from the first again where the bundle has fewer folds.",
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        description="Initial learning rate of these trainings; null: a tenth of the network's, as in nnU-Net's trainer "
        "for pretrained weights.",
    )

    def by_digest(self) -> InitialBundle:
        """Return the same without the place of the file: a bundle counts by its content."""
        return self.model_copy(update={"file": f"{self.sha256}.zip"})

    def fold_for(self, fold: int, folds: tuple[int, ...]) -> int:
        """Return the fold of the bundle, which has ``folds``, from whose model the training of ``fold`` starts.

        >>> start = InitialBundle(file="b.zip", sha256="0" * 64)
        >>> [start.fold_for(fold, (0, 1, 2)) for fold in range(5)]
        [0, 1, 2, 0, 1]
        """
        return folds[fold % len(folds)] if self.fold is None else self.fold


class StartingFromBundles(NetworkSettings):
    """Base of the settings of networks whose trainings can start from a bundle."""

    fitted: ClassVar[tuple[str, ...]]
    """The settings that a bundle must share: of the layers, and of the channels that their weights expect."""

    if TYPE_CHECKING:
        # A field of each network: one of this base would change the order of all.
        learning_rate: float

    initial_bundles: dict[Identifier, InitialBundle] = Field(
        default_factory=dict,
        exclude_if=is_default({}),
        description="Bundles from whose models trainings start, by input configuration; others start at random.",
    )

    def learning_rate_of(self, inputs: str) -> float:
        """Return the initial learning rate of the trainings on an input configuration."""
        start = self.initial_bundles.get(inputs)
        if start is None:
            return self.learning_rate
        return start.learning_rate or self.learning_rate / SLOWER

    def of_inputs(self, inputs: str) -> Self:
        """Return the settings of the trainings on one input configuration: their own bundle and learning rate."""
        own = {name: start.by_digest() for name, start in self.initial_bundles.items() if name == inputs}
        return self.model_copy(update={"initial_bundles": own, "learning_rate": self.learning_rate_of(inputs)})


def initial_bundles_of(settings: NetworkSettings) -> Mapping[str, InitialBundle]:
    """Return the bundles from which trainings of a network start, by input configuration; none if it cannot."""
    return settings.initial_bundles if isinstance(settings, StartingFromBundles) else {}


def starting_without_inputs(networks: Mapping[str, NetworkSettings | None], inputs: Collection[str]) -> list[str]:
    """Return what is wrong with the input configurations for which networks name bundles, in words."""
    return [
        f"networks.{arch}.initial_bundles names {name}, which is missing under inputs"
        for arch, settings in networks.items()
        if settings is not None
        for name in initial_bundles_of(settings)
        if name not in inputs
    ]
