"""A real SLURM for the tests that need one; without it they are skipped, and the summary says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import NO_SLURM, Cluster, unavailable

REQUIRED = os.environ.get("RESIDUA_SLURM") == "required"
"""Set by ``make test-slurm``: without a cluster the tests fail."""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start four idle nodes: cpu1, cpu2 (6 GB), gpu1 (two a100), gpu2 (two v100)."""
    reason = unavailable()
    if reason is not None:
        (pytest.fail if REQUIRED else pytest.skip)(f"{NO_SLURM}{reason}")
    started = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def cluster_file(tmp_path: Path) -> Path:
    """Return a path where a test may write a cluster file."""
    return tmp_path / "cluster.yaml"
