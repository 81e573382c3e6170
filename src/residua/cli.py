"""The command ``residua``. Exit code 0: success; 1: failure, with a message; 2: wrong usage."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from residua.bundle.command import bundle
from residua.cluster.processors import default_workers
from residua.cohort.commands.configuration import PUBLISHED, Config, configuration, say_configuration
from residua.cohort.merge.command import merge
from residua.cohort.places import VOXELS
from residua.errors import DamagedStageError, ResiduaError
from residua.estimate.command import plan
from residua.evaluation.command import evaluate
from residua.export.command import export
from residua.export.crate_command import crate
from residua.importers.command import GivenOnce
from residua.importers.command import app as import_app
from residua.inference.command import predict
from residua.operations.command import explain, status
from residua.publishing.refused_places import remedy_of
from residua.review.command import review
from residua.terminal import plain_console
from residua.validation.command import validate

_FINISHED = (
    "Where the study is finished, the same command makes nothing again by itself: residua explain --verify shows the "
    "command that does."
)


class _PlainErrors(TyperGroup):
    """Commands that show a ``ResiduaError``, and what the disk refuses, as a message without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DamagedStageError as error:
            typer.echo(f"{error}\n{_FINISHED}", err=True)
            raise typer.Exit(1) from None
        except ResiduaError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            # Of a place that the user named, mostly; without one it is a fault of this software.
            if error.filename is None or error.strerror is None:
                raise
            typer.echo(f"{error.filename}: {error.strerror}; {remedy_of(error)}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_PlainErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A multicentre study of residual glioblastoma on early post-operative MRI.",
)
app.add_typer(import_app, name="import")
_command = app.command(cls=GivenOnce)
_command(bundle)
_command(crate)
_command(evaluate)
_command(explain)
_command(export)
_command(merge)
_command(plan)
_command(predict)
_command(review)
_command(status)
_command(validate)
_WORKERS = "Processes; default: the processors, at most 8."
_VOXELS = Path(VOXELS)
"""The workflow's cache of voxel checks: the workflow does not read again what ``residua check`` has read."""
_DIRECTORY = typer.Option(
    exists=True,
    file_okay=False,
    help="Folder of the study, as Snakemake's --directory: for frozen folds, and paths of the configuration.",
)


@contextmanager
def _inside(directory: Path, cohort: Path, cache: Path) -> Iterator[tuple[Path, Path]]:
    """Work in the folder of a study; yield the table and the cache as they are named there."""
    if directory == Path("."):
        yield cohort, cache
        return
    # By way of the folder where the study lies, also if a link leads there; the table's own name stays, as in the run.
    lies = os.path.relpath(os.path.realpath(cohort.parent), os.path.realpath(directory))
    table = cohort if cohort.is_absolute() else Path(lies, cohort.name)
    kept = cache if cache == _VOXELS else cache.absolute()
    with chdir(directory):
        yield table, kept


@_command
def simulate(
    out: Annotated[Path, typer.Option(help="New folder for the cohort.")],
    patients: Annotated[int, typer.Option(min=1, help="Number of patients.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cohort.")] = 1,
    like: Annotated[str, typer.Option(help="Design: toy, micro, table1 (as in the article), or a YAML file.")] = "toy",
    workers: Annotated[int | None, typer.Option(min=1, help=_WORKERS)] = None,
) -> None:
    """Simulate a multicentre cohort with known truth; an interrupted command continues when repeated."""
    from residua.simulate.cohort import simulate_cohort

    with plain_console(stderr=True).status("Simulating") as shown:
        typer.echo(
            simulate_cohort(
                out=out,
                patients=patients,
                seed=seed,
                like=like,
                processes=workers or default_workers(),
                progress=lambda done, planned: shown.update(f"Simulated {done} of {planned} patients"),
            )
        )


@_command
def init(
    cohort: Annotated[Path, typer.Argument(help="The cohort table (TSV, CSV, Excel, OpenDocument or Parquet).")],
    out: Annotated[Path, typer.Option(help="Configuration to write (YAML).")],
    workers: Annotated[int | None, typer.Option(min=1, help=_WORKERS)] = None,
    cache: Annotated[
        Path, typer.Option(help="Folder for results of reading files, shared with the workflow.")
    ] = _VOXELS,
) -> None:
    """Write the smallest configuration that fits a table: its sequences, input configurations, hold-out and folds."""
    from residua.cohort.commands.init import write_config

    for line in write_config(cohort, out, _read_yaml(PUBLISHED), cache, workers or default_workers()):
        typer.echo(line)
    typer.echo(f"{out}: read it, then run {shlex.join(['residua', 'check', str(cohort), '--config', str(out)])}")


@_command
def check(
    cohort: Annotated[Path, typer.Argument(help="The cohort table (TSV, CSV, Excel, OpenDocument or Parquet).")],
    config: Config = None,
    voxels: Annotated[bool, typer.Option(help="Also read every voxel: seconds per file, once.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON record.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also write all problems as one HTML page.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help=_WORKERS)] = None,
    cache: Annotated[
        Path, typer.Option(help="Folder for results of reading files, shared with the workflow.")
    ] = _VOXELS,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too.")] = False,
    directory: Annotated[Path, _DIRECTORY] = Path("."),
) -> None:
    """Report every problem of a cohort. Exits 1 if the study cannot run on it."""
    from residua.cohort.commands import check as command
    from residua.networks.planning import planned_study

    used = configuration(config)
    settings, page = _read_yaml(used), html and html.absolute()
    with _inside(directory, cohort, cache) as (table, kept):
        study = planned_study(settings)
        verdict = command.checked(study, table, voxels, kept, workers or default_workers())
        if page is not None:
            command.write_page(verdict, table, study, page)
        if as_json:
            command.print_json(verdict)
        else:
            command.show(verdict, table, study)
    say_configuration(used, config, cohort)
    warned = strict and any(problem.is_warning for problem in verdict.problems)
    raise typer.Exit(0 if verdict.runs and not warned else 1)


@_command
def folds(
    cohort: Annotated[Path, typer.Argument(help="The cohort table (TSV, CSV, Excel, OpenDocument or Parquet).")],
    config: Config = None,
    cache: Annotated[
        Path, typer.Option(help="Folder for results of reading files, shared with the workflow.")
    ] = _VOXELS,
    directory: Annotated[Path, _DIRECTORY] = Path("."),
) -> None:
    """Show the hospitals and patients of each fold."""
    from residua.cohort.commands.folds import show_folds
    from residua.networks.planning import planned_study

    used = configuration(config)
    say_configuration(used, config, cohort)
    settings = _read_yaml(used)
    with _inside(directory, cohort, cache) as (table, kept):
        show_folds(planned_study(settings), table, kept)


@_command
def exclude(
    cohort: Annotated[Path, typer.Argument(help="The cohort table (TSV, CSV, Excel, OpenDocument or Parquet).")],
    patients: Annotated[list[str] | None, typer.Argument(help="Patients to exclude.")] = None,
    reason: Annotated[
        str, typer.Option(help="Reason for the exclusion; the participant flow counts patients by reason.")
    ] = "",
    flags: Annotated[
        Path | None, typer.Option(help="A flags.tsv: exclude its patients, with their flags as the reason.")
    ] = None,
    patient: Annotated[
        list[str] | None, typer.Option(help="With --flags: exclude only this patient; may be repeated.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Include the patients again, like residua include.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Exclude patients: set their role and exclusion_reason in the cohort table, and change nothing else."""
    from residua.quality import exclusion_command

    chosen = exclusion_command.chosen(patients or [], reason, flags, patient or [])
    _show_changes(exclusion_command.excluded(cohort, chosen, undo, dry_run), dry_run)


@_command
def include(
    cohort: Annotated[Path, typer.Argument(help="The cohort table (TSV, CSV, Excel, OpenDocument or Parquet).")],
    patients: Annotated[list[str], typer.Argument(help="Patients to include again.")],
    role: Annotated[
        str, typer.Option(help="Their role: auto (as the configuration places the hospital) or holdout.")
    ] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
) -> None:
    """Include excluded patients again."""
    from residua.cohort.table import exclusion

    _show_changes(exclusion.include(cohort, patients, role, dry_run), dry_run)


@_command
def summary(
    study: Annotated[Path, typer.Argument(help="Folder in which the study ran.")] = Path("."),
) -> None:
    """Show the tables of a finished run and the time of every rule."""
    from rich.table import Table

    from residua.operations.summary import rule_costs
    from residua.publishing.as_made import require_as_made

    shown = Table("rule", "jobs", "total s", "longest s", "most MB", title="Time per rule")
    for cost in rule_costs(study / "results"):
        numbers = (cost.jobs, f"{cost.total_s:.1f}", f"{cost.longest_s:.1f}", f"{cost.memory_mb:.0f}")
        shown.add_row(cost.rule, *map(str, numbers))
    results = study / "results"
    tables = sorted((results / "tables").glob("table[0-9].md"))
    require_as_made(study, tables)
    for table in tables:
        typer.echo(table.read_text(encoding="utf-8"))
    plain_console().print(shown)
    report = results / "report" / "index.html"
    typer.echo(f"Results: {results}" + (f"   report: {report}" if report.is_file() else ""))


@_command
def schema(
    root: Annotated[Path, typer.Option(help="The repository.")] = Path("."),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a file is out of date.")] = False,
) -> None:
    """Write the generated files: config.schema.json and pages of docs/reference and docs/explanation."""
    from residua.config_docs import require_current, write_docs

    (require_current if check else write_docs)(root, _read_yaml(root / "config.yaml"), app)


def _show_changes(changes: Iterable[object], dry_run: bool) -> None:
    for change in changes:
        typer.echo(change)
    if dry_run:
        typer.echo("dry run: the table is unchanged")


def _read_yaml(path: Path) -> dict[str, Any]:
    from residua.settings.yaml_file import read_settings

    return read_settings(path)


if __name__ == "__main__":
    app()
