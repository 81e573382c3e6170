"""Judge the files of weights that the configuration names, before any job: their digests, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from residua.bundle.safetensors_header import shapes_in
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.agunet.weight_shapes import sees_the_input, unfit_weights, weight_shapes
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.publishing.publish import digest
from residua.settings.study import Study

Shapes = Mapping[str, tuple[int, ...]]


def weights_problems(study: Study) -> list[Problem]:
    """Return a problem for each file that is missing, not the one of the configuration, or of another network."""
    return [*_of_brain_mask(study), *_of_networks(study)]


def _of_brain_mask(study: Study) -> Iterator[Problem]:
    mask = study.brain_mask
    if mask.weights is not None:
        # The first brain mask, before all trainings, shows whether they fit.
        found = _wrong_file(mask.weights, mask.weights_sha256 or "")
        yield from _problems("brain_mask.weights", mask.weights, found)


def _of_networks(study: Study) -> Iterator[Problem]:
    for arch in study.archs:
        settings = study.settings_of(arch)
        initial = getattr(settings, "initial_weights", None)
        if initial is not None:
            found = _wrong_file(initial.file, initial.sha256)
            # What an ONNX file holds is judged by the first job of the trainings, which compares its answers.
            if not found and isinstance(settings, AGUNetSettings) and not initial.is_onnx:
                # The layers that read the channels start at random, whatever their number.
                widths = dict.fromkeys(settings.features_for(len(channels)) for channels in study.inputs.values())
                found = _of_widths(initial.file, [*widths], arch)
            # Only PyTorch reads a checkpoint: the training refuses one that does not fit, before its first step.
            yield from _problems(f"networks.{arch}.initial_weights", initial.file, found)


def _of_widths(path: str, widths: Sequence[tuple[int, ...]], arch: str) -> tuple[str, str] | None:
    for features in widths:
        every = weight_shapes(1, features)
        wanted = {name: shape for name, shape in every.items() if not sees_the_input(name.partition("/")[0])}
        if found := _wrong_weights(path, wanted, arch):
            what, remedy = found
            if len(widths) > 1:
                remedy += f", and leave out networks.{arch}.filters_per_channel: one file cannot start several widths"
            return what, remedy
    return None


def _problems(key: str, path: str, found: tuple[str, str] | None) -> Iterator[Problem]:
    if found:
        what, remedy = found
        yield problem_of("weights-unusable", what, remedy, subject=key, file=path)


def _wrong_file(path: str, sha256: str) -> tuple[str, str] | None:
    try:
        if digest(path) == sha256:
            return None
    except OSError as error:
        return f"the weights cannot be read ({error.strerror})", "correct the path in the config"
    return "its sha256 differs from the one in the config", "correct the path or the digest"


def _wrong_weights(path: str, wanted: Shapes, arch: str) -> tuple[str, str] | None:
    try:
        unfit = unfit_weights(shapes_in(Path(path)), wanted)
    except ValueError as error:
        return f"cannot be read as safetensors: {error}", "convert the weights to that format"
    if not unfit:
        return None
    what = f"{len(unfit)} of {len(wanted)} weights are missing or of another shape, among them {unfit[0]}"
    return what, f"give weights of an AGU-Net with the same networks.{arch}.features"
