"""Assess the preprocessing of one patient: numbers as JSON, and a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from residua.brain.checks import check_mask
from residua.brain.template_shape import template_shape
from residua.errors import ResiduaError, ScratchError
from residua.images import volumes
from residua.images.regions import region_box
from residua.images.scans import load_scan
from residua.images.volumes import Image
from residua.publishing.failures import problem_in
from residua.publishing.publish import read_json, write_json, write_text
from residua.quality.brain_likeness import BrainLikeness
from residua.quality.measures import BRAIN, brain_measures, label_measures, outside_measures, sequence_measures
from residua.quality.mirroring import Sides
from residua.quality.patient_page import Pictures, Registered, patient_page
from residua.quality.scan_measures import cut_percent, scan_measures
from residua.registration.transforms import resample
from residua.settings.base import REFERENCE_STANDARD


def assess(case: Mapping[str, Any], brain: Path, out: Path) -> None:
    """Write ``{patient}.json`` and ``{patient}.html`` into ``out``.

    ``case`` holds ``patient``, ``reference`` and its ``column`` of the cohort table, ``sequences`` (by name: the
    ``moving`` image as it is stored, the ``registered`` one and the registration's ``quality``), ``labels`` (by name:
    ``drawn``, and ``warped`` or None for one drawn on the reference) and, where networks see a part of the brain, their
    ``regions``. ``brain`` is the record of the reference's mask; the mask, if there is one, lies beside it. The page
    shows the problems in the records of mask and registrations. One moving image is in memory at a time.
    Raises ``ResiduaError`` when a file cannot be read or lies on another grid.
    """
    patient = case["patient"]
    reference = load_scan(case["reference"])
    mask = _mask(brain, reference)
    volumes.require_same_grid(mask, reference, f"patient {patient}: brain mask")
    labels = {name: _label(patient, name, files, reference) for name, files in case["labels"].items()}
    qualities = {name: files["quality"] for name, files in case["sequences"].items()}
    problems = [problem for record in (brain, *qualities.values()) if (problem := problem_in(record))]
    measures = {name: sequence_measures(read_json(quality)) for name, quality in qualities.items()}
    measures[case["column"]] = scan_measures(reference.grid, reference.data, mask.data)
    measures[BRAIN] = brain_measures(asdict(check_mask(mask))) | _template_shape(mask)
    measures[BRAIN]["cut_percent"] = cut_percent(mask.data)
    for name, files in case["labels"].items():
        measures[name] = _label_numbers(labels[name], mask, files)
    if REFERENCE_STANDARD in labels:
        measures[REFERENCE_STANDARD] |= _outside_regions(case.get("regions", ()), labels, mask)
    shown, registered = Pictures(patient, reference, mask, labels), []
    sides, likeness = Sides(reference, mask), BrainLikeness(reference, mask)
    for name, files in case["sequences"].items():
        after = volumes.load(files["registered"])
        volumes.require_same_grid(after, reference, f"patient {patient}: registered {name}")
        measures[name]["brain_similarity"] = likeness.similarity(after)
        measures[name] |= scan_measures(volumes.load_grid(files["moving"]), after.data, mask.data)
        measures[name]["mirrored_gain"] = sides.mirrored_gain(after)
        registered.append(_registered(name, files["moving"], after, shown))
    stored = [problem.to_json() for problem in problems]
    write_json(out / f"{patient}.json", {"patient": patient, "measures": measures, "problems": stored})
    failures = [str(problem) for problem in problems]
    write_text(out / f"{patient}.html", patient_page(patient, measures, shown, registered, failures))


def _mask(record: Path, reference: Image) -> Image:
    file = record.with_suffix(".nii.gz")
    if not file.is_file():
        return Image(np.zeros(reference.grid.shape, dtype=bool), reference.grid)
    return volumes.load_mask(file)


def _template_shape(mask: Image) -> dict[str, float | None]:
    nothing: dict[str, float | None] = {"template_dice": None, "template_distance_mm": None}
    if not mask.data.any():
        return nothing
    try:
        return {**template_shape(mask)}
    except ScratchError:
        raise
    except ResiduaError as error:
        print(error)
        return nothing


def _label(patient: str, name: str, files: Mapping[str, str | None], reference: Image) -> Image:
    label = volumes.load_mask(str(files["warped"] or files["drawn"]))
    volumes.require_same_grid(label, reference, f"patient {patient}: {name}")
    return label


def _label_numbers(label: Image, mask: Image, files: Mapping[str, str | None]) -> dict[str, float | None]:
    native_ml = None
    if files["warped"]:
        native = volumes.load_mask(str(files["drawn"]))
        native_ml = float(native.data.sum() * native.grid.voxel_ml)
    voxels, inside = int(label.data.sum()), int((label.data & mask.data).sum())
    return label_measures(voxels, inside, label.grid.voxel_ml, native_ml)


def _outside_regions(
    regions: Sequence[Mapping[str, Any]], labels: Mapping[str, Image], mask: Image
) -> dict[str, float | None]:
    brain = ndimage.find_objects(mask.data.astype(np.uint8))
    if not regions or not brain:
        return {}
    # A patient without the label is seen whole.
    nothing = Image(np.zeros(mask.grid.shape, dtype=bool), mask.grid)
    around = [(labels.get(region["label"], nothing), region["margin_mm"]) for region in regions]
    boxes = [region_box(mask.grid, label.data, margin_mm, brain[0]) for label, margin_mm in around]
    return outside_measures(labels[REFERENCE_STANDARD].data, boxes, mask.grid.voxel_ml)


def _registered(name: str, moving: str, after: Image, shown: Pictures) -> Registered:
    before = resample(after.grid, load_scan(moving), None, "linear")
    return shown.registered(name, before.data, after.data)
