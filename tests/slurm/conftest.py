"""A real SLURM for the tests that need one; without it they are skipped, and the summary says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import Cluster, unavailable

REQUIRED = os.environ.get("RESIDUA_SLURM") == "required"
"""Set by ``make test-slurm``: without a cluster the tests fail."""
_skipped: list[str] = []


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start four idle nodes: cpu1, cpu2, gpu1 (two a100), gpu2 (two v100)."""
    reason = unavailable()
    if reason is not None:
        _skipped.append(reason)
        (pytest.fail if REQUIRED else pytest.skip)(f"no SLURM here: {reason}")
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report skipped tests at the end."""
    if _skipped:
        terminalreporter.section("SLURM WAS NOT TESTED", sep="!", red=True)
        terminalreporter.line(f"{_skipped[0]}. As root on Debian or Ubuntu, make test-slurm does it.")
