"""Settings of a cluster of PBS, LSF or Grid Engine: ``profiles/generic/cluster.yaml``, or the file of a variable."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from residua.cluster.schedulers import CANCEL
from residua.cluster.settings import VARIABLE, Name
from residua.errors import ResiduaError
from residua.settings.base import Frozen
from residua.settings.messages import problem_lines
from residua.settings.yaml_file import read_yaml

_PAGE = "docs/how-to/other_schedulers.md"


def _words(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{text!r} cannot be split into words, as a shell does it ({error}); close it") from None
    return text


class Options(Frozen):
    """Options of qsub or bsub for one kind of job; null leaves an option out."""

    queue: Name | None = None
    account: Name | None = None
    extra: Annotated[str, AfterValidator(_words)] | None = None


class GridEngine(Frozen):
    """What a Grid Engine calls the memory of a slot, the parallel environment of one node, and a GPU.

    ``gpu_per``: whether it gives a job as many GPUs as were asked for (``consumable JOB``), or each of its slots.
    """

    memory: Name = "h_vmem"
    slots: Name = "smp"
    gpu: Name = "gpu"
    gpu_per: Literal["job", "slot"] = "job"


class Lsf(Frozen):
    """Whether an LSF reserves memory for a job, or for each of its slots (``RESOURCE_RESERVE_PER_TASK=Y``)."""

    memory_per: Literal["job", "slot"] = "job"


class GenericCluster(Frozen):
    """The scheduler of a cluster, where its jobs go, and the longest job it takes."""

    scheduler: Literal["pbs", "lsf", "sge"]
    cpu: Options = Options()
    gpu: Options = Options()
    max_runtime_h: Annotated[int, Field(ge=1)] | None = None
    patience_s: Annotated[float, Field(ge=0)] = 120
    grid_engine: GridEngine = GridEngine()
    lsf: Lsf = Lsf()

    @property
    def cancel(self) -> str:
        """The command that cancels jobs, given their identifiers."""
        return CANCEL[self.scheduler]


def load_generic_cluster() -> GenericCluster:
    """Read the settings file in force; raise ``ResiduaError`` with one line per problem."""
    house = Path(__file__).resolve().parents[3]
    path = Path(os.environ.get(VARIABLE) or house / "profiles" / "generic" / "cluster.yaml")
    if not path.is_file():
        raise ResiduaError(f"{path}: no such file: create it, or correct {VARIABLE}")
    try:
        return GenericCluster.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        lines = problem_lines(error, _PAGE, "cluster")
        raise ResiduaError(f"{path} cannot be used; {_PAGE} explains its keys:\n{lines}") from None


def generic_cluster_of_profile() -> GenericCluster:
    """Load the settings for the profile; exit with a message, because Snakemake would print a traceback."""
    try:
        return load_generic_cluster()
    except ResiduaError as error:
        sys.exit(f"\n{error}\n")
