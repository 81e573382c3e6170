"""Choose the patients by whom a training stops, and whose loss chooses its best epoch."""

from __future__ import annotations

import numpy as np

from residua.errors import ResiduaError
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.cases import TrainingSet


def split_for_stopping(data: TrainingSet, settings: AGUNetSettings) -> tuple[list[str], list[str]]:
    """Return the patients to train on and the patients for early stopping.

    The latter are the validation fold, or a share of the training patients: of their persons, where some have several
    scans, because a person's scans are alike. Raises ``ResiduaError`` if one person has all of them.
    """
    if not settings.stopping_fraction:
        return list(data.training), list(data.validation)
    scans: dict[str, list[str]] = {}
    for patient in sorted(data.training):
        scans.setdefault(data.persons.get(patient, patient), []).append(patient)
    if len(scans) < 2:
        raise ResiduaError(
            f"{len(data.training)} training patient(s) are one person, and a stopping_fraction sets persons aside; "
            "give more patients, or set networks.agunet.stopping_fraction to 0"
        )
    shuffled = [str(person) for person in np.random.default_rng(settings.seed).permutation(sorted(scans))]
    held = min(max(round(len(shuffled) * settings.stopping_fraction), 1), len(shuffled) - 1)
    kept, aside = (
        [patient for person in part for patient in scans[person]] for part in (shuffled[held:], shuffled[:held])
    )
    return kept, aside
