"""Settings of the machine on which a study runs: they change no result, and leave the study with nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from residua.settings.base import Frozen

MACHINE = "machine"
"""The key of this section in a configuration."""

Device = Literal["auto", "cuda", "cpu"]
Orphans = Literal["wait", "cancel"]


class Machine(Frozen):
    """The machine, or the nodes of a cluster, on which trainings and predictions run."""

    device: Device = Field(
        default="auto",
        description="auto: a graphics card where there is one, else processors; cuda: without a card nothing starts; "
        "cpu: no card is used.",
    )
    jobs_per_card: int = Field(
        default=1, ge=1, description="Trainings or predictions that share one card at the same time."
    )
    check_free_space: bool = Field(
        default=True,
        description="Refuse to start where the disk has far too little room for what the run makes; false: warn only.",
    )
    local_scratch: str | None = Field(
        default=None,
        min_length=1,
        description="Folder on the machine's own disk, into which a training copies its data while it runs; variables "
        "such as $TMPDIR have the value that they have in the job. null: data are read from where they lie.",
    )
    orphans: Orphans = Field(
        default="wait",
        description="Jobs of a cluster that a killed run left: wait for them, or cancel them. Those that still wait "
        "in SLURM's queue are cancelled in any case; those of PBS, LSF and Grid Engine are waited for there, too.",
    )


AnyMachine = Annotated[
    Machine,
    Field(
        # No record of a study holds what another machine would not want.
        exclude=True,
        description="The machine on which the study runs. No result depends on it, and no bundle holds it.",
    ),
]


def machine_of(config: Mapping[str, Any]) -> Machine:
    """Return the section of a configuration that was checked when the study was loaded."""
    return Machine.model_validate(config.get(MACHINE) or {})
