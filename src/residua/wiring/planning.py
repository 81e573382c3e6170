"""Plans that the workflow makes for its networks: from whom, for which channels, and which are still to be made.

A plan sees the patients of the folds alone, all of them as nnU-Net's own planning does, and never the hold-out.
"""

from __future__ import annotations

import os
from typing import Any

from residua.networks.plan_origin import largest_inputs, source_of
from residua.networks.planning import plan_file
from residua.settings.networks import known_networks
from residua.settings.study import Study
from residua.wiring.faults import brains, members
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import NOBODY
from residua.wiring.preparation import channel_records


def all_plans() -> str:
    """Return a pattern of the plans that the workflow can make."""
    made_here = (plan for settings in known_networks().values() for plan in settings.plans_made_here)
    return "|".join(dict.fromkeys(made_here)) or NOBODY


def planned_networks() -> str:
    """Return a pattern of the networks for which it can make one."""
    return "|".join(arch for arch, settings in known_networks().items() if settings.plans_made_here) or NOBODY


def plans_to_make(study: Study) -> list[str]:
    """Return the files of the plans that the study takes and that are not made yet."""
    taken = {arch: study.settings_of(arch).plan_made_here for arch in study.archs}
    files = [plan_file(arch, plan) for arch, plan in taken.items() if plan]
    return [file for file in files if not os.path.isfile(file)]


def planned_patients(loaded: LoadedStudy) -> list[str]:
    """Return the patients from whose brains a plan is made: those of all folds."""
    return list(members(loaded, "folds"))


def plan_source(loaded: LoadedStudy) -> dict[str, Any]:
    """Return what a plan keeps of its origin beside these patients."""
    return source_of(loaded.study)


def planned_brains(loaded: LoadedStudy) -> list[str]:
    """Return the manifests of their brain masks."""
    return brains(loaded, "folds")


def planned_channels(loaded: LoadedStudy) -> list[dict[str, Any]]:
    """Return the channels for which a plan is made: those of the largest input configuration.

    Prepared channels are shared between the configurations, which hence have one plan; the largest takes most memory.
    """
    return channel_records(loaded, largest_inputs(loaded.study))
