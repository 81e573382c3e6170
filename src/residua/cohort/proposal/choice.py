"""Choose whether results may name the input configuration of an experiment, or name it where they could not."""

from __future__ import annotations

from collections.abc import Mapping

from residua.cohort.choices import decided
from residua.cohort.cohort import Cohort
from residua.settings.statistics import OUT_OF_FOLD, BestInputs


def proposed_choices(cohort: Cohort, positive: Mapping[str, bool]) -> dict[str, str]:
    """Return ``out_of_fold`` for each experiment that validation can decide, else one input configuration.

    Input configurations are compared on the patients of the folds that have all of them: by the Dice of residual
    tumours, or, for the classification, by a fold with both kinds of patients. Where there is none, the configuration
    that most patients have is named; of equals the one with most channels.
    """
    inputs = cohort.channels
    folds = cohort.split.folds.values()
    usual = max(inputs, key=lambda name: (sum(len(_having(cohort, f, name)) for f in folds), len(inputs[name])))
    shared = [[positive.get(patient) for patient in members] for members in cohort.shared.values()]
    possible = {name: any(decided(name, kinds) for kinds in shared) for name in BestInputs.model_fields}
    return {name: OUT_OF_FOLD if able and len(inputs) > 1 else usual for name, able in possible.items()}


def _having(cohort: Cohort, patients: tuple[str, ...], inputs: str) -> set[str]:
    return {patient for patient in patients if cohort.has(patient, cohort.channels[inputs])}
