"""What several kinds of tests share: the checkout, and runs of the real workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def house() -> Path:
    """The checkout under test."""
    return HOUSE
