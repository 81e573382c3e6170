"""Warnings where a fold or the hold-out lacks patients with, or without, residual tumour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from residua.cohort.split.fold_contents import HOLDOUT, parts_of
from residua.cohort.split.persons import PERSONS
from residua.cohort.split.split import Split
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.participation import DrawnFolds, FoldsTable
from residua.settings.study import Study

_FEWEST_PARTS = 3
"""Two folds and the hold-out."""
_KINDS = (
    (True, "fold-without-positives", "with residual tumour", "recall and Dice of P are"),
    (False, "fold-without-negatives", "with gross total resection", "specificity is"),
)


def fold_kind_problems(study: Study, split: Split, positives: Mapping[str, bool]) -> list[Problem]:
    """Return a warning for each fold, and for the hold-out, without patients of one of the two kinds.

    ``positives`` says by patient whether there is residual tumour. A part with a patient that ``positives`` lacks is
    not judged; a part without patients is an error of the split.
    """
    return [
        problem_of(
            check,
            f"{_called(name)} has no patient {kind}, so that {undefined} undefined there",
            _remedy(study, split, positives, is_positive, name, kind),
            subject="hospital",
        )
        for name, members in parts_of(split)
        if members and all(patient in positives for patient in members)
        for is_positive, check, kind, undefined in _KINDS
        if all(positives[patient] is not is_positive for patient in members)
    ]


def _remedy(study: Study, split: Split, positives: Mapping[str, bool], is_positive: bool, part: str, kind: str) -> str:
    """Return what gives a part such patients in this study: there may be no split that does."""
    if isinstance(study.folds, DrawnFolds):
        number = len({split.who(patient) for patient, tumor in positives.items() if tumor is is_positive})
        if number < len(split.folds) + 1:
            return f"only {number} person(s) of the study are {kind}: use fewer folds, or add such patients"
        return f"put residual into folds.balance, and delete {PERSONS} to draw new folds"
    parts = dict(parts_of(split))
    having = {
        name: list(dict.fromkeys(split.hospitals[p] for p in members if positives.get(p) is is_positive))
        for name, members in parts.items()
    }
    hospitals = [hospital for own in having.values() for hospital in own]
    if not hospitals:
        return f"nobody in the study is {kind}, so that no other split helps: add such patients, or do without"
    if len(hospitals) < len(parts):
        there = f"only {len(hospitals)} hospital(s) have patients {kind} ({', '.join(hospitals)})"
        if len(hospitals) < _FEWEST_PARTS:
            return f"{there}, so that no other split helps: add such patients of other hospitals, or do without"
        return f"{there}: use at most {len(hospitals) - 1} folds, or add such patients"
    # No fewer hospitals than parts, and this part has none of them: another part has two at least.
    donor = max(having, key=lambda name: len(having[name]))
    sizes = Counter(split.hospitals[patient] for patient in parts[donor])
    hospital = min(having[donor], key=lambda name: sizes[name])
    example = f"such as {hospital} of {_called(donor)}"
    return f"move a hospital with such patients there, {example}, {_where(study, part, donor)}"


def _called(part: str) -> str:
    return f"the {HOLDOUT}" if part == HOLDOUT else f"fold {part}"


def _where(study: Study, part: str, donor: str) -> str:
    if isinstance(study.folds, dict):
        return "in the config"
    if isinstance(study.folds, FoldsTable):
        return f"in {study.folds.path}" + (" and under holdout in the config" if HOLDOUT in (part, donor) else "")
    return "which takes folds that the config names (folds: {0: [...], 1: [...]})"
