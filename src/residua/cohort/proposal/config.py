"""Put together the smallest configuration for a table: what table and scans do not say is as published."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from residua.cohort.checks.positives import positives_of
from residua.cohort.cohort import LEAST_BEFORE_SURGERY, Cohort, judged_cohort
from residua.cohort.proposal.choice import proposed_choices
from residua.cohort.proposal.columns import Columns, filled_columns, filled_table, possible_inputs
from residua.cohort.proposal.placing import proposed_places
from residua.cohort.proposal.scans import are_aligned, proposed_mask
from residua.cohort.table.paths import absolute_path
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.problems.lists import raise_problems
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.statistics import OUT_OF_FOLD, BestInputs
from residua.settings.study import load_study

Read = Callable[[list[Patient], str], Mapping[str, Any]]
"""Reads the reference sequence (its column) and the reference standard of patients, as ``check_voxels`` does."""

_COMMENTS = {
    "version": "Written by residua init for one table. docs/reference/config.md explains every key.",
    "title": "Printed on every table.",
    "cohort": "The table, and that of the raters' masks of held-out patients (null: none).",
    "sequences": "The columns that the table fills. The others are registered to the reference.",
    "inputs": "The input configurations that these columns allow: one set of trainings each.",
    "protocol": "Latest scan after surgery; a hospital with another window: window_hours_by_hospital: {UTR: 168}.",
    "eligibility": "complete: patients have the channels of all input configurations; per_inputs: of some.",
    "on_invalid": "stop: unusable data of a patient stop the study; exclude: the study goes on without the patient.",
    "holdout": "Proposed: who is tested, and who validates each fold; move whole hospitals at will. Persons are drawn "
    "where hospitals are too few: such folds cannot show how a network does at a hospital that it has not seen.",
    "registration": "As published from here on, unless a comment says otherwise.",
    "networks": "For a quick try: epochs: 2, and for nnunet iterations_per_epoch: 5. Published, a training takes days.",
}
_ALIGNED = (
    "The scans of every patient lie on one grid and look stripped, as in sets whose scans were registered to each "
    "other: engine: none then uses them as they are. Look at the overlays of the quality pages first."
)


def proposed_config(table_path: str, published: Mapping[str, Any], read: Read) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the configuration for a table, with all that is not default, and remarks by key.

    Raises ``ResiduaError`` where the table has errors, no patient can take part or hospitals are too few.
    """
    table = filled_table(table_path)
    columns = filled_columns(table, published, table_path)
    included = [patient for patient in table.patients if not patient.excluded]
    config = _fitting(columns, included, published, absolute_path(table_path))
    members = _members(config, included, table_path)
    found = read(members, columns.reference)
    positive = positives_of(found[f"{REFERENCE_STANDARD}_ml"], published["classification"]["residual_tumor_ml"])
    config["holdout"], config["folds"] = proposed_places(members, positive)
    method, reason = proposed_mask(columns.has_brain_masks, found["stripped"], published["brain_mask"]["method"])
    config["brain_mask"] = {"method": method}
    _keep_inputs(config, _placed(config, table_path))
    cohort = _placed(config, table_path)
    if any(len(cohort.split.training(fold)) < LEAST_BEFORE_SURGERY for fold in cohort.split.folds):
        _start_at_random(config)
    _choose(config, proposed_choices(cohort, positive))
    remarks = {"brain_mask": reason}
    if are_aligned(members, columns.images, found["stripped"]):
        remarks["registration"] = _ALIGNED
    return _smallest(config), remarks


def config_text(config: Mapping[str, Any], remarks: Mapping[str, str]) -> str:
    """Return a configuration as YAML, with a comment where a person decides; ``remarks`` by key stand beside it."""
    comments = dict(_COMMENTS)
    for key, remark in remarks.items():
        comments[key] = f"{comments[key]}\n# {remark}" if key in comments else remark
    parts = []
    for key in dict.fromkeys(("version", "title", "cohort", "raters", *config)):
        dumped = yaml.safe_dump(
            {key: config[key]}, sort_keys=False, default_flow_style=None, width=1000, allow_unicode=True
        )
        # Short values stand in braces, which are for places within a line.
        plain = f"{dumped.strip()[1:-1]}\n" if dumped.startswith("{") else dumped
        parts.append(f"\n# {comments[key]}\n{plain}" if key in comments else plain)
    return "".join(parts).lstrip("\n")


def _smallest(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration without what is default; that no rater took part is said nevertheless."""
    study = load_study(dict(config)).model_dump(mode="json", exclude_defaults=True)
    study["folds"] = config["folds"]
    study["networks"] = {arch: study["networks"][arch] for arch in config["archs"]}
    return {"raters": None} | study


def _fitting(
    columns: Columns, patients: list[Patient], published: Mapping[str, Any], table_path: str
) -> dict[str, Any]:
    config = copy.deepcopy(dict(published)) | {"version": 1, "cohort": table_path, "raters": None}
    config["sequences"] = {
        "reference": columns.reference,
        "moving": list(columns.moving),
        "before_surgery": columns.before_surgery,
    }
    config["labels"] = dict(columns.labels)
    config["inputs"] = possible_inputs(columns, patients, published["inputs"])
    needed = {channel for channels in config["inputs"].values() for channel in channels}
    config["eligibility"] = "complete" if all(needed <= set(p.files) for p in patients) else "per_inputs"
    config["protocol"] = {"window_hours": published["protocol"]["window_hours"]}
    config["brain_mask"] = {"method": "given" if columns.has_brain_masks else published["brain_mask"]["method"]}
    resected = published["registration"]["resected"]
    config["registration"]["resected"] = resected if columns.labels.get(resected) in columns.before_surgery else None
    config["archs"] = [arch for arch in published["archs"] if published["networks"].get(arch)]
    if not _scanned_before(columns, patients):
        _start_at_random(config)
    _choose(config, dict.fromkeys(BestInputs.model_fields, OUT_OF_FOLD))
    return config


def _scanned_before(columns: Columns, patients: list[Patient]) -> bool:
    """Return whether networks can start from scans before surgery: every patient has one, and its tumour's mask."""
    pairs = [{label, scan} for label, scan in columns.labels.items() if scan in columns.before_surgery]
    return any(all(pair <= set(patient.files) for patient in patients) for pair in pairs)


def _start_at_random(config: Mapping[str, Any]) -> None:
    for network in config["networks"].values():
        network.pop("init", None)


def _choose(config: dict[str, Any], choices: Mapping[str, str]) -> None:
    config["statistics"]["best_inputs"] = {
        name: dict.fromkeys(config["archs"], choice) for name, choice in choices.items()
    }


def _members(config: dict[str, Any], included: list[Patient], table_path: str) -> list[Patient]:
    """Return the patients whom the protocol admits, before any is in a fold."""
    hospital = next((patient.hospital for patient in included), "none")
    study = load_study(config | {"holdout": [hospital], "folds": {"method": "leave_one_hospital_out"}})
    cohort, _ = judged_cohort(study, table_path, placed=False)
    members = [patient for patient in cohort.patients.values() if not patient.excluded]
    if not members:
        reasons = Counter(patient.exclusion_reason for patient in cohort.patients.values())
        counted = "; ".join(f"{reason} ({number})" for reason, number in reasons.most_common())
        raise ResiduaError(f"{table_path}: no patient can take part: {counted or 'the table has none'}")
    return members


def _placed(config: dict[str, Any], table_path: str) -> Cohort:
    """Return the cohort in its parts. Raises ``ResiduaError`` with all errors where a part is empty.

    Folds that a study in the current folder froze are not those of a new study.
    """
    cohort, problems = judged_cohort(load_study(config), table_path, frozen=False)
    parts = cohort.split.folds
    if not parts or not all((*parts.values(), cohort.split.holdout)):
        raise_problems(problems, f"{table_path}: no folds and hold-out can be proposed for this table")
    return cohort


def _keep_inputs(config: dict[str, Any], cohort: Cohort) -> None:
    """Keep the input configurations that some patient of every fold and of the hold-out can have."""
    parts = [*cohort.split.folds.values(), cohort.split.holdout]
    config["inputs"] = {
        name: channels
        for name, channels in config["inputs"].items()
        if all(any(cohort.has(patient, tuple(channels)) for patient in part) for part in parts)
    }
    if not config["inputs"]:
        raise ResiduaError(
            f"{config['cohort']}: no input configuration has a patient with all its channels in every fold and in the "
            "hold-out; give more patients these sequences"
        )
