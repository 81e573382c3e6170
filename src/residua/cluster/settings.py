"""What differs from one SLURM cluster to the next: partitions, accounts, how GPUs are asked for, the longest job.

``profiles/slurm/site.yaml`` holds it, or the file that the variable ``RESIDUA_SITE`` names. The profile beside it turns
it into resources of Snakemake's SLURM executor.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from residua.errors import ResiduaError
from residua.settings.base import Frozen

VARIABLE = "RESIDUA_SITE"
MINUTES_PER_HOUR = 60

Name = Annotated[str, Field(pattern=r"^[^\s'\"\\$]+$")]
"""Goes through a shell and Snakemake's expressions; numbers need quotes, for YAML reads 0123 as 83."""
GpuType = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]+$")]
"""What the executor accepts; a type with a hyphen can only be asked for by a constraint."""


class Where(Frozen):
    """Where one kind of job goes, and who pays."""

    partition: Name | None = None
    account: Name | None = None
    qos: Name | None = None
    constraint: Name | None = None

    def resources(self) -> dict[str, str | int]:
        """By name of the executor's resource, as expressions of Snakemake's command line; without what is null."""
        named = {"slurm_partition": self.partition, "slurm_account": self.account}
        named |= {"qos": self.qos, "constraint": self.constraint}
        return {name: f"'{value}'" for name, value in named.items() if value is not None}


class Gpus(Where):
    """Where jobs with a GPU go, and how the GPU is asked for."""

    request: Literal["gpus", "gres"] = "gpus"
    type: GpuType | None = None

    def resources(self) -> dict[str, str | int]:
        """Like ``Where.resources``, with what is added to a rule's ``gpu=1`` or replaces it."""
        found = super().resources()
        if self.request == "gres":
            kind = "gpu" if self.type is None else f"gpu:{self.type}"
            return found | {"gpu": 0, "gres": f"'{kind}:1'"}
        return found if self.type is None else found | {"gpu_model": f"'{self.type}'"}


class Site(Frozen):
    """A cluster."""

    cpu: Where = Where()
    gpu: Gpus = Gpus()
    max_runtime_h: Annotated[int, Field(ge=1)] | None = None

    @property
    def max_runtime_min(self) -> int | None:
        """The longest time that a rule may ask for, in minutes; None: as long as it wants."""
        return None if self.max_runtime_h is None else self.max_runtime_h * MINUTES_PER_HOUR


def site_file() -> Path:
    """The file in force."""
    house = Path(__file__).resolve().parents[3]
    return Path(os.environ.get(VARIABLE) or house / "profiles" / "slurm" / "site.yaml")


def load_site(path: Path) -> Site:
    """The checked site; raises ``ResiduaError`` with one line per problem."""
    try:
        return Site.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise ResiduaError(f"{path}: {error.strerror}: write it, or correct {VARIABLE}") from None
    except yaml.YAMLError as error:
        raise ResiduaError(f"{path}: not YAML: {error}") from None
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, problem['loc']))}: {_plain(problem)}" for problem in error.errors()]
        raise ResiduaError(f"{path} cannot be used; docs/cluster.md explains its keys:\n" + "\n".join(lines)) from None


def site_of_profile() -> Site:
    """The site for the profile, which Snakemake reads before it can show an error in one line."""
    try:
        return load_site(site_file())
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")


def _plain(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    hint = ": put it in quotes" if problem["type"] == "string_type" else ""
    return f"{problem['msg']} (found {problem['input']!r}){hint}"
