"""Put together what there is of one new patient: maps, record and pages (stage ``report_patient``)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residua.inference.contents import contents_of
from residua.inference.drawing import embedded
from residua.inference.page import patient_page
from residua.inference.panels import Maps, Shown, panels_of
from residua.inference.patients_table import RECORD
from residua.inference.prediction import prediction_record
from residua.inference.sheet import write_sheet
from residua.publishing.images import SUFFIX
from residua.publishing.publish import read_json, verified, write_json, write_text


@dataclass(frozen=True)
class PatientParts:
    """The results that hold a part of a patient; each has one file or manifest, or none without a prediction.

    ``images`` are scans on the grid of the reference, by column, the reference first. ``before`` is the scan before
    surgery.
    """

    members: Sequence[str]
    resections: Sequence[str]
    brought_back: Sequence[str]
    quality: Sequence[str]
    brain: Sequence[str]
    images: Mapping[str, str]
    before: str | None


def write_patient(outcome: Mapping[str, Any], bundle: Mapping[str, Any] | None, made: PatientParts, out: Path) -> None:
    """Write the record, the pages and the maps of a patient into ``out``.

    ``outcome`` is the patient's entry of ``patients.json``, ``bundle`` that of ``wiring.reporting.described``.
    """
    patient = outcome["patient"]
    predicted = outcome["state"] == "predicted"
    measured = [_one(manifest, f"{patient}.json") for manifest in made.quality]
    measures = read_json(measured[0])["measures"] if measured else None
    resection = read_json(made.resections[0])[patient] if predicted else None
    record = prediction_record(outcome, bundle, resection, measures)
    files = _maps(outcome, made) if predicted else {}
    for name, file in files.items():
        shutil.copyfile(file, out / name)
    shown = _shown(patient, files, made) if predicted else None
    contents = contents_of(record)
    pictures = (embedded(shown), shown.where) if shown else ()
    write_text(out / "report.html", patient_page(contents, *pictures))
    write_sheet(contents, shown, out / "report.pdf")
    write_json(out / RECORD, {**record, "files": sorted([*files, "report.html", "report.pdf"])})


def _maps(outcome: Mapping[str, Any], made: PatientParts) -> dict[str, Path]:
    patient = outcome["patient"]
    files = {
        "probability.nii.gz": Path(outcome["probability"]),
        "mask.nii.gz": Path(outcome["mask"]),
        "disagreement.nii.gz": _one(made.members[0], f"{patient}{SUFFIX}"),
    }
    back = {
        f"{patient}{SUFFIX}": "mask_before_surgery.nii.gz",
        f"inverse/{patient}_affine.mat": "to_before_surgery_affine.mat",
        f"inverse/{patient}_warp{SUFFIX}": "to_before_surgery_warp.nii.gz",
    }
    for manifest in made.brought_back:
        files |= {back[name]: file for name, file in verified(manifest, lambda name: name in back).items()}
    return files


def _shown(patient: str, files: Mapping[str, Path], made: PatientParts) -> Shown:
    back = files.get("mask_before_surgery.nii.gz")
    maps = Maps(
        images=made.images,
        brain=_one(made.brain[0], f"{patient}{SUFFIX}"),
        mask=files["mask.nii.gz"],
        probability=files["probability.nii.gz"],
        spread=files["disagreement.nii.gz"],
        before=(made.before, back) if made.before and back else None,
    )
    return panels_of(maps)


def _one(manifest: str, wanted: str) -> Path:
    return verified(manifest, lambda name: name == wanted)[wanted]
