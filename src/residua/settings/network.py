"""Define what the settings of every network have in common."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field

from residua.settings.base import Frozen


class NetworkSettings(Frozen):
    """Base of ``networks/{arch}/settings.py: SETTINGS``."""

    label: ClassVar[str]
    """The network's name in tables and figures."""
    preparation_model: ClassVar[type[Frozen]]
    """The settings on which prepared channels depend; its fields are fields of this model, too."""

    plans_made_here: ClassVar[tuple[str, ...]] = ()
    """Names of the plans that the workflow can make for this network from the patients of the folds."""
    prepared_bytes: ClassVar[float] = 4.0
    """Bytes on disk of a voxel of a prepared image, by which the room of a study is estimated."""
    prepared_label_bytes: ClassVar[float] = 1.0
    """The same of a prepared label."""

    environment: str = Field(description="The software stack, a file in envs/.")

    @property
    def plan_made_here(self) -> str | None:
        """The one of them that the study takes; None: its numbers stand in the configuration."""
        return None

    @property
    def early_stopping_on_validation(self) -> bool:
        """Whether the reported validation fold also ends the training, which makes its numbers optimistic."""
        return False

    @property
    def before_surgery(self) -> Self | None:
        """The settings of a training on scans before surgery, from whose weights trainings start; None: of none."""
        return None

    @property
    def start_in_words(self) -> str:
        """Where trainings start that start from no file."""
        if self.before_surgery is None:
            return "random weights"
        return "a network of the scans before surgery of its own training patients, the input layers at random"

    def preparation(self) -> Frozen:
        """Return the settings on which prepared channels depend; the others concern the training alone."""
        return self.preparation_model(**{name: getattr(self, name) for name in self.preparation_model.model_fields})
