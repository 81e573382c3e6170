"""Show in the terminal what a study will take."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from residua.estimate.planned import StagePlan, StudyPlan
from residua.operations.disk import size_in_words
from residua.operations.spans import span

_SURE = "An estimate, good to a factor of one and a half where it was compared; docs/how-to/cluster.md says with what."


def plan_table(plan: StudyPlan) -> RenderableType:
    """Return the table of a plan, and what is to be said of it."""
    table = Table("stage")
    for heading in ("jobs", "CPU h", "GPU h", "memory of a job", "disk"):
        table.add_column(heading, justify="right")
    for stage in plan.stages:
        table.add_row(stage.stage, *_cells(stage))
    table.add_row("in all", *_cells(in_all(plan)), style="bold")
    return Group(table, *(Text(line) for line in said_of(plan)), Text(_SURE, style="dim"))


def in_all(plan: StudyPlan) -> StagePlan:
    """Return the sum of all stages, and the memory of the largest job."""
    stages = plan.stages
    return StagePlan(
        "in all",
        sum(each.jobs for each in stages),
        sum(each.cpu_h for each in stages),
        sum(each.gpu_h for each in stages),
        max((each.memory_mb for each in stages), default=0.0),
        sum(each.disk_bytes for each in stages),
    )


def said_of(plan: StudyPlan) -> list[str]:
    """Return the sentences below the table."""
    lines = []
    if plan.days is not None:
        lines.append(
            f"Trainings and predictions on {plan.gpus} × {plan.card} ({plan.card_source}): "
            f"about {span(plan.days * 86_400)} of computing."
        )
    if plan.unknown:
        lines.append(f"Not known, counted as jobs alone: trainings and predictions of {', '.join(plan.unknown)}.")
    return lines + ([plan.warning] if plan.warning else [])


def _cells(stage: StagePlan) -> tuple[str, ...]:
    return (
        str(stage.jobs),
        _hours(stage.cpu_h),
        _hours(stage.gpu_h) if stage.gpu_h else "",
        f"{stage.memory_mb / 1000:.1f} GB",
        size_in_words(stage.disk_bytes) if stage.disk_bytes else "",
    )


def _hours(hours: float) -> str:
    return f"{hours:.0f}" if hours >= 100 else f"{hours:.2g}"
