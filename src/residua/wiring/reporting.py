"""From which files and with which words of its bundle a new patient is reported."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from residua.inference.bundles import Bundle
from residua.wiring.application import LoadedApplication
from residua.wiring.files import brain_manifests, file_of, on_the_reference
from residua.wiring.resection import sequence_before


def _predicted(loaded: LoadedApplication, patient: str) -> bool:
    return not loaded.cohort.patients[patient].excluded


def of_model(loaded: LoadedApplication, patient: str, pattern: str) -> list[str]:
    """Return a result of the patient's models: ``pattern`` names ``{arch}`` and ``{inputs}``; none: not predicted."""
    if not _predicted(loaded, patient):
        return []
    arch, inputs = loaded.choice_of(patient)
    return [pattern.format(arch=arch, inputs=inputs)]


def brought_back(loaded: LoadedApplication, patient: str) -> list[str]:
    """Return the manifest of the masks that were brought back, if the patient has a scan before surgery."""
    sequence = sequence_before(loaded)
    if not sequence or not loaded.cohort.has(patient, (sequence,)):
        return []
    return of_model(loaded, patient, "results/before_surgery/{arch}/{inputs}/manifest.json")


def scan_before(loaded: LoadedApplication, patient: str) -> str | None:
    """Return the scan before surgery of a patient whose mask is brought back to it."""
    sequence = sequence_before(loaded)
    return file_of(loaded, patient, sequence) if sequence and brought_back(loaded, patient) else None


def brain_of(loaded: LoadedApplication, patient: str) -> list[str]:
    """Return the manifest of the brain masks of the patient's batch."""
    return brain_manifests(loaded, [patient]) if _predicted(loaded, patient) else []


def quality_of(loaded: LoadedApplication, patient: str) -> list[str]:
    """Return the manifest of the quality control of the patient's batch."""
    return [file.replace("results/brain/", "results/quality/") for file in brain_of(loaded, patient)]


def shown_images(loaded: LoadedApplication, patient: str) -> dict[str, str]:
    """Return the scans that the report shows on the grid of the reference, by column, the reference first.

    A scan before surgery is shown on its own grid.
    """
    if not _predicted(loaded, patient):
        return {}
    study = loaded.study
    columns = loaded.by_model[loaded.choice_of(patient)].columns
    own = set(study.labels) | set(study.sequences.before_surgery)
    # A patient may lack a channel (missing: zeros).
    shown = [column for column in columns if column not in own and loaded.cohort.has(patient, (column,))]
    images = dict.fromkeys((study.sequences.reference, *shown))
    return {column: on_the_reference(loaded, patient, column) for column in images}


def described(loaded: LoadedApplication, patient: str) -> Mapping[str, Any] | None:
    """Return what a report tells of the patient's bundle, and by what it judges the patient, as builtins."""
    return _described(loaded, *loaded.choice_of(patient)) if patient in loaded.choices else None


def _derived(bundle: Bundle) -> dict[str, list[str]]:
    """Return the columns from which derived channels are made; nothing where there are none."""
    sources = [column for column in bundle.columns if column not in bundle.channels]
    return {"derived_of": sources} if sources else {}


@cache
def _described(loaded: LoadedApplication, arch: str, inputs: str) -> Mapping[str, Any]:
    bundle = loaded.by_model[arch, inputs]
    record = bundle.record
    return {
        "digest": bundle.digest,
        "arch": record.arch,
        "inputs": record.inputs,
        "label": record.settings.label,
        "channels": list(bundle.channels),
        **_derived(bundle),
        "folds": list(record.folds),
        "residua": record.residua,
        "cut_off_ml": loaded.study.classification.residual_tumor_ml,
        "limits": [limit.model_dump(mode="json") for limit in record.limits],
        "calibration": record.calibration and record.calibration.model_dump(mode="json"),
        "calibration_note": record.calibration_note,
    }
