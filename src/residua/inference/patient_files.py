"""Put together what there is of one new patient: maps, record and pages (stage ``report_patient``)."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from residua.inference.contents import contents_of
from residua.inference.drawing import embedded
from residua.inference.page import patient_page
from residua.inference.panels import Maps, Shown, panels_of
from residua.inference.patient_maps import PatientParts, maps_of, of_folder
from residua.inference.patients_table import RECORD
from residua.inference.prediction import prediction_record
from residua.inference.sheet import write_sheet
from residua.publishing.images import SUFFIX
from residua.publishing.publish import read_json, write_json, write_text


def write_patient(
    outcome: Mapping[str, Any],
    bundle: Mapping[str, Any] | None,
    made: PatientParts,
    out: Path,
    others: Collection[str] = (),
) -> None:
    """Write the record, the pages and the maps of a patient into ``out``.

    ``outcome`` is the patient's entry of ``patients.json``, ``bundle`` that of ``wiring.reporting.described``.
    ``others`` are the other patients of that list, whom no file may name.
    """
    patient = outcome["patient"]
    predicted = outcome["state"] == "predicted"
    measured = [of_folder(manifest, f"{patient}.json") for manifest in made.quality]
    measures = read_json(measured[0])["measures"] if measured else None
    resection = read_json(made.resections[0])[patient] if predicted else None
    record = prediction_record(outcome, bundle, resection, measures, others)
    files = maps_of(patient, made) if predicted else {}
    for name, file in files.items():
        shutil.copyfile(file, out / name)
    shown = _shown(patient, files, made) if predicted else None
    contents = contents_of(record)
    pictures = (embedded(shown), shown.where) if shown else ()
    write_text(out / "report.html", patient_page(contents, *pictures))
    write_sheet(contents, shown, out / "report.pdf")
    write_json(out / RECORD, {**record, "files": sorted([*files, "report.html", "report.pdf"])})


def _shown(patient: str, files: Mapping[str, Path], made: PatientParts) -> Shown:
    back = files.get("mask_before_surgery.nii.gz")
    maps = Maps(
        images=made.images,
        brain=of_folder(made.brain[0], f"{patient}{SUFFIX}"),
        mask=files["mask.nii.gz"],
        probability=files["probability.nii.gz"],
        spread=files["disagreement.nii.gz"],
        before=(made.before, back) if made.before and back else None,
    )
    return panels_of(maps)
