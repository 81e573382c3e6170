"""What several kinds of tests share: the checkout, and runs of the real workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from residua.simulate.cohort import simulate_cohort

HOUSE = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def house() -> Path:
    """The checkout under test."""
    return HOUSE


@pytest.fixture(scope="session")
def micro_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a micro cohort of eight patients; do not change it, copy it."""
    folder = tmp_path_factory.mktemp("micro_cohort")
    simulate_cohort(folder, patients=8, seed=1, like="micro")
    return folder
