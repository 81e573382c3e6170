"""The split of whole hospitals: the patients that train and validate each fold, and the hold-out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from residua.cohort.split.spelling import did_you_mean
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient, further_persons
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.participation import BalancedFolds, FoldsTable, LeaveOneHospitalOut
from residua.settings.study import Study

PLACEMENT = "results/cohort/placement.tsv"
"""Where balanced folds are frozen, relative to the working directory."""


def assign(
    study: Study, patients: Sequence[Patient], placement: Mapping[int, Sequence[str]] | None = None
) -> tuple[Split, list[Problem]]:
    """Split ``patients`` by hospital, and return the split beside its problems. Never raises.

    Problems are hospitals of the table without a place, placed hospitals without patients, roles that contradict the
    config, and folds or a hold-out without patients.
    ``placement`` is what ``residua.cohort.split.placement`` found; not given, it is that of a config which names the
    hospitals. An empty one was reported already: no patient is in a fold then.
    """
    if placement is None:
        placement = study.folds if isinstance(study.folds, dict) else {}
    place: dict[str, int | None] = {h: fold for fold, hospitals in placement.items() for h in hospitals}
    place |= dict.fromkeys(study.held_out_hospitals, None)
    members: dict[int | None, list[str]] = {None: [], **{fold: [] for fold in placement}}
    included = [patient for patient in patients if not patient.excluded]
    for patient in included:
        if patient.hospital in place:
            members[place[patient.hospital]].append(patient.patient)
    split = Split(
        folds={fold: tuple(members[fold]) for fold in sorted(placement)},
        holdout=tuple(members[None]),
        excluded={patient.patient: patient.exclusion_reason for patient in patients if patient.excluded},
        hospitals={patient.patient: patient.hospital for patient in included if patient.hospital in place},
        persons=further_persons(patient for patient in included if patient.hospital in place),
    )
    problems = _unplaced(study, included, place) if placement else []
    problems += [*_contradicting(study, included, place), *_unpopulated(study, patients, split, placement)]
    return split, problems


def _unplaced(study: Study, included: Sequence[Patient], place: Mapping[str, int | None]) -> list[Problem]:
    strangers: dict[str, list[Patient]] = {}
    for patient in included:
        if patient.hospital and patient.hospital not in place:
            strangers.setdefault(patient.hospital, []).append(patient)
    sizes = Counter(patient.hospital for patient in included)
    placed = {hospital: sizes[hospital] for hospital in place}
    problems = []
    for hospital, members in strangers.items():
        what = f"hospital {hospital} ({len(members)} patient(s)) is neither in a fold nor in the hold-out"
        remedy = did_you_mean(hospital, sizes, placed) + _how_to_place(study)
        first = members[0]
        problems.append(problem_of("hospital-unplaced", what, remedy, first.patient, "hospital", first.row))
    return problems


def _how_to_place(study: Study) -> str:
    if isinstance(study.folds, BalancedFolds):
        return (
            f"add a line for it to {PLACEMENT}, where the balanced folds are frozen, or delete that file to balance "
            "new folds, which moves other hospitals too (networks train again either way); or set role to exclude"
        )
    where = f"add a line for it to {study.folds.path}, name it" if isinstance(study.folds, FoldsTable) else "name it"
    under = "under folds or holdout" if isinstance(study.folds, dict) else "under holdout"
    return f"{where} {under} in the config, or set role to exclude"


def _contradicting(study: Study, included: Sequence[Patient], place: Mapping[str, int | None]) -> list[Problem]:
    explicit = isinstance(study.folds, dict)
    return [
        problem_of(
            "role-contradicts-folds",
            f"role holdout, but hospital {p.hospital} is in fold {place[p.hospital]}"
            + (" of the config" if explicit else ""),
            f"set role to auto, or {f'move {p.hospital} from folds' if explicit else f'add {p.hospital}'} to holdout "
            "in the config",
            patient=p.patient,
            subject="role",
            row=p.row,
        )
        for p in included
        if p.role == "holdout" and place.get(p.hospital) is not None
    ]


def _unpopulated(
    study: Study, patients: Sequence[Patient], split: Split, placement: Mapping[int, Sequence[str]]
) -> list[Problem]:
    present = {patient.hospital for patient in patients}
    parts = [(fold, placement[fold], split.folds[fold]) for fold in sorted(placement)]
    problems = []
    for fold, hospitals, members in (*parts, (None, study.held_out_hospitals, split.holdout)):
        key = "holdout of the config" if fold is None else _name_of(study, fold)
        # A table's hospitals were compared with the cohort's; one of frozen folds may leave the study.
        is_judged = fold is None or isinstance(study.folds, dict)
        absent = [hospital for hospital in hospitals if hospital not in present] if is_judged else []
        problems += [
            problem_of(
                "hospital-without-patients",
                f"{key} names hospital {hospital}, which has no patient in the table",
                "correct its name, or remove it from the config",
                subject="hospital",
            )
            for hospital in absent
        ]
        if not members and not absent:
            what = f"{key} has no patients: all of {', '.join(hospitals)} are excluded"
            what += "" if is_judged else " or no longer in the table"
            remedy = f"include some of them, or {_how_to_change(study, fold)}"
            problems.append(problem_of("fold-without-patients", what, remedy, subject="role"))
    return problems


def _name_of(study: Study, fold: int) -> str:
    if isinstance(study.folds, dict):
        return f"folds.{fold} of the config"
    if isinstance(study.folds, LeaveOneHospitalOut):
        return f"fold {fold}"
    return f"fold {fold} of {study.folds.path if isinstance(study.folds, FoldsTable) else PLACEMENT}"


def _how_to_change(study: Study, fold: int | None) -> str:
    if fold is None or isinstance(study.folds, dict):
        return "change the folds in the config"
    if isinstance(study.folds, FoldsTable):
        return f"change {study.folds.path}"
    return f"delete {PLACEMENT} to balance new folds, which trains all networks again"
