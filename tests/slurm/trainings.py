"""One training of a finished study, done again on the test cluster while something happens to it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from cluster import Cluster
from residua.publishing.publish import read_json
from runs import HOUSE, SNAKEMAKE, TEST_FLAGS
from studies import Study

MODEL = "results/models/nnunet/B/fold0/manifest.json"
LOG = "results/logs/train/nnunet_B_fold0.log"
WAIT_S = 600


class OnCluster:
    """A finished study of which one training is to be done again on the cluster, for so many epochs.

    The training saves its state only when it is asked to leave.
    """

    def __init__(self, study: Study, cluster: Cluster, outputs: Path, epochs: int) -> None:
        lengthen(study, epochs)
        self.folder, self._study, self._cluster, self._outputs = study.folder, study, cluster, outputs
        self.cluster_file = outputs / "cluster.yaml"
        self.cluster_file.write_text("{}")
        self.programs = outputs / "programs"
        self.programs.mkdir()
        self._calls: list[subprocess.Popen[str]] = []

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Give the command."""
        command = [SNAKEMAKE, "--profile", "slurm", "--configfile", str(self._study.config_file), "--directory"]
        command += [str(self.folder), *more, "--set-threads", "train=1", *TEST_FLAGS, "--", MODEL]
        environment = self._cluster.environment | {"RESIDUA_CLUSTER": str(self.cluster_file)}
        environment["PATH"] = f"{self.programs}:{environment['PATH']}"
        with self._output(len(self._calls)).open("w") as output:
            call = subprocess.Popen(
                command, cwd=HOUSE, env=environment, stdout=output, stderr=output, text=True,
                start_new_session=True,
            )  # fmt: skip
        self._calls.append(call)
        return call

    @property
    def said(self) -> str:
        """What the latest call printed."""
        return self._output(len(self._calls) - 1).read_text()

    def jobs(self) -> list[dict[str, str]]:
        """The controller's records of all SLURM jobs of this study's trainings, in the order of submission."""
        names = set(re.findall(r"SLURM run ID: (\S+)", "".join(self._output(i).read_text() for i in self._numbers)))
        return [job for job in self._cluster.jobs() if job["JobName"] in names]

    def states(self) -> list[str]:
        """The states of these jobs."""
        return [job["JobState"] for job in self.jobs()]

    def trains(self, jobs: int) -> tuple[int, int]:
        """Wait until the last of so many SLURM jobs has done two epochs; return its first epoch, and that it is in."""
        until(lambda: len(self.states()) == jobs and self.states()[-1] == "RUNNING", self)
        begun = time.time()
        until(lambda: self._log.is_file() and self._log.stat().st_mtime > begun and len(self._epochs) > 2, self)
        return self._epochs[0], self._epochs[-1]

    def has_trained(self) -> bool:
        """Whether the latest training had anything to do."""
        return bool(self._epochs)

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


def lengthen(study: Study, epochs: int) -> None:
    """Let the networks train for so many epochs, and save their state only when they are asked to leave."""
    study.configure(lambda config: config["networks"]["nnunet"].update(epochs=epochs, save_every_epochs=5000))


def digests_of(folder: Path) -> dict[str, str]:
    """The digests of the files of the trained model."""
    files: dict[str, str] = read_json(folder / MODEL)["files"]
    return files


def until(happened: Callable[[], bool], study: OnCluster) -> None:
    """Look again and again until it has happened."""
    last = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < last, study.said
        time.sleep(0.2)
