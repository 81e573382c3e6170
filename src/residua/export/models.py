"""Find the trained models of a study or of a bundle that are to be exported, whole and unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from residua.bundle.names import model_file
from residua.bundle.read import unpack
from residua.cohort.places import STUDY
from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.networks.exporting import Ensemble
from residua.publishing.as_made import read_as_made, require_as_made
from residua.publishing.publish import MANIFEST, read_json, verified
from residua.settings.region import region_of


def models_of_study(study: Path, arch: str, inputs: str) -> Ensemble:
    """Return the models of every fold of one training configuration of the study in ``study``.

    Raises ``ResiduaError`` when there is no such configuration, a fold is not trained, or a model, a
    selection or the threshold has changed.
    """
    results = study / "results"
    selections = sorted((results / "prepared" / arch / inputs).glob("fold*.json"), key=_fold)
    if not selections:
        raise ResiduaError(f"{study}: no training of {arch} on {inputs}; {_trained(results)}")
    models = {_fold(file): results / "models" / arch / inputs / file.stem for file in selections}
    missing = [str(fold) for fold, folder in models.items() if not (folder / MANIFEST).is_file()]
    if missing:
        raise ResiduaError(
            f"{study}: {arch} on {inputs} is not trained on fold {', '.join(missing)}; let the study run to its end"
        )
    for folder in models.values():
        verified(folder / MANIFEST)
    record = results / "segmentations" / arch / inputs / "threshold.json"
    require_as_made(study, [*(folder / MANIFEST for folder in models.values()), selections[0], record])
    channels = tuple(Channel(**channel) for channel in read_json(selections[0])["channels"])
    threshold = float(read_json(record)["threshold"]) if record.is_file() else None
    found = {fold: folder.resolve() for fold, folder in models.items()}
    return Ensemble(arch, inputs, channels, found, threshold, _region_of(results, arch))


def models_of_bundle(bundle: Path, folder: Path) -> Ensemble:
    """Unpack a bundle into ``folder``, after every check, and return its models."""
    record = unpack(bundle, folder)
    region = region_of(record.settings)
    told = region.model_dump(mode="json") if region else None
    models = {fold: (folder / model_file(fold, "")).resolve() for fold in record.folds}
    return Ensemble(record.arch, record.inputs, record.channels, models, record.chosen_threshold, told)


def _region_of(results: Path, arch: str) -> dict[str, Any] | None:
    study = results.parent
    networks = read_as_made(study, STUDY)["networks"] if (study / STUDY).is_file() else {}
    found: dict[str, Any] | None = (networks.get(arch) or {}).get("region")
    return found


def _fold(selection: Path) -> int:
    return int(selection.stem.removeprefix("fold"))


def _trained(results: Path) -> str:
    """Say which training configurations there are."""
    found = sorted({(path.parts[-4], path.parts[-3]) for path in (results / "models").glob("*/*/fold*/manifest.json")})
    if not found:
        return "name the folder in which a study was trained, the one that holds results/"
    return f"it has {', '.join(f'{arch} on {inputs}' for arch, inputs in found)}"
