"""Settings of a SLURM cluster: partitions, accounts, how to request GPUs, the longest job.

They stand in ``profiles/slurm/cluster.yaml``, or in the file that the variable ``RESIDUA_CLUSTER`` names. The profile
beside it turns them into resources of Snakemake's SLURM executor.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from residua.errors import ResiduaError
from residua.settings.base import Frozen
from residua.settings.messages import problem_lines
from residua.settings.yaml_file import read_yaml

VARIABLE = "RESIDUA_CLUSTER"
MINUTES_PER_HOUR = 60

Name = Annotated[str, Field(pattern=r"^[^\s'\"\\$]+$")]
"""Text that is safe in a shell and in Snakemake's expressions. Numbers need quotes: YAML reads 0123 as 83."""
GpuType = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]+$")]
"""GPU type as the executor accepts it. A type with a hyphen can only be requested by ``constraint``."""


class JobOptions(Frozen):
    """Options of sbatch for one kind of job; null leaves an option out."""

    partition: Name | None = None
    account: Name | None = None
    qos: Name | None = None
    constraint: Name | None = None

    def resources(self) -> dict[str, str | int]:
        """Return the options that are set, by resource name of the executor, as Snakemake expressions."""
        named = {"slurm_partition": self.partition, "slurm_account": self.account}
        named |= {"qos": self.qos, "constraint": self.constraint}
        return {name: f"'{value}'" for name, value in named.items() if value is not None}


class GpuJobOptions(JobOptions):
    """Options of sbatch for jobs with a GPU, and the option that requests the GPU."""

    request: Literal["gpus", "gres"] = "gpus"
    type: GpuType | None = None

    def resources(self) -> dict[str, str | int]:
        """Return ``JobOptions.resources`` and the resources that extend or replace a rule's ``gpu=1``."""
        options = super().resources()
        if self.request == "gres":
            kind = "gpu" if self.type is None else f"gpu:{self.type}"
            return options | {"gpu": 0, "gres": f"'{kind}:1'"}
        return options if self.type is None else options | {"gpu_model": f"'{self.type}'"}


class Cluster(Frozen):
    """Where the jobs of a study go on one SLURM cluster, and the longest job it takes."""

    cpu: JobOptions = JobOptions()
    gpu: GpuJobOptions = GpuJobOptions()
    max_runtime_h: Annotated[int, Field(ge=1)] | None = None

    @property
    def max_runtime_min(self) -> int | None:
        """Longest time that a rule may request, in minutes; None: no limit."""
        return None if self.max_runtime_h is None else self.max_runtime_h * MINUTES_PER_HOUR


def cluster_file() -> Path:
    """Return the path of the settings file in force."""
    house = Path(__file__).resolve().parents[3]
    return Path(os.environ.get(VARIABLE) or house / "profiles" / "slurm" / "cluster.yaml")


def load_cluster(path: Path) -> Cluster:
    """Read and validate a settings file; raise ``ResiduaError`` with one line per problem."""
    try:
        if not path.is_file():
            raise ResiduaError(f"{path}: no such file: create it, or correct {VARIABLE}")
        return Cluster.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        lines = problem_lines(error, "docs/how-to/cluster.md", "cluster")
        raise ResiduaError(f"{path} cannot be used; docs/how-to/cluster.md explains its keys:\n{lines}") from None


def cluster_of_profile() -> Cluster:
    """Load the settings for the profile; exit with a message, because Snakemake would print a traceback."""
    try:
        return load_cluster(cluster_file())
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")
