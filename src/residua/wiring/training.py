"""What a training is given: its settings, and the bundle from whose model it starts."""

from __future__ import annotations

import os
from typing import Any

from residua.errors import ResiduaError
from residua.settings.case_sampling import SamplingCases
from residua.settings.initial_bundle import StartingFromBundles, initial_bundles_of
from residua.settings.network import NetworkSettings
from residua.settings.study import Study
from residua.wiring.loaded import LoadedStudy
from residua.wiring.preoperative import model_before


def settings_of_training(loaded: LoadedStudy, arch: str, inputs: str) -> dict[str, Any]:
    """Return the settings of the trainings of a network on an input configuration, as builtins.

    The bundles of other input configurations are left out: a change of theirs trains nothing again.
    """
    settings = loaded.study.settings_of(arch)
    own: NetworkSettings = settings.of_inputs(inputs) if isinstance(settings, StartingFromBundles) else settings
    if isinstance(own, SamplingCases):
        own = own.with_residual_from(loaded.study.classification.residual_tumor_ml)
    return own.model_dump(mode="json")


def start_of(loaded: LoadedStudy, arch: str, inputs: str, fold: str) -> list[str]:
    """Return the bundle or the model of a training from whose weights it starts; none: from random ones, or a file."""
    settings = loaded.study.settings_of(arch)
    if settings.before_surgery:
        return [model_before(arch, fold)]
    if onnx_of(loaded, arch):
        return [f"results/initial/{arch}/manifest.json"]
    start = initial_bundles_of(settings).get(inputs)
    return [start.file] if start else []


def onnx_of(loaded: LoadedStudy, arch: str) -> list[str]:
    """Return the ONNX file from whose weights the trainings of a network start; none: from no such file."""
    start: Any = getattr(loaded.study.settings_of(arch), "initial_weights", None)
    return [start.file] if getattr(start, "is_onnx", False) else []


def require_initial_bundles(study: Study) -> None:
    """Raise ``ResiduaError`` for a bundle that is not there: Snakemake would miss a file without saying for what.

    What a bundle holds is judged before the first job (``residua.cohort.commands.initial_bundles``).
    """
    for arch in study.archs:
        for inputs, start in initial_bundles_of(study.settings_of(arch)).items():
            if not os.path.isfile(start.file):
                raise ResiduaError(
                    f"{start.file}: there is no such file, and trainings are to start from it; give a bundle (zip), or "
                    f"correct networks.{arch}.initial_bundles.{inputs}.file in the config"
                )
