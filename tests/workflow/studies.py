"""Run or plan the real workflow, and count its jobs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from dry_runs import dry_run
from environments import build_environments

HOUSE = Path(__file__).resolve().parents[2]
CODE = ("Snakefile", "config.yaml", "rules", "scripts", "src", "envs", "profiles")
_JOB = re.compile(r"^(?:local)?rule (\w+):\n((?: {4}.*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """One planned job: its rule, its wildcards, and the files that it will write."""

    rule: str
    wildcards: tuple[tuple[str, str], ...] = ()
    outputs: tuple[str, ...] = ()
    log: str = ""
    benchmark: str = ""

    def __getitem__(self, wildcard: str) -> str | None:
        return dict(self.wildcards).get(wildcard)


@dataclass(frozen=True)
class Study:
    """A study on disk: the checkout that runs it, its folder, and its configuration."""

    folder: Path
    house: Path = HOUSE

    @property
    def config_file(self) -> Path:
        """The configuration, beside the folder's data."""
        return self.folder / "config.yaml"

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the configuration in place."""
        config = yaml.safe_load(self.config_file.read_text())
        change(config)
        self.config_file.write_text(yaml.safe_dump(config, sort_keys=False))

    def command(self, *arguments: str) -> list[str]:
        """Snakemake as a user would start it, with the environments of the checkout under test."""
        command = [str(Path(sys.executable).parent / "snakemake"), "--snakefile", str(self.house / "Snakefile")]
        command += ["--configfile", str(self.config_file), "--directory", str(self.folder), "--cores", "2"]
        command += ["--workflow-profile", str(self.house / "profiles" / "default")]
        # --set-threads takes all that follows it without a dash: targets must not come next.
        # Networks of toy size are slowest on many threads.
        command += ["--set-threads", "train=1", "predict=1", "ensemble=1"]
        return [*command, "--conda-prefix", str(HOUSE / ".snakemake" / "conda"), *arguments]

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        if "--dry-run" in arguments:
            return dry_run(self.command(*arguments), self.house)
        build_environments()
        return subprocess.run(self.command(*arguments), cwd=self.house, capture_output=True, text=True)

    def run(self, *targets: str) -> None:
        """Run all that is to be done, or what some results need; fails with Snakemake's own output."""
        done = self.snakemake(*targets)
        assert done.returncode == 0, done.stdout + done.stderr

    def planned(self, *targets: str) -> list[Job]:
        """The jobs that would run now, without ``all``."""
        plan = self.snakemake("--dry-run", *targets)
        text = plan.stdout + plan.stderr
        assert plan.returncode == 0, text
        jobs = [_job(rule, block) for rule, block in _JOB.findall(text) if rule != "all"]
        assert jobs or "Nothing to be done" in text, text
        return jobs

    def copied(self, to: Path, copy: Callable[[str, str], Any] = shutil.copy2) -> Study:
        """The same study in another folder; ``copy`` decides whether the files keep their times."""
        shutil.copytree(self.folder, to, copy_function=copy)
        return replace(self, folder=to)

    def with_house_copied(self, to: Path) -> Study:
        """The same study run by a copy of the checkout's code."""
        to.mkdir()
        for name in CODE:
            source = self.house / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, to / name)
        return replace(self, house=to)


def _job(rule: str, block: str) -> Job:
    def listed(name: str) -> tuple[str, ...]:
        found = re.search(rf"^ {{4}}{name}: (.*)$", block, re.MULTILINE)
        return tuple(found.group(1).split(", ")) if found else ()

    pairs = (pair.partition("=") for pair in listed("wildcards"))
    wildcards = tuple((name, value) for name, _, value in pairs)
    return Job(rule, wildcards, listed("output"), "".join(listed("log")), "".join(listed("benchmark")))


def by_rule(jobs: list[Job]) -> Counter[str]:
    """How many jobs of each rule."""
    return Counter(job.rule for job in jobs)
