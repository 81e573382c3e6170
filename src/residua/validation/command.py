"""``residua validate``: measure bundles on labelled patients of other hospitals, and say what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from residua.errors import ResiduaError
from residua.inference.command import OnDevice, require_table

_RECALIBRATE = "Also choose the threshold anew on a part of the cohort, and measure both thresholds on the rest."


def validate(
    bundle: Annotated[list[Path], typer.Option(help="Bundle to measure; repeatable.")],
    cohort: Annotated[
        Path, typer.Option(help="Table of patients: patient, hospital, a column per sequence, residual.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; the same command continues in it.")],
    recalibrate: Annotated[bool, typer.Option("--recalibrate/--no-recalibrate", help=_RECALIBRATE)] = True,
    share: Annotated[float, typer.Option(help="Share of the persons or hospitals that choose.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same part.")] = 1,
    unit: Annotated[Literal["person", "hospital"], typer.Option(help="What is drawn.")] = "person",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON record.")] = False,
    cores: Annotated[int | None, typer.Option(min=1, help="Processors; default: all, at most 8.")] = None,
    profile: Annotated[str | None, typer.Option(help="Snakemake profile, such as slurm.")] = None,
    device: OnDevice = "auto",
) -> None:
    """Measure the models of bundles on the patients of a table that have a reference standard; nothing is trained."""
    from residua.inference.predict import predict
    from residua.inference.showing import showing
    from residua.publishing.as_made import read_as_made
    from residua.settings.application import Recalibration, Validation

    if not 0 < share < 1:
        raise typer.BadParameter("--share: give a number between 0 and 1")
    require_table(cohort)
    drawn = Recalibration(share=share, seed=seed, unit=unit) if recalibrate else None
    try:
        with showing() as listener:
            judged = Validation(recalibrate=drawn)
            predict(cohort, bundle, out, cores, profile, listener, validation=judged, device=device)
    except KeyboardInterrupt:
        raise ResiduaError(f"interrupted; the same command continues in {out}") from None
    record = read_as_made(out, "results/validation.json")
    if as_json:
        typer.echo(json.dumps({"out": str(out), **record}, indent=1))
        return
    for line in in_words(record):
        typer.echo(line)
    typer.echo(f"Tables: {out / 'results' / 'tables'}   page: {out / 'results' / 'validation.html'}")


def in_words(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines about a ``validation_record``: counts, the scores of each bundle, and who was not measured."""
    yield f"{record['measured']} of {record['patients']} patients were measured"
    by_model: dict[str, dict[tuple[str, str], Mapping[str, Any]]] = {}
    for row in record["scores"]:
        if row["hospital"] is None:
            by_model.setdefault(f"{row['arch']} {row['inputs']}", {})[row["part"], row["measure"]] = row
    for model, found in by_model.items():
        yield f"{model}: {record['measured_by'].get(model, 0)} patients"
        yield from (f"  {line}" for line in _scores(found))
        yield from (f"  {line}" for line in _gain(record["thresholds"], model))
    for left in record["not_measured"]:
        by = f"measured by {', '.join(left['measured_by'])} alone" if left["measured_by"] else "not measured"
        yield f"{by}: {left['patient']} ({left['hospital']}), {left['state']}: {left['why']}"
    yield from record["notes"][1:]


_TITLES = {"dice": "DSC-P", "sensitivity": "sensitivity", "specificity": "specificity", "balanced_accuracy": "bAcc"}


def _scores(found: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[str]:
    for measure, title in _TITLES.items():
        parts = (found[part, measure] for part in ("external", "holdout", "out_of_fold"))
        external, holdout, out_of_fold = map(_number, parts)
        yield f"{title}: {external}; hold-out of the bundle {holdout}; out of fold {out_of_fold}"


def _gain(thresholds: Sequence[Mapping[str, Any]], model: str) -> Iterator[str]:
    own = [row for row in thresholds if f"{row['arch']} {row['inputs']}" == model and row["which"] == "difference"]
    if not own:
        return
    gains = ", ".join(f"{_TITLES[row['measure']]} {_number(row)}" for row in own)
    first, second, drawn = (own[0][name] for name in ("threshold_1", "threshold_2", "drawn"))
    yield f"threshold {second:g}, chosen by {drawn} patients, in place of {first:g}, on the rest: {gains}"


def _number(row: Mapping[str, Any]) -> str:
    if row["estimate"] is None:
        return "n/a"
    limits = "" if row["low"] is None else f" [{row['low']:.1f}, {row['high']:.1f}]"
    return f"{row['estimate']:.1f}{limits}"
