"""Write miniature folders in the imported layouts, and read the output of an import."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from typer.testing import CliRunner

from cohort_tables import write_image
from residua.cli import app
from residua.cohort.table.patients import parse_table
from residua.cohort.table.writing import building
from residua.importers.found import Found
from residua.importers.write import Progress, write_into
from residua.settings.columns import FILES

SEGMENTATION = np.zeros((4, 5, 3), np.uint8)
"""One voxel of value 1, two of 2, three of 3 and four of 4."""
for _value in (1, 2, 3, 4):
    SEGMENTATION[_value - 1, :_value, 1] = _value


def only(*values: int) -> Any:
    """Return the segmentation with all other values removed."""
    return np.where(np.isin(SEGMENTATION, values), SEGMENTATION, 0).astype(np.uint8)


def write_tree(root: Path, files: Mapping[str, Any]) -> Path:
    """Write files below ``root``: text as it is, JSON for a dict, an array as NIfTI, and an image for None."""
    for name, content in files.items():
        path = root / name
        if content is None or isinstance(content, np.ndarray):
            write_image(path, content)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return root


def imported(*arguments: object) -> Any:
    """Run ``residua import`` and return its result."""
    return CliRunner().invoke(app, ["import", *map(str, arguments)], terminal_width=200)


def write_cohort(found: Found, out: Path, progress: Progress | None = None) -> Path:
    """Write the patients to the new folder ``out``, as every layout's command does; return the path of the table."""
    with building(out) as part:
        write_into(part, out, found, progress)
    return out / "cohort.tsv"


def rows_of(out: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the written table by patient, without empty cells; assert that it has no problem."""
    table = out / "cohort.tsv"
    with open(table, encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="\t")
        rows = {row["patient"]: {column: cell for column, cell in row.items() if cell} for row in reader}
    further = [column for column in reader.fieldnames or () if column.startswith(("post_", "pre_"))]
    read = parse_table(str(table), dict.fromkeys((*FILES, *further)), needed=())
    assert read.problems == ()
    assert [patient.patient for patient in read.patients] == list(rows)
    assert all(os.path.isfile(path) for patient in read.patients for path in patient.files.values())
    return rows


def record_of(out: Path) -> dict[str, Any]:
    """Return ``import.json``; assert that it contains no absolute path."""
    text = (out / "import.json").read_text(encoding="utf-8")
    assert str(out.parent) not in text
    record: dict[str, Any] = json.loads(text)
    return record


def voxels(path: Path) -> Any:
    """Return the stored voxels of a NIfTI file, with their type."""
    image: Any = nib.load(path)
    return np.asanyarray(image.dataobj)
