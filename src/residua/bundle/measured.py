"""Require that a study measured the very models that it hands on, and not those before a training was repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import chdir
from pathlib import Path

from residua.errors import ResiduaError
from residua.publishing.origins import outdated, read_origins, require_current
from residua.publishing.publish import digest, manifest_of
from residua.publishing.seals import require_sealed

UNRECORDED = (
    "an earlier version of Residua made some results, which do not say from which models they come. The predictions "
    "were compared with the models. If a training was repeated, let the study run to its end, then give this again"
)


def require_measured(study: Path, arch: str, inputs: str, folds: Iterable[int], results: Sequence[str]) -> bool:
    """Raise ``ResiduaError`` when results come from other models or another threshold than those that are there now.

    ``results`` are files relative to the folder ``study``. Return whether all of them say from which models they come.
    What an earlier version of Residua made does not; then predictions that are still there must be those of the models.
    """
    threshold = f"results/segmentations/{arch}/{inputs}/threshold.json"
    models = [f"results/models/{arch}/{inputs}/fold{fold}/manifest.json" for fold in folds]
    require_current(study, results, {threshold, *models}.__contains__)
    with chdir(study):
        silent = [(model, file) for file in results for model in models if model not in read_origins(file)]
        for model, file in silent:
            both = [f"results/ensemble/{arch}/{inputs}/manifest.json"] if file != threshold else []
            own = model.replace("/models/", "/predictions/")
            if not all(_predicted_by(model, manifest) for manifest in (own, *both)) or read_origins(own):
                # Predictions that say so themselves are younger than a result that does not.
                raise ResiduaError(outdated(study, model, file))
    return not silent


def _predicted_by(model: str, manifest: str) -> bool:
    """Return whether predictions are those of a model, by the manifests of both; true where they were deleted."""
    if not Path(manifest).is_file():
        return True
    require_sealed([manifest])
    made_from = manifest_of(manifest).get("made_from")
    return made_from is None or digest(model) in made_from
