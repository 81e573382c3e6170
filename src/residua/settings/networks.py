"""Find the settings of every network that the library holds, by its folder.

Snakemake imports this module at every start and inside every job, so it must load in milliseconds: the ``settings``
module of a network imports no framework.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, create_model

from residua.settings.base import Frozen
from residua.settings.network import NetworkSettings


def known_networks() -> dict[str, type[NetworkSettings]]:
    """Return the settings model of each package ``networks/{arch}`` that has one, by name."""
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
