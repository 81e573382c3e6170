"""Run ``snakemake --profile slurm`` on the test cluster, and read its controller's records of the jobs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cluster import Cluster

HOUSE = Path(__file__).resolve().parents[2]
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")
TEST_FLAGS = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "7", "--jobs", "4"]
"""The test cluster keeps no accounts, so sacct has no records; and it has two cores."""
ONE_THREAD = ["--set-threads", "train=1", "predict=1", "ensemble=1"]
"""Networks of toy size are slowest on many threads."""


ONE_CHANNEL = ["--config", "inputs={B: [post_t1ce]}"]
"""A job of SLURM starts Snakemake twice, which takes longer than its work here: a second channel has no others."""


@dataclass(frozen=True)
class Study:
    """A study's folder, run on the cluster with a cluster file; none: the repository's own."""

    folder: Path
    cluster: Cluster
    cluster_file: Path | None = None

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command of the manual from the root of the checkout; options after ``--directory`` are added."""
        command = [SNAKEMAKE, "--profile", "slurm", "--configfile", "tests/micro/config.yaml", *ONE_CHANNEL]
        command += ["--directory", str(self.folder), *ONE_THREAD, *TEST_FLAGS, *arguments]
        chosen = {} if self.cluster_file is None else {"RESIDUA_CLUSTER": str(self.cluster_file)}
        return subprocess.Popen(
            command,
            cwd=HOUSE,
            env=self.cluster.environment | chosen,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str) -> Run:
        """Start the command and wait for its end."""
        return Run.of(self.start(*arguments), self.cluster)


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    code: int
    said: str
    cluster: Cluster

    @classmethod
    def of(cls, process: subprocess.Popen[str], cluster: Cluster) -> Run:
        """Wait for the end of a started run."""
        said, _ = process.communicate()
        return cls(process.returncode, said, cluster)

    @property
    def jobs(self) -> list[SlurmJob]:
        """SLURM jobs of the run, in the order of submission."""
        name = re.search(r"SLURM run ID: (\S+)", self.said)
        return jobs_named(self.cluster, name.group(1)) if name else []

    @property
    def planned(self) -> Counter[str]:
        """Planned number of jobs by rule, without ``all``."""
        table = self.said.partition("Job stats:")[2].partition("\ntotal ")[0]
        return Counter(
            {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE) if rule != "all"}
        )


@dataclass(frozen=True)
class SlurmJob:
    """The controller's record of a job."""

    number: str
    rule: str
    state: str
    node: str
    partition: str
    account: str
    memory_mb: float
    cpus: int
    limit_min: int
    asked: str
    devices: str | None

    @property
    def is_group(self) -> bool:
        """Whether the SLURM job holds several jobs of Snakemake."""
        return self.rule.startswith(("per_patient", "per_channel", "evaluate"))


def jobs_named(cluster: Cluster, name: str) -> list[SlurmJob]:
    """Return the jobs of one run of Snakemake."""
    devices = cluster.devices_by_step()
    return [_job(record, devices) for record in cluster.jobs() if record["JobName"] == name]


def _job(record: dict[str, str], devices: dict[str, str]) -> SlurmJob:
    rule = re.fullmatch(r"rule_(\w+?)(_wildcards_.*)?", record["Comment"])
    assert rule is not None, record
    asked = [record[field] for field in ("TresPerJob", "TresPerNode") if field in record]
    return SlurmJob(
        number=record["JobId"],
        rule=rule.group(1),
        state=record["JobState"],
        node=record["NodeList"],
        partition=record["Partition"],
        account=record["Account"],
        memory_mb=_megabytes(record["MinMemoryNode"]),
        cpus=int(record["NumCPUs"]),
        limit_min=_minutes(record["TimeLimit"]),
        asked=",".join(asked),
        devices=devices.get(f"{record['JobId']}.0"),
    )


def _megabytes(text: str) -> float:
    return float(text[:-1]) * {"M": 1, "G": 1024}[text[-1]]


def _minutes(text: str) -> int:
    days, _, clock = text.rpartition("-")
    hours, minutes, _ = clock.split(":")
    return (int(days or 0) * 24 + int(hours)) * 60 + int(minutes)
