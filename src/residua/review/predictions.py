"""Choose the prediction that a review shows: of whom the patient is hidden in training, by the best inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from residua.errors import ResiduaError
from residua.publishing.publish import verified
from residua.publishing.seals import require_sealed
from residua.settings.statistics import OUT_OF_FOLD
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import read_cases
from residua.wiring.application import LoadedApplication
from residua.wiring.loaded import LoadedStudy
from residua.wiring.preparation import predictions_of

Model = tuple[str, str]


@dataclass(frozen=True)
class Prediction:
    """A mask and, where there is one, its map of probabilities; ``told`` says which models made them."""

    arch: str
    inputs: str
    told: str
    mask: Path
    probability: Path | None


def prediction_of(
    loaded: LoadedStudy, patient: str, arch: str | None, inputs: str | None
) -> tuple[Prediction | None, str]:
    """Return the first prediction that there is of the wanted models, else None and why there is none.

    Raises ``ResiduaError`` when the study has no such network or input configuration, or a file was changed.
    """
    models = [model for model in _in_order(loaded, patient) if arch in (None, model[0]) and inputs in (None, model[1])]
    if not models and (arch or inputs):
        known = ", ".join(f"--arch {a} --inputs {i}" for a, i in _all_models(loaded))
        wanted = " ".join(filter(None, (arch and f"--arch {arch}", inputs and f"--inputs {inputs}")))
        raise ResiduaError(f"{wanted}: the study has no such models; it has {known}")
    if patient not in loaded.split.patients:
        reason = loaded.cohort.patients[patient].exclusion_reason or "by the table"
        return None, f"prediction: none, because the patient is excluded: {reason}"
    for model in models:
        found = _made(loaded, patient, *model)
        if found:
            return found, ""
    tried = ", ".join(f"{a} on {i}" for a, i in models)
    return None, f"prediction: none yet of {tried}; let the study run, then give this command again"


def _all_models(loaded: LoadedStudy) -> list[Model]:
    elsewhere = [(name, inputs) for name, other in loaded.study.elsewhere.items() for inputs in other.inputs]
    return [*loaded.models, *elsewhere, *loaded.combined]


def _in_order(loaded: LoadedStudy, patient: str) -> list[Model]:
    """Return all models: of each network the best inputs first, in the order of the networks.

    In an application, the bundle that was chosen for the patient is the first.
    """
    if isinstance(loaded, LoadedApplication):
        chosen = [loaded.choice_of(patient)] if patient in loaded.choices else []
        return list(dict.fromkeys([*chosen, *loaded.models]))
    best = [(arch, _best_of(loaded, arch, choice)) for arch, choice in loaded.study.choices("segmentation").items()]
    return list(dict.fromkeys([*best, *_all_models(loaded)]))


def _best_of(loaded: LoadedStudy, arch: str, choice: str) -> str:
    """Return the inputs that the study compares, the first ones while it has not come to choose them."""
    study = loaded.study
    files = [f"results/metrics/{arch}/{inputs}.parquet" for inputs in study.inputs]
    if choice != OUT_OF_FOLD:
        return choice
    if not all(Path(file).is_file() for file in files):
        return next(iter(study.inputs))
    require_sealed(files)
    return best_inputs(read_cases(files), {arch: choice}, "segmentation", study.classification)[arch]


def _made(loaded: LoadedStudy, patient: str, arch: str, inputs: str) -> Prediction | None:
    fold = loaded.split.fold_of(patient)
    split = "test" if fold is None else "validation"
    mask = _verified(f"results/segmentations/{arch}/{inputs}/{split}/manifest.json", patient)
    if mask is None:
        return None
    maps = (_verified(manifest, patient) for manifest in predictions_of(loaded, arch, inputs, split))
    told = f"{arch} on inputs {inputs}, {_told(loaded, arch, fold)}"
    return Prediction(arch, inputs, told, mask, next(filter(None, maps), None))


def _told(loaded: LoadedStudy, arch: str, fold: int | None) -> str:
    """Say which models made a prediction of a patient of a fold, or of the hold-out (None)."""
    if arch in loaded.study.elsewhere:
        return "made elsewhere"
    if isinstance(loaded, LoadedApplication):
        return "the models of the bundle together"
    combination = loaded.study.combinations.get(arch)
    how = f"{combination.in_words(loaded.arch_labels)}; " if combination else ""
    if fold is None:
        return f"{how}the models of all folds together, none of which saw the patient"
    return f"{how}out of fold, by the {'models' if combination else 'model'} that did not see fold {fold}"


def _verified(manifest: str, patient: str) -> Path | None:
    name = f"{patient}.nii.gz"
    if not Path(manifest).is_file():
        return None
    require_sealed([manifest])
    file = verified(manifest, only=lambda other: other == name).get(name)
    return None if file is None else place_of(file)


def place_of(file: str | Path) -> Path:
    """Return a path without symbolic links but for the file itself, whose name may say its form."""
    return Path(file).parent.resolve() / Path(file).name
