"""The settings of every network that the library holds, found by its folder.

Snakemake loads this at every start and inside every job, hence in milliseconds: a network's ``settings`` module imports
no framework.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, create_model

from residua.settings.base import Frozen


class NetworkSettings(Frozen):
    """Base of ``networks/{arch}/settings.py: SETTINGS``."""

    label: ClassVar[str]
    """The network's name in tables and figures."""

    environment: str = Field(description="The software stack, a file in envs/.")

    @property
    def early_stopping_on_validation(self) -> bool:
        """Whether the fold that is reported also ends the training, which makes its numbers optimistic."""
        return False

    def preparation(self) -> dict[str, Any]:
        """What the prepared channels depend on, as builtins; the rest concerns the training alone."""
        raise NotImplementedError


def known_networks() -> dict[str, type[NetworkSettings]]:
    """The settings model of each package ``networks/{arch}`` that has one, by name."""
    names = sorted(file.parent.name for file in Path(__file__).parents[1].glob("networks/*/settings.py"))
    return {name: import_module(f"residua.networks.{name}.settings").SETTINGS for name in names}


if TYPE_CHECKING:
    Networks = Frozen
else:
    Networks = create_model(
        "Networks",
        __base__=Frozen,
        __doc__="The networks that the study knows how to describe.",
        **{
            name: (settings | None, Field(default=None, description=f"{settings.label}."))
            for name, settings in known_networks().items()
        },
    )
