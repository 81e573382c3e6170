"""Whether two studies hold the same: tables, numbers, and every file of every published folder, weights included."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from residua.publishing.publish import read_json
from studies import Study

NUMBERS = ("metrics", "raters", "statistics", "resection")
"""Folders of results that hold the numbers behind the tables."""


def files_of(study: Study, pattern: str) -> dict[str, Path]:
    """The results that match, by their name below the study's folder."""
    found = {path.relative_to(study.folder).as_posix(): path for path in study.folder.glob(f"results/{pattern}")}
    assert found, f"no results/{pattern}"
    return found


def require_same_numbers(expected: Study, found: Study, folder: str) -> None:
    """The tables of numbers of one folder of results are equal to the last digits of a sum."""
    numbers, others = (files_of(study, f"{folder}/**/*.parquet") for study in (expected, found))
    assert others.keys() == numbers.keys()
    for name, file in numbers.items():
        pd.testing.assert_frame_equal(pd.read_parquet(others[name]), pd.read_parquet(file), rtol=1e-9, atol=1e-12)


def require_same_tables(expected: Study, found: Study) -> None:
    """The tables as printed are the same to the character."""
    tables, others = files_of(expected, "tables/*"), files_of(found, "tables/*")
    assert others.keys() == tables.keys()
    for name, table in tables.items():
        assert others[name].read_text() == table.read_text(), name


def require_same_folders(expected: Study, found: Study) -> None:
    """Every published folder holds the same files to the bit, by their digests: models, masks and maps."""
    folders, others = (files_of(study, "**/manifest.json") for study in (expected, found))
    assert others.keys() == folders.keys()
    differing = [name for name in folders if read_json(others[name])["files"] != read_json(folders[name])["files"]]
    assert not differing


def require_nothing_half_written(study: Study) -> None:
    """No file or folder that a killed job had begun is left."""
    names = {path.name for path in study.folder.joinpath("results").rglob("*")}
    assert not {name for name in names if name.endswith((".part", ".old")) or ".writing-" in name}
