"""Faults of a cluster while a training runs on it: what dies, who notices, and where the training goes on."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import Cluster
from residua.cluster.claim import FOLDER
from residua.cluster.leaving import STOPPED
from runs import HOUSE, SNAKEMAKE, TEST_FLAGS
from studies import Study as LocalStudy

MODEL = "results/models/nnunet/B/fold0/manifest.json"
LOG = "results/logs/train/nnunet_B_fold0.log"
WAIT_S = 600
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


class OnCluster:
    """A finished study of which one training is to be done again, for days, on the cluster."""

    def __init__(self, study: LocalStudy, cluster: Cluster, outputs: Path) -> None:
        study.configure(lambda config: config["networks"]["nnunet"].update(epochs=5000, save_every_epochs=5000))
        self.folder, self._study, self._cluster, self._outputs = study.folder, study, cluster, outputs
        self._calls: list[subprocess.Popen[str]] = []

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Give the command."""
        command = [SNAKEMAKE, "--profile", "slurm", "--configfile", str(self._study.config_file), "--directory"]
        command += [str(self.folder), *more, "--set-threads", "train=1", *TEST_FLAGS, "--", MODEL]
        with self._output(len(self._calls)).open("w") as output:
            call = subprocess.Popen(
                command, cwd=HOUSE, env=self._cluster.environment, stdout=output, stderr=output, text=True,
                start_new_session=True,
            )  # fmt: skip
        self._calls.append(call)
        return call

    @property
    def said(self) -> str:
        """What the latest call printed."""
        return self._output(len(self._calls) - 1).read_text()

    def states(self) -> list[str]:
        """The states of all SLURM jobs of this study's trainings, in the order of submission."""
        names = set(re.findall(r"SLURM run ID: (\S+)", "".join(self._output(i).read_text() for i in self._numbers)))
        return [job["JobState"] for job in self._cluster.jobs() if job["JobName"] in names]

    def trains(self, jobs: int) -> tuple[int, int]:
        """Wait until the last of so many SLURM jobs has done two epochs; return its first epoch, and that it is in."""
        until(lambda: len(self.states()) == jobs and self.states()[-1] == "RUNNING", self)
        begun = time.time()
        until(lambda: self._log.is_file() and self._log.stat().st_mtime > begun and len(self._epochs) > 2, self)
        return self._epochs[0], self._epochs[-1]

    def end(self) -> None:
        """Leave nothing behind."""
        for call in self._calls:
            call.kill()
            call.wait()

    @property
    def _log(self) -> Path:
        return self.folder / LOG

    @property
    def _epochs(self) -> list[int]:
        return [int(epoch) for epoch in re.findall(r"^epoch (\d+)/", self._log.read_text(), re.MULTILINE)]

    @property
    def _numbers(self) -> range:
        return range(len(self._calls))

    def _output(self, number: int) -> Path:
        return self._outputs / f"call{number}"


def until(happened: Callable[[], bool], study: OnCluster) -> None:
    last = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < last, study.said
        time.sleep(0.2)


@pytest.fixture
def training(finished: LocalStudy, cluster: Cluster, tmp_path: Path) -> Iterator[OnCluster]:
    """The study, of which nothing outlives the test."""
    started = OnCluster(finished.copied(tmp_path / "study"), cluster, tmp_path)
    yield started
    started.end()


def test_a_training_outlives_kill_9_scancel_of_everything_and_sigterm(training: OnCluster, cluster: Cluster) -> None:
    main = training.start()
    _, reached = training.trains(jobs=1)
    main.kill()
    main.wait()
    assert training.states() == ["RUNNING"]

    main = training.start("--config", "machine={orphans: cancel}")
    first, _ = training.trains(jobs=2)
    assert "The last run in this folder was killed (process " in training.said
    assert re.search(r"SLURM jobs of that run are cancelled: \d+ \(rule_train_\S+, running\)", training.said)
    assert first >= reached, "scancel let the training save its last epoch"

    cluster.run("scancel", "--me")
    again, reached = training.trains(jobs=3)
    assert again > first, "tried again, from the last epoch"

    main.terminate()
    assert main.wait() == 1
    assert training.said.rstrip().endswith(STOPPED)
    until(lambda: "RUNNING" not in training.states(), training)
    assert not list(training.folder.glob(".snakemake/locks/*"))
    # The next call sees to what SLURM may still be ending.
    assert (training.folder / FOLDER / "run.json").exists()
