"""``residua merge``: several cohort tables as one, and who is in twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from residua.cohort.places import VOXELS
from residua.errors import ResiduaError
from residua.terminal import plain_console

if TYPE_CHECKING:
    from residua.cohort.merge.merge import Merged

Tables = Annotated[
    list[Path], typer.Argument(help="Cohort tables, two or more; options call them by their place: 1, 2, …")
]
Out = Annotated[Path, typer.Option(help="New folder for cohort.tsv, raters.tsv and merge.json.")]
Rename = Annotated[
    list[str] | None,
    typer.Option(
        help="New name of a hospital: OLD=NEW, or N:OLD=NEW in table N alone; * is every hospital. Repeatable."
    ),
]
Prefix = Annotated[
    list[str] | None,
    typer.Option(help="N=TEXT: put TEXT before the names of the patients and raters of table N; repeatable."),
]
RaterTables = Annotated[
    list[str] | None,
    typer.Option(help="Rater table, N=FILE where it does not lie beside cohort table N; repeatable."),
]
Voxels = Annotated[bool, typer.Option(help="Read the scans to find who is in twice: seconds per file, once.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record as JSON.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; default: the processors, at most 8.")]
Cache = Annotated[Path, typer.Option(help="Folder for results of reading files, shared with the workflow.")]


def merge(
    tables: Tables,
    out: Out,
    rename: Rename = None,
    prefix: Prefix = None,
    raters: RaterTables = None,
    voxels: Voxels = True,
    as_json: AsJson = False,
    workers: Workers = None,
    cache: Cache = Path(VOXELS),
) -> None:
    """Make one cohort table of several. Exits 1 if a scan is in twice; the table is written nevertheless."""
    from residua.cluster.processors import default_workers
    from residua.cohort.merge.merge import Reading, merge_cohorts

    if len(tables) < 2:
        raise ResiduaError(f"{tables[0]}: name two tables or more")
    with plain_console(stderr=True).status("Merging") as shown:
        reading = Reading(
            cache,
            workers or default_workers(),
            lambda done, total: shown.update(f"Read scans of {done} of {total} patients"),
        )
        paths = [str(table) for table in tables]
        merged = merge_cohorts(paths, out, rename or (), prefix or (), raters or (), reading if voxels else None)
    if as_json:
        typer.echo(json.dumps(merged.to_json(), indent=1))
    else:
        _show(merged, out)
    raise typer.Exit(0 if merged.is_sound else 1)


def _show(merged: Merged, out: Path) -> None:
    for source in merged.sources:
        typer.echo(f"table {source.number}: {source.path}: {len(source.patients)} patients")
    for remark in merged.remarks:
        typer.echo(remark)
    for twins in merged.twins or ():
        typer.echo(twins)
    if merged.unread:
        typer.echo(f"{merged.unread} patient(s) have an image that cannot be read: residua check names them")
    counted = ", ".join(f"{hospital} {n}" for hospital, n in merged.hospitals().items())
    found = {None: "scans were not compared", 0: "nobody is in twice"}
    number = None if merged.twins is None else len(merged.twins)
    twice = found.get(number, f"{number} group(s) of patients share a scan, or seem to: see above")
    typer.echo(f"{out / 'cohort.tsv'}: {len(merged.rows)} patients ({counted}); {twice}")
