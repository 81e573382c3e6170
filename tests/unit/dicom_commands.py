"""Run the two steps of an import of DICOM and read their tables."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from residua.cli import app

Rows = list[dict[str, str]]


def residua(*arguments: object) -> Any:
    """Run a command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def propose(export: Path, surgery: str = "", *further: str, clean: bool = False) -> tuple[Path, Rows, str]:
    """Propose columns for an export; return the proposal's folder, its rows and what is printed.

    ``clean``: what was proposed and converted before is removed.

    ``surgery`` are rows of the table of surgeries, such as ``MRN4711,2020-01-02``; ``further`` are more options.
    """
    out, options = export.parent / "proposal", []
    for folder in (out, export.parent / "cohort") if clean else ():
        shutil.rmtree(folder)
    if surgery:
        table = export.parent / "surgery.csv"
        table.write_text(f"patient_id,surgery\n{surgery}\n")
        options = ["--surgery-dates", table]
    ran = residua("import", "dicom", export, "--out", out, "--hospital", "STO", *options, *further)
    assert ran.exit_code == 0, ran.output
    return out, list(csv.DictReader((out / "proposal.tsv").open(), delimiter="\t")), ran.output


def confirm(out: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Confirm every row that names a column."""
    with (out / "proposal.tsv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows({**row, "confirmed": "yes" if row["column"] else ""} for row in rows)


def convert(out: Path) -> Any:
    """Convert a confirmed proposal to the folder ``cohort`` beside it."""
    return residua("import", "dicom-convert", out, "--out", out.parent / "cohort")
