"""Find the trained models of a study or of a bundle that are to be exported, whole and unchanged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from residua.bundle.measured import UNRECORDED, require_measured
from residua.bundle.names import model_file
from residua.bundle.pack import DESCRIPTIONS
from residua.bundle.read import unpack
from residua.cohort.places import STUDY
from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.networks.exporting import Ensemble
from residua.publishing.as_made import read_as_made, require_as_made
from residua.publishing.publish import MANIFEST, read_json, verified
from residua.settings.region import region_of


def models_of_study(study: Path, arch: str, inputs: str, note: Callable[[str], None] = lambda text: None) -> Ensemble:
    """Return the models of every fold of one training configuration of the study in ``study``.

    ``note`` takes what the user should know. Raises ``ResiduaError`` when there is no such configuration, a fold is not
    trained, a model, a selection or the threshold has changed, or the threshold was chosen for other models.
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
    chosen, described = f"results/segmentations/{arch}/{inputs}/threshold.json", f"{DESCRIPTIONS}/{arch}/{inputs}.json"
    require_as_made(study, [*(folder / MANIFEST for folder in models.values()), selections[0], chosen])
    measured = [file for file in (chosen, described) if (study / file).is_file()]
    if not require_measured(study, arch, inputs, models, measured):
        note(UNRECORDED)
    threshold = float(read_json(study / chosen)["threshold"]) if chosen in measured else None
    told = read_as_made(study, described) if described in measured else _told_by_start(study, selections[0])
    channels = tuple(Channel(**channel) for channel in told["channels"])
    region = (told["study"].get("networks", {}).get(arch) or {}).get("region")
    found = {fold: folder.resolve() for fold, folder in models.items()}
    return Ensemble(arch, inputs, channels, found, threshold, region)


def models_of_bundle(bundle: Path, folder: Path) -> Ensemble:
    """Unpack a bundle into ``folder``, after every check, and return its models."""
    record = unpack(bundle, folder)
    region = region_of(record.settings)
    told = region.model_dump(mode="json") if region else None
    models = {fold: (folder / model_file(fold, "")).resolve() for fold in record.folds}
    return Ensemble(record.arch, record.inputs, record.channels, models, record.chosen_threshold, told)


def _told_by_start(study: Path, selection: Path) -> dict[str, Any]:
    """Return channels and settings of a model that is not described yet: those with which the study started last."""
    settings = read_as_made(study, STUDY) if (study / STUDY).is_file() else {}
    return {"channels": read_json(selection)["channels"], "study": settings}


def _fold(selection: Path) -> int:
    return int(selection.stem.removeprefix("fold"))


def _trained(results: Path) -> str:
    """Say which training configurations there are."""
    found = sorted({(path.parts[-4], path.parts[-3]) for path in (results / "models").glob("*/*/fold*/manifest.json")})
    if not found:
        return "name the folder in which a study was trained, the one that holds results/"
    return f"it has {', '.join(f'{arch} on {inputs}' for arch, inputs in found)}"
