"""Find the jobs of a study that was not started: the study, its cohort, and what Snakemake itself would run."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from residua.cluster.workflow import workflow_command
from residua.cohort.cohort import load_cohort
from residua.cohort.commands.standing import excluded_at_start
from residua.cohort.ratings import load_ratings
from residua.errors import ResiduaError
from residua.external.predictions import load_predictions
from residua.networks.planning import planned_study
from residua.operations.run_log import Job, read_run
from residua.settings.places import seen_from_the_root
from residua.wiring.loaded import LoadedStudy
from residua.wiring.planning import plans_to_make

_CONFIG = ".plan.json"
_MADE = {"results", ".snakemake", _CONFIG}
_EXPERIMENTS = ("segmentation", "classification", "raters")


@dataclass(frozen=True)
class PlannedRun:
    """A study as the workflow would load it, and every job of a first run; ``all`` is not counted."""

    loaded: LoadedStudy
    jobs: tuple[Job, ...]


def planned_run(config: dict[str, Any]) -> PlannedRun:
    """Return what a run in an empty folder would do; relative paths are those of the current folder.

    Raises ``ResiduaError`` for a study that cannot run, in the words of its check or of Snakemake.
    """
    study = planned_study(config)
    if waited := plans_to_make(study):
        raise ResiduaError(
            f"a network waits for {', '.join(waited)}: make that plan first (docs/how-to), then ask again"
        )
    # What a study in the current folder froze is not that of a first run.
    cohort = load_cohort(study, study.cohort, excluded_at_start(study, study.cohort, None), frozen=False)
    loaded = LoadedStudy(study, cohort, load_ratings(study, cohort), load_predictions(study, cohort))
    return PlannedRun(loaded, tuple(_dry_run(config)))


def _dry_run(config: dict[str, Any]) -> list[Job]:
    with empty_study() as folder:
        file = folder / _CONFIG
        file.write_text(json.dumps(seen_from_the_root(config, Path.cwd())), encoding="utf-8")
        command = workflow_command("Snakefile", folder, 1, "--dry-run", "--configfile", str(file))
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise ResiduaError(f"the dry run of this study fails:\n{done.stderr.strip() or done.stdout.strip()}")
    planned = read_run((done.stdout + done.stderr).splitlines())
    return [job for job in planned.jobs.values() if job.rule != "all"]


@contextmanager
def empty_study() -> Iterator[Path]:
    """Yield a folder where paths of the current one lead to its files, but no results lie yet."""
    with TemporaryDirectory(prefix="residua-plan-") as name:
        folder = Path(name)
        for entry in os.scandir():
            if entry.name not in _MADE:
                (folder / entry.name).symlink_to(Path(entry.path).absolute())
        yield folder


def for_cohort(config: dict[str, Any], cohort: Path) -> dict[str, Any]:
    """Return a configuration for the table ``cohort``; raters are looked for in the current folder, then beside it."""
    raters = config.get("raters")
    if isinstance(raters, str):
        places = (Path(raters), cohort.parent / Path(raters).name)
        raters = str(next((place for place in places if place.is_file()), places[0]).absolute())
    return {**config, "cohort": str(cohort.absolute()), "raters": raters}


def with_inputs_alone(config: dict[str, Any], chosen: list[str]) -> dict[str, Any]:
    """Return a configuration with the ``chosen`` input configurations alone. Raises ``ResiduaError`` for others."""
    known = config.get("inputs") or {}
    if not isinstance(known, dict):
        # What is wrong with the configuration is told where it is checked.
        return config
    if unknown := [name for name in chosen if name not in known]:
        raise ResiduaError(f"--inputs {', '.join(unknown)}: the configuration has {', '.join(known)}")
    changed = copy.deepcopy(config)
    changed["inputs"] = {name: channels for name, channels in known.items() if name in chosen}
    networks = changed.get("networks")
    for network in networks.values() if isinstance(networks, dict) else ():
        bundles = network.get("initial_bundles") if isinstance(network, dict) else None
        if isinstance(bundles, dict):
            network["initial_bundles"] = {name: each for name, each in bundles.items() if name in chosen}
    statistics = changed.get("statistics")
    best: Any = statistics.get("best_inputs") if isinstance(statistics, dict) else None
    for experiment in _EXPERIMENTS if isinstance(best, dict) else ():
        of_arch = best.get(experiment)
        if isinstance(of_arch, dict):
            best[experiment] = {arch: name if name in chosen else chosen[0] for arch, name in of_arch.items()}
    return changed
