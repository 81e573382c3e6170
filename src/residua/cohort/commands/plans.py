"""Judge the plans that the workflow made for its networks: whether their brains are still those of the folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from residua.cohort.split.split import Split
from residua.networks.plan_origin import ORIGIN, made_from, planned_among, source_of
from residua.networks.planning import plan_file
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.publishing.publish import read_json
from residua.settings.study import Study

_SHOWN = 5


def plan_problems(study: Study, split: Split) -> list[Problem]:
    """Return an error for each plan that knows the hold-out, and a warning for one that is kept and of other data."""
    problems: list[Problem] = []
    for arch in study.archs:
        plan = study.settings_of(arch).plan_made_here
        if plan and Path(plan_file(arch, plan)).is_file():
            problems += _judged(plan_file(arch, plan), f"networks.{arch}.plans", study, split)
    return problems


def _judged(file: str, key: str, study: Study, split: Split) -> Iterator[Problem]:
    origin = read_json(file).get(ORIGIN)
    again = f"remove it to plan again: rm {file}"
    if not isinstance(origin, dict) or not isinstance(origin.get("patients"), list):
        what = "the plan does not say from whose brains it was made, so that it may know the hold-out"
        yield problem_of("plan-of-held-out", what, again, subject=key, file=file)
        return
    if seen := planned_among(origin, split.holdout):
        named = ", ".join(seen[:_SHOWN]) + (", …" if len(seen) > _SHOWN else "")
        what = f"the plan was made with the brains of {len(seen)} patient(s) who are in the hold-out now ({named})"
        yield problem_of("plan-of-held-out", what, again, subject=key, file=file)
    held_out = set(split.holdout)
    folds = [patient for patient in split.patients if patient not in held_out]
    if differing := list(_differing(origin, folds, study)):
        what = f"the plan is kept, and was made from other data: {'; '.join(differing)}"
        yield problem_of("plan-of-other-data", what, again, subject=key, file=file)


def _differing(origin: Mapping[str, Any], folds: list[str], study: Study) -> Iterator[str]:
    known = len(planned_among(origin, folds))
    changes = {"joined": len(folds) - known, "left": len(origin["patients"]) - known}
    yield from (f"{number} patient(s) {what} the folds" for what, number in changes.items() if number)
    now = made_from(folds, source_of(study))
    yield from (f"{key} differs" for key in now if key != "patients" and origin.get(key) != now[key])
