"""Identify what made a run: versions, settings and models, by digests; no path, no patient, no date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from residua.publishing.publish import digest, manifest_of, record_digest, verified
from residua.settings.study import Study

_SHOWN = 16
_CURVE = "curve.jsonl"
_ELSEWHERE = ("cohort", "raters")
"""Settings that name the places of tables."""


@dataclass(frozen=True)
class TrainedModel:
    """One network and input configuration: epochs trained and digest of the manifest for each fold."""

    name: str
    epochs: str
    digests: tuple[str, ...]


def study_digest(study: Study) -> str:
    """Digest the configuration without the places of its tables: the same study elsewhere has the same digest."""
    record = study.model_dump(mode="json", exclude=set(_ELSEWHERE))
    return record_digest(_without_files(record))[:_SHOWN]


def _without_files(record: Any) -> Any:
    """Leave out the place of each file of a bundle: its digest stands beside it."""
    if not isinstance(record, dict):
        return record
    bundles = record.get("initial_bundles", {})
    placeless = {name: {key: value for key, value in each.items() if key != "file"} for name, each in bundles.items()}
    plain = {name: _without_files(value) for name, value in record.items() if name != "initial_bundles"}
    return {**plain, "initial_bundles": placeless} if placeless else plain


def trained_models(
    manifests: Mapping[tuple[str, str, int], str], labels: Mapping[str, str]
) -> tuple[TrainedModel, ...]:
    """Describe all models, in the order given. Raises ``DamagedStageError`` for a damaged curve.

    ``manifests`` holds the manifest by network, input configuration and fold.
    """
    folds: dict[tuple[str, str], list[str]] = {}
    for (arch, inputs, _), manifest in manifests.items():
        folds.setdefault((arch, inputs), []).append(manifest)
    return tuple(
        TrainedModel(
            f"{labels.get(arch, arch)} {inputs}",
            ", ".join(_epochs(manifest) for manifest in of_model),
            tuple(digest(manifest)[:_SHOWN] for manifest in of_model),
        )
        for (arch, inputs), of_model in folds.items()
    )


def _epochs(manifest: str) -> str:
    """Count the lines of the learning curve, one per epoch; "n/a" for a network without a curve."""
    if _CURVE not in manifest_of(manifest)["files"]:
        return "n/a"
    curve = verified(manifest, lambda name: name == _CURVE)[_CURVE]
    return str(len(curve.read_text(encoding="utf-8").splitlines()))
