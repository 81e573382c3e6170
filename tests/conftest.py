"""What several kinds of tests share: the checkout, a cohort, the slow groups, and what is said of skipped tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import NO_SLURM
from micro_study import begin
from residua.simulate.cohort import simulate_cohort
from sharing import made_once
from studies import Study

HOUSE = Path(__file__).resolve().parent.parent
SLOW = ("contracts", "faults", "slurm", "workflow")
"""Folders whose tests start the workflow, other environments or a cluster."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests."""
    for item in items:
        if item.path.relative_to(HOUSE / "tests").parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end, where it is read, that SLURM was not tested."""
    skipped = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    reasons = [reason.partition(NO_SLURM)[2] for reason in skipped if NO_SLURM in reason]
    if reasons:
        terminalreporter.section("SLURM WAS NOT TESTED", sep="!", red=True)
        terminalreporter.line(
            f"{len(reasons)} tests were skipped: {reasons[0]}. As root on Debian or Ubuntu, make test-slurm runs them."
        )


@pytest.fixture(scope="session")
def house() -> Path:
    """The checkout under test."""
    return HOUSE


@pytest.fixture(scope="session")
def micro_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a micro cohort of six patients; do not change it, copy it."""
    return made_once(
        tmp_path_factory,
        "micro_cohort",
        lambda folder: simulate_cohort(folder, patients=6, processes=2, seed=1, like="micro"),
    )


@pytest.fixture(scope="session")
def finished(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The micro study with both networks and inputs A and B, run to its end; do not change it, copy it."""
    return Study(made_once(tmp_path_factory, "finished", lambda folder: begin(micro_cohort, folder).run()))
