"""Tell why each job would start, in words: a dry run of the study's last command, grouped by stage, with its cost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from residua.errors import ResiduaError
from residua.operations.benchmarks import FOLDER, rule_of
from residua.operations.last_command import last_command
from residua.operations.run_log import Job, read_run
from residua.operations.stages import STAGES, stage_of
from residua.operations.status import require_run
from residua.operations.summary import rule_costs

_FOLLOWS = "what it reads is made anew"
_CODE = "the code that it uses changed"
_SETTINGS = "its settings changed"
_REASONS = {
    "Forced execution": "it was asked for",
    "Incomplete output files": "it was interrupted",
    "Updated input files": "a file that it reads changed",
    "Set of input files has changed": "it reads other files than before: patients, channels or steps came or went, "
    "or files changed places or were replaced",
    "Params have changed": _SETTINGS,
    "Code has changed": _CODE,
    "Software environment definition has changed": "its software environment has another definition",
    "Missing output files": "it is not made yet, or was deleted",
    "Input files updated by another job": _FOLLOWS,
}
"""Snakemake's reasons in the words of a data manager; of several, the first is what a job starts for."""
_CHANGED_FILES = re.compile(r"Updated input files: ([^;]*)")
_PARAMS = re.compile(r"Params have changed since last execution: (.*?)(?:;|$)")
_DIGEST = re.compile(r"'(?:[0-9a-f]{16}|[0-9a-f]{64})'")
_BETWEEN = re.compile(
    r"Union of exclusive params before and now across all output:|before:|now:|<nothing exclusive>|\b\w+=|[,\[\]\s]"
)


@dataclass(frozen=True)
class Cause:
    """Jobs of one stage that start for one reason.

    ``seconds`` is what as many jobs of these rules took on average in earlier runs, None where no run measured one.
    ``changed``: the files that changed, where that is the reason.
    """

    stage: str
    reason: str
    rules: tuple[str, ...]
    jobs: int
    seconds: float | None
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """The dry run that was asked, as a shell takes it, and why its jobs would start; none: nothing is to be done."""

    command: str
    causes: tuple[Cause, ...]


def explained(study: Path) -> Explanation:
    """Return why each job would start if the last command of the folder ``study`` were given again.

    Raises ``ResiduaError`` with Snakemake's own words where the dry run fails.
    """
    file, run = require_run(study)
    # Through this interpreter: the command may have been started as a module. In this folder: it may have been moved.
    last = last_command(study, file, run)
    arguments = last.with_options("--directory", str(study.resolve()), "--dry-run")
    asked = [sys.executable, "-m", "snakemake", *arguments]
    began_in = run.run_directory if os.path.isdir(run.run_directory) else study
    done = subprocess.run(asked, cwd=began_in, capture_output=True, text=True)
    if done.returncode != 0:
        raise ResiduaError(f"the dry run of the last command fails:\n{done.stderr.strip() or done.stdout.strip()}")
    planned = read_run((done.stdout + done.stderr).splitlines())
    jobs = [job for job in planned.jobs.values() if job.rule != "all"]
    return Explanation(last.shown("--dry-run"), tuple(_causes(jobs, _mean_seconds(study))))


def _causes(jobs: list[Job], mean_s: dict[str, float]) -> list[Cause]:
    order = list(STAGES)
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((stage_of(job.rule), reason_of(job.reason)), []).append(job)
    causes = []
    for (stage, reason), members in sorted(groups.items(), key=lambda item: (order.index(item[0][0]), -len(item[1]))):
        known = [mean_s[name] for name in map(timed_as, members) if name in mean_s]
        changed = {
            file for job in members for found in _CHANGED_FILES.findall(job.reason) for file in found.split(", ")
        }
        rules = tuple(Counter(job.rule for job in members))
        causes.append(Cause(stage, reason, rules, len(members), sum(known) if known else None, tuple(sorted(changed))))
    return causes


def reason_of(said: str) -> str:
    """Return in plain words what a job starts for, from all that Snakemake says of it."""
    for begins, words in _REASONS.items():
        if begins in said:
            return _CODE if words == _SETTINGS and _only_digests(said) else words
    return said


def _only_digests(said: str) -> bool:
    """Return whether no parameter but the digest of a rule's code changed."""
    found = _PARAMS.search(said)
    rest = _BETWEEN.sub("", _DIGEST.sub("", found[1])) if found else "?"
    return rest == "" and _DIGEST.search(said) is not None


def timed_as(job: Job) -> str:
    """Return under which name the time of a job is kept: variants of a rule share one."""
    parts = Path(job.benchmark).parts
    return rule_of(Path(*parts[2:])) if parts[:2] == ("results", FOLDER) else job.rule


def _mean_seconds(study: Path) -> dict[str, float]:
    try:
        return {cost.rule: cost.total_s / cost.jobs for cost in rule_costs(study / "results")}
    except ResiduaError:
        return {}
