"""Pack the models of a finished study into a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from residua.bundle.card import card_of
from residua.bundle.measured import UNRECORDED, require_measured
from residua.bundle.names import BRAIN_WEIGHTS, model_file
from residua.bundle.record import FORMAT, BundleRecord
from residua.bundle.write import write_bundle
from residua.errors import ResiduaError
from residua.networks.registry import model_files_of
from residua.publishing.as_made import read_as_made, require_as_made
from residua.publishing.publish import digest, read_json, remaking, verified
from residua.settings.messages import problem_lines
from residua.version import __version__

DESCRIPTIONS = "results/bundles"
_OWN_BRAIN_WEIGHTS = "brain_weights"
"""Key of a description: the path in the study's configuration; no bundle holds it."""


def bundle_study(
    study: Path, arch: str, inputs: str, out: Path, note: Callable[[str], None] = lambda text: None
) -> BundleRecord:
    """Write the bundle of one network and input configuration of the study in ``study``; return its record.

    ``note`` takes what the user should know. Raises ``ResiduaError`` when the study has not come so far, a file is
    damaged, scores or threshold are those of other models, or ``out`` exists.
    """
    description = _described(study, arch, inputs)
    weights = description.pop(_OWN_BRAIN_WEIGHTS, None)
    threshold = f"results/segmentations/{arch}/{inputs}/threshold.json"
    require_as_made(study, [threshold])
    record = _record(study / DESCRIPTIONS / arch / f"{inputs}.json", study / threshold, description)
    wanted = model_files_of(arch)
    files: dict[str, Path] = {}
    for fold in record.folds:
        manifest = study / "results" / "models" / arch / inputs / f"fold{fold}" / "manifest.json"
        require_as_made(study, [manifest])
        found = verified(manifest, only=lambda name: name in wanted)
        files |= {model_file(fold, name): path for name, path in found.items()}
    if not require_measured(study, arch, inputs, record.folds, [f"{DESCRIPTIONS}/{arch}/{inputs}.json", threshold]):
        note(UNRECORDED)
    if weights is not None:
        files[BRAIN_WEIGHTS] = _own_weights(study, weights, record)
    return write_bundle(record, card_of(record), files, out)


def _described(study: Path, arch: str, inputs: str) -> dict[str, Any]:
    folder = study / DESCRIPTIONS
    file = folder / arch / f"{inputs}.json"
    there = sorted(f"--arch {found.parent.name} --inputs {found.stem}" for found in folder.glob("*/*.json"))
    if file.is_file():
        record: dict[str, Any] = read_as_made(study, f"{DESCRIPTIONS}/{arch}/{inputs}.json")
        return record
    if there:
        raise ResiduaError(f"{study}: has no {arch} on inputs {inputs}; it has {', '.join(there)}")
    if not (study / "results").is_dir():
        raise ResiduaError(f"{study}: no study ran here (there is no {study / 'results'}); give its --directory")
    raise ResiduaError(f"{study}: the study has not come to {file}; give its snakemake command again, then this one")


def _record(file: Path, threshold: Path, description: Mapping[str, Any]) -> BundleRecord:
    if not threshold.is_file():
        raise ResiduaError(f"{threshold}: missing; give the snakemake command of the study again, then this one")
    stated = {"format": FORMAT, "residua": __version__, "files": {}, "threshold": read_json(threshold)}
    try:
        return BundleRecord.model_validate({**stated, **description})
    except ValidationError as error:
        lines = problem_lines(error, "docs/reference/bundle.md", "bundle")
        what = f"{file}: cannot be used, perhaps because another version of Residua wrote it"
        raise ResiduaError(f"{what}:\n{lines}\nMake it again: {remaking(file)}") from None


def _own_weights(study: Path, weights: str, record: BundleRecord) -> Path:
    file = study / weights
    if not file.is_file() or digest(file) != record.as_study().brain_mask.weights_sha256:
        raise ResiduaError(
            f"{file}: the weights of the brain mask's network are missing or not those of the study; restore the file"
        )
    return file
