"""Put copies without faces in the place of the images that an importer found, by the workflow ``rules/deface.smk``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from residua.cluster.workflow import Watch, reasons, run_followed, workflow_command
from residua.errors import ResiduaError
from residua.importers.found import Found, FoundPatient
from residua.importers.identifiers import safe_identifiers
from residua.publishing.publish import read_json, verified, write_json

_IMAGES, _PICTURES = "images", "deface"
NOT_DEFACED = "not defaced"
"""First words of the reason to exclude a patient with a scan whose face is not surely found."""
_MANIFEST, _RESULT, _PICTURE = "manifest.json", "result.json", "picture.png"
_SAID = {
    "cut": "the face was cut",
    "stripped": "nothing to cut: it is brain extracted",
    "outside": "nothing to cut: the face lies outside the scan",
}


def deface(found: Found, part: Path, work: Path, watch: Watch = lambda text: None) -> Found:
    """Return the patients with copies of their images in ``part``, the folder that will become the cohort's.

    ``work`` holds finished patients between tries; the caller removes it. Images that lie in ``part`` are removed once
    they are copied. A patient whose face is not surely found in every scan is excluded and has no image.
    Raises ``ResiduaError`` when the workflow fails.
    """
    names = safe_identifiers((patient.source_id for patient in found.patients), "patients")
    with_images = {names[patient.source_id]: patient for patient in found.patients if patient.images}
    for name, patient in with_images.items():
        _ask(work / "patients" / f"{name}.json", _order(patient))
    _run(work, list(with_images), watch)
    results = {name: _taken(work / "copies" / name, name, patient, part) for name, patient in with_images.items()}
    patients = [_defaced(patient, results.get(names[patient.source_id])) for patient in found.patients]
    return replace(found, patients=tuple(patients), remarks=(*found.remarks, *_summary(results)))


def _order(patient: FoundPatient) -> dict[str, Any]:
    labels = [
        {"file": os.path.abspath(label.file), "values": label.values}
        for label in patient.labels.values()
        if label.file.is_file()
    ]
    images = {column: os.path.abspath(file) for column, file in patient.images.items()}
    return {"images": images, "labels": labels}


def _ask(file: Path, order: Mapping[str, Any]) -> None:
    """Write the order of a patient, unless it is there: a file that is written again is worked on again."""
    if not file.is_file() or read_json(file) != order:
        write_json(file, order)


def _run(work: Path, names: Sequence[str], watch: Watch) -> None:
    if not names:
        return
    targets = [f"copies/{name}/{_MANIFEST}" for name in names]
    command = workflow_command("rules/deface.smk", work, "all", "--nolock", "--keep-going", *targets)
    code, log = run_followed(command, work / "workflow.txt", watch)
    if code != 0:
        raise ResiduaError(f"the faces could not be cut; the same command continues:\n{reasons(log)}")


def _taken(copies: Path, name: str, patient: FoundPatient, part: Path) -> dict[str, Any]:
    """Put the copies and the picture of a patient into ``part``; return what became of each image, and the images.

    A scan with a face that the importer itself wrote is removed.
    """
    files = verified(copies / _MANIFEST)
    outcomes = read_json(files[_RESULT])
    images = {}
    for column, state in ((each["column"], each["state"]) for each in outcomes):
        original = patient.images[column]
        if state == "mask":
            images[column] = original
        elif original.is_relative_to(part):
            original.unlink(missing_ok=True)
    for column in patient.images:
        if (file := files.get(f"{column}.nii.gz")) is not None:
            images[column] = part / _IMAGES / name / file.name
            _copy(file, images[column])
    if _PICTURE in files:
        _copy(files[_PICTURE], part / _PICTURES / f"{name}.png")
    return {"outcomes": outcomes, "images": images}


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _defaced(patient: FoundPatient, result: Mapping[str, Any] | None) -> FoundPatient:
    if result is None:
        return patient
    if failed := _failed(result):
        reason = patient.exclusion_reason or f"{NOT_DEFACED}: {'; '.join(failed)}"
        return replace(patient, images={}, exclusion_reason=reason, remarks=(*patient.remarks, *failed))
    said = [f"{each['column']}: {_told(each)}" for each in result["outcomes"] if each["state"] != "mask"]
    return replace(patient, images=result["images"], remarks=(*patient.remarks, *said))


def _told(outcome: Mapping[str, Any]) -> str:
    cut = f" ({outcome['cut_ml']:.0f} ml of tissue)" if outcome["state"] == "cut" else ""
    return _SAID[outcome["state"]] + cut


def _summary(results: Mapping[str, Any]) -> list[str]:
    failed = {name: _failed(result) for name, result in results.items() if _failed(result)}
    kept = [each for name, result in results.items() if name not in failed for each in result["outcomes"]]
    states = [each["state"] for each in kept if each["state"] != "mask"]
    lines = [f"faces were cut from {states.count('cut')} of {len(states)} scans: look at each picture in {_PICTURES}/"]
    lines += [f"{_SAID[state]}: {states.count(state)} scan(s)" for state in ("stripped", "outside") if state in states]
    return [*lines, *(f"patient {name} is {NOT_DEFACED}: {'; '.join(why)}" for name, why in failed.items())]


def _failed(result: Mapping[str, Any]) -> list[str]:
    return [f"{each['column']}: {each['why']}" for each in result["outcomes"] if each["state"] == "failed"]
