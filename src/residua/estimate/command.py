"""``residua plan``: what a study takes before anything runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from residua.terminal import plain_console


def plan(
    cohort: Annotated[Path, typer.Argument(help="The cohort table (TSV, CSV, Excel, OpenDocument or Parquet).")],
    config: Annotated[Path, typer.Option(help="Configuration of the study.")],
    inputs: Annotated[
        list[str] | None, typer.Option(help="Only this input configuration of the study; may be repeated.")
    ] = None,
    gpus: Annotated[int, typer.Option(min=0, help="Graphics cards; 0: trainings run on processors.")] = 1,
    gpu: Annotated[str, typer.Option(help="Card: h200 (measured), h100 or a100 (assumed from it).")] = "h200",
    measured: Annotated[
        Path | None, typer.Option(help="Folder of a finished study whose jobs on this machine correct the numbers.")
    ] = None,
    directory: Annotated[Path, typer.Option(help="Folder in which the study would run, for its free room.")] = Path(
        "."
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for a program to read.")] = False,
) -> None:
    """Say what a study takes before anything runs: jobs, hours of processors and cards, memory and disk by stage."""
    from residua.estimate.costs import card_named
    from residua.estimate.jobs import for_cohort, planned_run, with_inputs_alone
    from residua.estimate.measured import measured_by
    from residua.estimate.planned import plan_of
    from residua.estimate.view import in_all, plan_table
    from residua.settings.yaml_file import read_settings

    card = card_named(gpu)
    settings = for_cohort(read_settings(config), cohort)
    if inputs:
        settings = with_inputs_alone(settings, inputs)
    factors = measured_by(measured) if measured else None
    found = plan_of(planned_run(settings), gpus, card, directory / "results", factors)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "in_all": asdict(in_all(found))}, indent=1))
    else:
        plain_console().print(plan_table(found))
