"""Studies that the tests of this folder change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from micro_study import without_flair
from studies import HOUSE, Study


@pytest.fixture
def study(finished: Study, tmp_path: Path) -> Study:
    """A copy of the finished micro study that a test may change."""
    return finished.copied(tmp_path / "study")


@pytest.fixture
def fresh(micro_cohort: Path, tmp_path: Path) -> Study:
    """A micro study that has not run."""
    folder = tmp_path / "study"
    shutil.copytree(micro_cohort, folder / "cohort")
    shutil.copy(HOUSE / "tests/micro/config.yaml", folder / "config.yaml")
    return without_flair(Study(folder))
