"""What networks that start from scans before surgery are given: in each fold, those of its training patients alone.

A patient without such a scan or without its tumour's mask has no part in it, and the hold-out never has.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from residua.settings.network import NetworkSettings
from residua.settings.preoperative import PREOPERATIVE
from residua.wiring.files import file_of, registration_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import patients_in


def archs(loaded: LoadedStudy) -> list[str]:
    """Return the networks whose trainings start from scans before surgery."""
    return [arch for arch in loaded.study.archs if loaded.study.settings_of(arch).before_surgery]


def scan_and_tumor(loaded: LoadedStudy) -> tuple[str, str]:
    """Return the columns of the scan before surgery, and of the label of its tumour."""
    label = loaded.study.resected
    assert label is not None, "the settings require it of networks that start so"
    return loaded.study.labels[label], label


def settings_before(loaded: LoadedStudy, arch: str) -> NetworkSettings:
    """Return the settings of the training on scans before surgery."""
    settings = loaded.study.settings_of(arch).before_surgery
    assert settings is not None, "asked of networks that start so"
    return settings


@cache
def of_fold(loaded: LoadedStudy, fold: int) -> tuple[str, ...]:
    """Return the patients whose scans before surgery train the start of a fold: training patients of the fold."""
    return tuple(patient for patient in loaded.split.training(fold) if _takes_part(loaded, patient))


def scans_of_fold(loaded: LoadedStudy, fold: int) -> list[str]:
    """Return of these patients one for each scan before surgery, which further scans of a person may name, too."""
    scan, _ = scan_and_tumor(loaded)
    named: dict[str, str] = {}
    for patient in of_fold(loaded, fold):
        named.setdefault(file_of(loaded, patient, scan), patient)
    return list(named.values())


def without_scans(loaded: LoadedStudy) -> list[str]:
    """Return the patients of the folds who have no part, for want of a scan before surgery or of its mask."""
    if not archs(loaded):
        return []
    return [p for fold in loaded.folds for p in loaded.split.validation(fold) if not _takes_part(loaded, p)]


def without_scans_in_words(loaded: LoadedStudy) -> str | None:
    """Return how many patients of the folds have no part, in words; None where all have or nobody starts so."""
    if not (without := without_scans(loaded)):
        return None
    scan, label = scan_and_tumor(loaded)
    return f"{len(without)} patient(s) of the folds lack {scan} or {label}: no network starts from theirs"


def _takes_part(loaded: LoadedStudy, patient: str) -> bool:
    return loaded.cohort.has(patient, scan_and_tumor(loaded))


def of_batch(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the patients of a batch whose scans before surgery are prepared."""
    held_out = set(loaded.split.holdout)
    return [p for p in patients_in(loaded, batch) if p not in held_out and _takes_part(loaded, p)]


def files_of_batch(loaded: LoadedStudy, batch: str, column: str) -> list[str]:
    """Return the files of these patients, as the cohort table names them."""
    return [file_of(loaded, patient, column) for patient in of_batch(loaded, batch)]


def registrations_of_batch(loaded: LoadedStudy, batch: str, part: str) -> list[str]:
    """Return one part of the registrations that brought these scans to the reference."""
    return [registration_of(patient, scan_and_tumor(loaded)[0], part) for patient in of_batch(loaded, batch)]


def preparation_before(loaded: LoadedStudy, arch: str) -> dict[str, Any]:
    """Return how a network prepares these scans, as builtins."""
    return settings_before(loaded, arch).preparation().model_dump(mode="json")


def prepared_before(loaded: LoadedStudy, arch: str, fold: int) -> list[str]:
    """Return the prepared batches of the patients of a fold, the scans first."""
    wanted = set(of_fold(loaded, fold))
    batches = [batch for batch, members in loaded.cohort.batches.items() if not wanted.isdisjoint(members)]
    folder = f"results/preoperative/prepared/{arch}"
    return [f"{folder}/{c}/{batch}/manifest.json" for c in scan_and_tumor(loaded) for batch in batches]


def compared_checks(loaded: LoadedStudy, fold: int) -> list[str]:
    """Return the checks that know the images of the patients of a fold, and of those that validate it."""
    wanted = {*of_fold(loaded, fold), *loaded.split.validation(fold)}
    batches = (batch for batch, members in loaded.cohort.batches.items() if not wanted.isdisjoint(members))
    return [f"results/cohort/checks/{batch}.json" for batch in batches]


def starts(loaded: LoadedStudy) -> list[tuple[str, int]]:
    """Return the network and fold of every training on scans before surgery."""
    return [(arch, fold) for arch in archs(loaded) for fold in loaded.folds]


def selection(arch: str, fold: int | str) -> str:
    """Return the file that lists who trains the start of a fold."""
    return f"results/preoperative/prepared/{arch}/fold{fold}.json"


def model_before(arch: str, fold: int | str) -> str:
    """Return the manifest of the model from whose weights the trainings of a fold start."""
    return f"results/models/{arch}/{PREOPERATIVE}/fold{fold}/manifest.json"
