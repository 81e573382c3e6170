"""Show the status of a study in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from residua.operations.spans import span
from residua.operations.status import Failure, Stage, Status
from residua.operations.training_progress import TrainingProgress

_STATES = {
    "running": "The study is running.",
    "complete": "The study is complete: the last run did all that was to be done.",
    "failed": "The last run ended with failed jobs. Mend what they say, then give the same command again.",
    "stopped": "The last run was stopped. The same command goes on where it was.",
    "killed": "The last run was killed: its process is gone. The same command goes on, and sees to what it left.",
    "not seen": "The last run did not end, and runs of other users on this host cannot be seen: it may be running.",
    "on another host": "The last run began on another host or in another container and did not end there: whether it "
    "runs cannot be seen here.",
}
_SHOWN_FAILURES = 20


def view(status: Status) -> RenderableType:
    """Return what the terminal shows."""
    parts: list[RenderableType] = [Text(_STATES[status.state]), Text(_sentence(status))]
    if status.stages:
        parts.append(_stages(status.stages))
    if status.trainings:
        parts.append(_trainings(status.trainings))
    if status.failures:
        parts += ["", Text(f"Failed: {len(status.failures)}", style="bold red")]
        parts += [_failure(failure) for failure in status.failures[:_SHOWN_FAILURES]]
        more = len(status.failures) - _SHOWN_FAILURES
        parts += [Text(f"  and {more} more")] if more > 0 else []
    return Group(*parts)


def _sentence(status: Status) -> str:
    last = datetime.fromisoformat(status.last_sign)
    where = f" on {status.host}" if status.host else ""
    began = f", begun {datetime.fromisoformat(status.began):%Y-%m-%d %H:%M}" if status.began else ""
    return (
        f"{status.done} of {status.jobs} jobs of this run are done{where}{began}; last sign {last:%Y-%m-%d %H:%M:%S}."
    )


def _stages(stages: tuple[Stage, ...]) -> Table:
    table = Table("stage", title="Jobs", title_justify="left")
    for column in ("earlier runs", "done", "running", "failed", "waiting"):
        table.add_column(column, justify="right")
    for each in stages:
        style = "red" if each.failed else "green" if each.running else None
        numbers = (each.earlier, each.done, each.running, each.failed, each.waiting)
        table.add_row(each.stage, *(str(number or "") for number in numbers), style=style)
    return table


def _trainings(trainings: tuple[TrainingProgress, ...]) -> RenderableType:
    unfinished = [each for each in trainings if each.state != "whole"]
    summary = Text(
        f"Trainings on disk or begun: {len(trainings)}, of which {len(trainings) - len(unfinished)} are whole."
    )
    return Group(summary, _unfinished(unfinished)) if unfinished else summary


def _unfinished(trainings: Sequence[TrainingProgress]) -> Table:
    table = Table("training", "state")
    for column in ("epoch", "an epoch", "left", "saved", "SLURM"):
        table.add_column(column, justify="right")
    for each in trainings:
        epoch = f"{each.epoch} of {each.epochs}" if each.epochs is not None else ""
        state = "STALLED" if each.stalled else each.state
        style = "red" if each.stalled or each.state == "failed" else "green" if each.state == "running" else None
        saved = f"{span(each.checkpoint_age_s)} ago" if each.checkpoint_age_s is not None else ""
        times = (span(each.seconds_per_epoch), span(each.left_s), saved)
        table.add_row(f"{each.arch} {each.inputs} fold {each.fold}", state, epoch, *times, each.slurm_id, style=style)
    return table


def _failure(failure: Failure) -> Text:
    of = " ".join(failure.of.values())
    said = f": {failure.said}" if failure.said else ""
    log = f" (log: {failure.log})" if failure.log else ""
    return Text(f"  {failure.rule} {of}".rstrip() + said + log)
