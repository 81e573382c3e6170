"""What a training is given: its settings, and the bundle from whose model it starts."""

from __future__ import annotations

from typing import Any

from residua.settings.initial_bundle import StartingFromBundles, initial_bundles_of
from residua.wiring.loaded import LoadedStudy


def settings_of_training(loaded: LoadedStudy, arch: str, inputs: str) -> dict[str, Any]:
    """Return the settings of the trainings of a network on an input configuration, as builtins.

    The bundles of other input configurations are left out: a change of theirs trains nothing again.
    """
    settings = loaded.study.settings_of(arch)
    own = settings.of_inputs(inputs) if isinstance(settings, StartingFromBundles) else settings
    return own.model_dump(mode="json")


def initial_bundle(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the bundle from whose models these trainings start; none: they start from random weights."""
    start = initial_bundles_of(loaded.study.settings_of(arch)).get(inputs)
    return [start.file] if start else []
