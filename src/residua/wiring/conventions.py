"""The conventions of evaluation that a study compares, and what each model's job of measuring them takes."""

from __future__ import annotations

from typing import Any

from residua.settings.conventions import ConventionName, Own
from residua.wiring.application import LoadedApplication
from residua.wiring.elsewhere import drawn_by, given_threshold, postprocessing_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import lesion_rule


def names(loaded: LoadedStudy) -> tuple[ConventionName, ...]:
    """Return the names of the conventions beside the study's own; an application compares none."""
    return () if isinstance(loaded, LoadedApplication) else loaded.study.conventions


def measured(loaded: LoadedStudy) -> list[str]:
    """Return the measurements by convention of every network and input configuration."""
    return [f"results/conventions/{arch}/{inputs}.parquet" for arch, inputs in loaded.judged] if names(loaded) else []


def own(loaded: LoadedStudy) -> dict[str, Any]:
    """Return the settings that express the study's own convention, as builtins."""
    study, numbers = loaded.study, loaded.study.statistics
    expressed = Own(
        postprocessing=study.postprocessing,
        classification=study.classification,
        fold_weights=numbers.fold_weights,
        folds_ddof=numbers.folds_ddof,
    )
    return expressed.model_dump(mode="json")


def judging(loaded: LoadedStudy, arch: str) -> dict[str, Any]:
    """Return by which settings a network is measured, as builtins."""
    given = given_threshold(loaded, arch)
    return {
        "given": given,
        # A gate and who draws have theirs.
        "keeps_threshold": given is not None or drawn_by(loaded, arch) != arch,
        "min_component_voxels": postprocessing_of(loaded, arch)["min_component_voxels"],
        "lesions": lesion_rule(loaded),
    }
