"""Bundles of a finished study, and new patients to apply them to."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from residua.bundle.names import model_file
from residua.bundle.record import BundleRecord
from residua.bundle.write import write_bundle
from residua.networks.registry import model_files_of
from residua.publishing.publish import read_json
from residua.settings.study import load_study
from studies import Study

CHANNELS = {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}


def pack(study: Study, arch: str, inputs: str, out: Path, score: float) -> Path:
    """Write the bundle of one network and input configuration of a study, with a score of our choice."""
    results = study.folder / "results"
    settings = load_study(yaml.safe_load(study.config_file.read_text()))
    folds = sorted(settings.folds)
    threshold = read_json(results / f"segmentations/{arch}/{inputs}/threshold.json")
    record = BundleRecord.model_validate({
        "format": 1, "residua": "0", "arch": arch, "inputs": inputs, "folds": folds, "files": {},
        "channels": read_json(results / f"prepared/{arch}/{inputs}/holdout.json")["channels"],
        "study": _alone(settings.model_dump(mode="json"), arch, inputs),
        "threshold": {**threshold, "nested_performance": {"score": score}},
    })  # fmt: skip
    files = {
        model_file(fold, name): results / f"models/{arch}/{inputs}/fold{fold}" / name
        for fold in folds
        for name in model_files_of(arch)
    }
    write_bundle(record, "# A model\n", files, out)
    return out


def _alone(settings: dict[str, Any], arch: str, inputs: str) -> dict[str, Any]:
    for name in ("cohort", "raters"):
        del settings[name]
    settings["statistics"]["best_inputs"] = {name: {arch: inputs} for name in settings["statistics"]["best_inputs"]}
    one = {"archs": [arch], "inputs": {inputs: settings["inputs"][inputs]}}
    return {**settings, **one, "networks": {arch: settings["networks"][arch]}}


def rows_of(study: Study, patients: Iterable[str], columns: Iterable[str]) -> list[dict[str, str]]:
    """The rows of some patients, with absolute paths and without what is not asked for."""
    table = study.folder / "cohort" / "cohort.tsv"
    rows = {row["patient"]: row for row in csv.DictReader(table.open(encoding="utf-8"), delimiter="\t")}
    return [
        {"patient": patient} | {column: str(table.parent / rows[patient][column]) for column in columns}
        for patient in patients
    ]


def new_table(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write a table of new patients."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, delimiter="\t", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path
