"""``residua import LAYOUT SOURCE --out OUT``: one command per layout, loaded on demand.

A new layout needs one line in ``LAYOUTS`` and the function named there. Its parameters are the command's options; it
calls ``deliver`` with a function that finds the patients.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from residua.errors import ResiduaError
from residua.importers.found import Found
from residua.terminal import plain_console

LAYOUTS: Mapping[str, str] = {
    "bids": "residua.importers.layouts:bids",
    "folders": "residua.importers.layouts:folders",
    "brats": "residua.importers.layouts:brats",
    "nnunet": "residua.importers.layouts:nnunet",
    "dicom": "residua.importers.dicom.commands:dicom",
    "dicom-convert": "residua.importers.dicom.commands:dicom_convert",
    "rhuh-gbm": "residua.importers.public.commands:rhuh_gbm",
    "lumiere": "residua.importers.public.commands:lumiere",
    "ucsf-alptdg": "residua.importers.public.commands:ucsf_alptdg",
    "mu-glioma-post": "residua.importers.public.commands:mu_glioma_post",
}
"""The module and function of each layout's command."""

Source = Annotated[Path, typer.Argument(help="Folder with the data; it is never changed.")]
Out = Annotated[Path, typer.Option(help="New folder for cohort.tsv, import.json and derived labels.")]
Hospital = Annotated[str, typer.Option(help="Hospital of all patients.")]
ClinicalFile = Annotated[
    Path | None,
    typer.Option(
        "--table", help="Table (CSV, TSV, Excel, OpenDocument) of patients: hospital, age, sex, hours_since_surgery."
    ),
]
PatientColumn = Annotated[str | None, typer.Option(help="Column of the --table with the patients' names.")]
HospitalColumn = Annotated[str | None, typer.Option(help="Column of the --table with the hospital.")]
Columns = Annotated[list[str] | None, typer.Option("--column", help="Additional column to fill; repeatable.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="Values that form a label, such as residual=1,4; repeatable.")
]
WindowHours = Annotated[
    float, typer.Option(min=0, help="Latest time of an early post-operative scan, in hours after surgery.")
]
AssumeEarly = Annotated[
    bool, typer.Option("--assume-early", help="Treat scans of unknown time as early post-operative.")
]
EveryScan = Annotated[
    bool, typer.Option("--every-scan", help="Keep every post-operative scan of a person, each in a row of its own.")
]
Deface = Annotated[
    bool, typer.Option("--deface", help="Copy the images without faces; pictures in OUT/deface show what was cut.")
]
_STEPS = re.compile(r"(\d+) of (\d+) steps")
_WITH_SEVERAL_SCANS = ("bids", "folders", "brats", "dicom", "rhuh-gbm", "lumiere", "ucsf-alptdg", "mu-glioma-post")
"""Layouts whose names tell several post-operative scans of one person apart."""


class GivenOnce(TyperCommand):
    """Refuse an option of one value that is given twice: the last value would win silently."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, once every option was counted."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for param, times in Counter(order).items():
            if (
                times > 1
                and param.param_type_name == "option"
                and not param.multiple
                and not getattr(param, "is_flag", False)
            ):
                ctx.fail(f"{param.opts[0]} is given {times} times; give it once")
        return super().parse_args(ctx, args)


class _Command(GivenOnce):
    """Tell where ``--every-scan`` and ``--deface`` exist if the layout has no such option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--every-scan" in args and not any("--every-scan" in param.opts for param in self.params):
            known = ", ".join(_WITH_SEVERAL_SCANS)
            ctx.fail(f"--every-scan: {self.name} does not tell several scans of one person apart; {known} do")
        if "--deface" in args and not any("--deface" in param.opts for param in self.params):
            ctx.fail(f"--deface: {self.name} writes no images; give it to dicom-convert")
        return super().parse_args(ctx, args)


class _Layouts(TyperGroup):
    """Load a layout's module only when its command runs."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(LAYOUTS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in LAYOUTS:
            return None
        module, _, function = LAYOUTS[cmd_name].partition(":")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name, cls=_Command)(getattr(importlib.import_module(module), function))
        return typer.main.get_command(alone)


app = typer.Typer(cls=_Layouts, no_args_is_help=True, help="Write the cohort table for data in a common layout.")


@app.callback()
def _group() -> None:
    """Write the cohort table for data in a common layout; SOURCE is never changed."""


def deliver(
    source: Path, out: Path, find: Callable[[Path], Found], within: str | None = "", deface: bool = False
) -> None:
    """Find the patients, write the cohort and print a summary: the body of every layout's command.

    ``find`` receives the folder that will become ``out``. Importers that convert images write them there; others
    ignore it. ``within`` is the folder of ``source`` in which ``out`` may lie: anywhere if empty, nowhere if None.
    ``deface``: the cohort gets copies of the images without faces; finished ones are kept beside ``out`` between tries.
    Raises ``ResiduaError``.
    """
    from residua.cohort.table.paths import absolute_path
    from residua.cohort.table.writing import building
    from residua.importers.record import summary
    from residua.importers.write import write_into
    from residua.publishing.publish import read_json

    if not source.is_dir():
        raise ResiduaError(f"{source}: no such folder; give the folder with the data")
    _require_outside(source, out, within)
    kept = Path(f"{absolute_path(out)}.deface")
    with plain_console(stderr=True).status("Looking for patients") as shown, building(out) as part:
        found = find(part)
        if deface:
            found = _without_faces(found, part, kept, shown)
        write_into(part, out, found, lambda done, all_of: shown.update(f"Wrote {done} of {all_of} patients"))
    if deface:
        shutil.rmtree(kept, ignore_errors=True)
    for line in summary(read_json(out / "import.json")):
        typer.echo(line)
    table = out / "cohort.tsv"
    typer.echo(f"{table}: inspect the table, then run residua init {shlex.quote(str(table))} --out my.yaml")


def _without_faces(found: Found, part: Path, kept: Path, shown: Any) -> Found:
    from residua.importers.deface import deface

    def watch(text: str) -> None:
        for done, of in _STEPS.findall(text):
            shown.update(f"Cut the faces of {done} of {of} patients")

    return deface(found, part, kept, watch)


def _require_outside(source: Path, out: Path, within: str | None) -> None:
    """Reject an ``out`` inside the source where nothing may be written; print a note where it may."""
    root, target = (Path(os.path.realpath(path)) for path in (source, out))
    if not target.is_relative_to(root):
        return
    if within is None or not target.is_relative_to(root / within) or target == root / within:
        where = f" or below {source / within}" if within else ""
        raise ResiduaError(f"{out}: lies inside the imported data; name a folder elsewhere{where}")
    typer.echo(f"{out}: lies inside the imported data; existing files are not changed", err=True)
