"""External validation: who chooses the threshold anew, who is measured, and what the bundles state of themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

from residua.errors import ResiduaError
from residua.problems.lists import errors_of, in_lines
from residua.publishing.notes import worded
from residua.validation.draw import draw
from residua.wiring.application import LoadedApplication
from residua.wiring.patients import measured, notes_of_persons, with_reference

TABLES = {
    "intervals": "intervals",
    "overlaps": "overlaps",
    "external": "external",
    "hospitals": "external",
    "calibration": "calibration",
    "reliability": "reliability",
}
"""The tables of statistics, and the parquet file that each shows."""


def supplement(loaded: LoadedApplication) -> dict[str, str]:
    """Return the tables of the statistics of an application, by name; none unless it is a validation."""
    if loaded.validation is None:
        return {}
    return TABLES | ({"recalibration": "recalibration"} if loaded.validation.recalibrate else {})


def tables(loaded: LoadedApplication) -> list[str]:
    """Return the names of all tables of a validation, in the order of its page."""
    return ["table1", "external", "hospitals", "table3", "table4", *(n for n in supplement(loaded) if n not in _FIRST)]


_FIRST = ("external", "hospitals")


def require_measurable(loaded: LoadedApplication) -> None:
    """Raise ``ResiduaError`` for a validation in which nothing can be measured, or nothing be drawn."""
    if not any(measured(loaded, *model) for model in loaded.models):
        message = (
            f"{loaded.study.cohort}: no patient whom the bundles can predict has a reference standard (residual): "
            "nothing can be measured. Give the masks that were drawn, an empty one where no tumour is left, or "
            "predict without a validation (docs/how-to/predict.md)"
        )
        refused = errors_of(loaded.problems)
        raise ResiduaError(in_lines(refused, f"{message}. Patients who cannot be used:") if refused else message)
    drawn(loaded)


@cache
def drawn(loaded: LoadedApplication) -> frozenset[str]:
    """Return the patients that choose the threshold anew."""
    if loaded.validation is None or loaded.validation.recalibrate is None:
        return frozenset()
    settings = loaded.validation.recalibrate
    labelled = [loaded.cohort.patients[patient] for patient in with_reference(loaded, loaded.split.holdout)]
    units = {each.patient: each.hospital if settings.unit == "hospital" else each.who for each in labelled}
    return draw(units, settings)


def drawn_of(loaded: LoadedApplication, arch: str, inputs: str) -> list[str]:
    """Return those of them whom a bundle predicts."""
    return [case["patient"] for case in measured(loaded, arch, inputs) if case["patient"] in drawn(loaded)]


def rest_of(loaded: LoadedApplication, arch: str, inputs: str) -> list[dict[str, Any]]:
    """Return the other patients that are measured: name, hospital and fold; nobody of whom another scan chooses."""
    chose = {loaded.split.who(patient) for patient in drawn(loaded)}
    return [case for case in measured(loaded, arch, inputs) if loaded.split.who(case["patient"]) not in chose]


def recalibrated(loaded: LoadedApplication) -> list[tuple[str, str]]:
    """Return the networks and input configurations with patients both to choose and to measure."""
    return [model for model in loaded.judged if drawn_of(loaded, *model) and rest_of(loaded, *model)]


def postprocessing_of_bundle(loaded: LoadedApplication, arch: str, inputs: str) -> dict[str, Any]:
    """Return the steps from probabilities to a mask of a bundle's own study, with its candidates of the threshold."""
    return dict(loaded.by_model[arch, inputs].record.as_study().postprocessing.model_dump(mode="json"))


def stated(loaded: LoadedApplication) -> list[dict[str, Any]]:
    """Return what the bundles state of their scores and their calibration, as builtins."""
    return [_stated(loaded, arch, inputs) for arch, inputs in loaded.judged]


def _stated(loaded: LoadedApplication, arch: str, inputs: str) -> dict[str, Any]:
    record = loaded.by_model[arch, inputs].record
    return {
        "arch": arch,
        "inputs": inputs,
        "alpha": record.as_study().statistics.alpha,
        "scores": [score.model_dump(mode="json") for score in record.scores],
        "calibration": record.calibration.model_dump(mode="json") if record.calibration else None,
        "calibration_note": record.calibration_note,
    }


def compared_thresholds(loaded: LoadedApplication) -> list[dict[str, Any]]:
    """Return the files by which the thresholds of each recalibrated bundle are compared."""
    return [_compared(loaded, arch, inputs) for arch, inputs in recalibrated(loaded)]


def _compared(loaded: LoadedApplication, arch: str, inputs: str) -> dict[str, Any]:
    model = f"{arch}/{inputs}"
    return {
        "arch": arch,
        "inputs": inputs,
        "candidates": f"results/recalibration/{model}/candidates.parquet",
        "thresholds": [
            f"results/segmentations/{model}/threshold.json",
            f"results/recalibration/{model}/threshold.json",
        ],
        "metrics": [f"results/metrics/{model}.parquet", f"results/recalibration/{model}.parquet"],
    }


def files_of_thresholds(loaded: LoadedApplication) -> list[str]:
    """Return all files of ``compared_thresholds``."""
    compared = compared_thresholds(loaded)
    return [file for each in compared for file in (*each["thresholds"], each["candidates"], *each["metrics"])]


def unlabelled(loaded: LoadedApplication) -> list[str]:
    """Return the patients without a reference standard, who are predicted and not measured."""
    labelled = set(with_reference(loaded, loaded.split.holdout))
    return [patient for patient in loaded.split.holdout if patient not in labelled]


def notes(loaded: LoadedApplication) -> list[str]:
    """Return footnotes of the tables that hold measurements."""
    found = [
        "Test: the external cohort. No network was trained on it, and thresholds are those of the bundles.",
        *worded(notes_of_persons(loaded)),
        *(_zeros(loaded, arch, inputs) for arch, inputs in loaded.judged if loaded.lacking_of(arch, inputs)),
    ]
    found += _on_both_sides(loaded)
    found += [
        f"{loaded.arch_labels[arch]} {inputs}: not recalibrated, because all its patients choose or none does."
        for arch, inputs in loaded.judged
        if drawn(loaded) and (arch, inputs) not in recalibrated(loaded)
    ]
    common = sorted(_own_hospitals(loaded) & set(loaded.split.hospitals.values()))
    if common:
        found.append(
            f"Hospitals {', '.join(common)} bear names of hospitals of a bundle's own study: if they are the same, and "
            "the more if patients are, this is no external cohort."
        )
    return found


def _on_both_sides(loaded: LoadedApplication) -> list[str]:
    """Say how many have another scan in a drawn hospital: the person chose, and cannot judge the choice."""
    chose = {loaded.split.who(patient) for patient in drawn(loaded)}
    others = set(with_reference(loaded, loaded.split.holdout)) - drawn(loaded)
    number = sum(loaded.split.who(patient) in chose for patient in others)
    what = "are not measured, because another scan of the same person chooses the threshold."
    return [f"Recalibration: {number} patient(s) {what}"] if number else []


def _own_hospitals(loaded: LoadedApplication) -> set[str]:
    return {group.hospital for bundle in loaded.bundles for group in bundle.record.population}


def _zeros(loaded: LoadedApplication, arch: str, inputs: str) -> str:
    number = len(loaded.lacking_of(arch, inputs))
    model = f"{loaded.arch_labels[arch]} {inputs}"
    return f"{model}: {number} patient(s) lack a channel, and the models saw zeros in its place."
