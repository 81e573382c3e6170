"""Measure the patients of one network and input configuration by conventions of evaluation (``measure_conventions``).

What the study measured stays as it is. Another mask is made from the probability maps, at the threshold that the
convention's rule chooses on the validation patients; the hold-out reaches no choice. One map is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.images.pairs import load_pair
from residua.images.volumes import Image
from residua.metrics.brats import score_lesions
from residua.metrics.conventions import Convention, MaskRule
from residua.metrics.lesions import LesionRule
from residua.metrics.measure_patients import known_columns, split_of
from residua.metrics.voxelwise import measure_case
from residua.publishing.images import by_patient
from residua.segmentation.masks import binarise, remove_small_components
from residua.segmentation.out_of_fold import OutOfFoldCase, measure
from residua.segmentation.threshold import choose_of
from residua.settings.classification import Classification

MEASURED = ("dice", "hd95_mm", "reference_ml", "predicted_ml")
LESIONS = ("reference_lesions", "found_lesions", "predicted_lesions", "false_lesions")
OBJECTS = ("reference_object", "predicted_object")
"""Whether a mask has an object; null where the convention does not ask."""

Case = Mapping[str, Any]


@dataclass(frozen=True)
class Files:
    """Files of one model: masks and maps by split, the reference standard by patient, and the study's measurements."""

    segmentations: Mapping[str, str]
    maps: Mapping[str, Sequence[str]]
    references: Mapping[str, str]
    metrics: str


@dataclass(frozen=True)
class Judging:
    """The study's threshold and whether all conventions keep it, its smallest component, classes and lesions."""

    threshold: float
    is_kept: bool
    min_component_voxels: int
    classification: Classification
    lesions: LesionRule


def measure_by_convention(
    files: Files, cases: Sequence[Case], conventions: Sequence[Convention], judging: Judging
) -> pd.DataFrame:
    """Return a row per convention and case; the study's own convention comes first and is not measured again.

    ``cases`` are as in ``residua.metrics.measure_patients``; those without a row in ``files.metrics`` are left out.

    >>> from residua.images.volumes import Grid, save
    >>> from residua.metrics.conventions import ARTICLE, BRATS_LESIONWISE
    >>> from residua.metrics.measure_patients import measure_all
    >>> from residua.publishing.publish import stage
    >>> mask = Image(np.ones((2, 2, 2), dtype=bool), Grid((2, 2, 2), np.eye(4)))
    >>> save(mask, "drawn.nii.gz")
    >>> with stage("test/manifest.json") as part:
    ...     save(mask, part / "AMS1.nii.gz")
    >>> cases = [{"patient": "AMS1", "hospital": "AMS", "fold": None}]
    >>> files = Files({"test": "test/manifest.json"}, {}, {"AMS1": "drawn.nii.gz"}, "cases.parquet")
    >>> measure_all(files.segmentations, files.references, cases).cases.to_parquet(files.metrics)
    >>> classes = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> judging = Judging(0.5, True, 1, classes, LesionRule(min_voxels=1))
    >>> measure_by_convention(files, cases, [ARTICLE, BRATS_LESIONWISE], judging)["dice"].tolist()
    [1.0, 1.0]
    """
    own, *others = conventions
    known = known_columns(cases)
    columns = [*known, "convention", "threshold", *MEASURED, *LESIONS, *OBJECTS]
    metrics = pd.read_parquet(files.metrics)
    kept = set(metrics["patient"])
    cases = [{"split": split_of(case), **case} for case in cases if case["patient"] in kept]
    frames = [metrics.assign(convention=own.name, threshold=judging.threshold).reindex(columns=columns)]
    for convention in others:
        rows = list(_measured(files, cases, convention, own, judging))
        frames.append(pd.DataFrame(rows, columns=columns).astype(frames[0][known].dtypes.to_dict()))
    return pd.concat([frame.astype(dict.fromkeys(OBJECTS, "boolean")) for frame in frames], ignore_index=True)


def _measured(
    files: Files, cases: Sequence[Case], convention: Convention, own: Convention, judging: Judging
) -> Iterator[dict[str, Any]]:
    rule = None if convention.mask == own.mask else convention.mask
    sources = files.maps if rule else {split: [manifest] for split, manifest in files.segmentations.items()}
    images = {split: by_patient(manifests) for split, manifests in sources.items()}
    threshold = judging.threshold
    if rule and not judging.is_kept:
        threshold = _chosen(images["validation"], files.references, cases, rule, judging)
    for case in cases:
        patient = case["patient"]
        image, reference = load_pair(patient, images[case["split"]][patient], files.references[patient])
        mask = _mask(image, threshold, rule, judging) if rule else image.data > 0.5
        found = {"convention": convention.name, "threshold": threshold, **_scores(reference, mask, convention, judging)}
        yield {**case, **found, **_objects(reference, mask, convention, judging)}


def _chosen(
    maps: Mapping[str, Path], references: Mapping[str, str], cases: Sequence[Case], rule: MaskRule, judging: Judging
) -> float:
    """Choose the threshold by the rule of a convention, from the validation patients alone."""

    def out_of_fold() -> Iterator[OutOfFoldCase]:
        for case in cases:
            if case["split"] == "validation":
                patient = case["patient"]
                probability, reference = load_pair(patient, maps[patient], references[patient])
                yield OutOfFoldCase(case["fold"], probability.data, reference.data, reference.grid.voxel_ml)

    settings = rule.postprocessing(judging.min_component_voxels)
    return choose_of(measure(out_of_fold(), settings, rule.filtered), settings, judging.classification).threshold


def _mask(probability: Image, threshold: float, rule: MaskRule, judging: Judging) -> NDArray[np.bool_]:
    whole = binarise(probability.data, threshold)
    return _without_small(whole, rule, judging) if rule.filtered == "mask" else whole


def _without_small(mask: NDArray[np.bool_], rule: MaskRule, judging: Judging) -> NDArray[np.bool_]:
    return remove_small_components(mask, judging.min_component_voxels, rule.connectivity)


def _scores(reference: Image, mask: NDArray[np.bool_], convention: Convention, judging: Judging) -> dict[str, Any]:
    if convention.lesion_wise is None:
        found = asdict(measure_case(reference.data, mask, reference.grid, judging.lesions))
        return {name: found[name] for name in (*MEASURED, *LESIONS)}
    scores = score_lesions(reference.data, mask, reference.grid, judging.lesions, convention.lesion_wise)
    volumes = {"reference_ml": reference.data, "predicted_ml": mask}
    ml = {name: int(np.count_nonzero(each)) * reference.grid.voxel_ml for name, each in volumes.items()}
    return {**asdict(scores), **ml}


def _objects(
    reference: Image, mask: NDArray[np.bool_], convention: Convention, judging: Judging
) -> dict[str, bool | None]:
    rule = convention.mask
    if not convention.by_object or rule is None:
        return dict.fromkeys(OBJECTS)
    pairs = zip(OBJECTS, (reference.data, mask), strict=True)
    return {name: bool(_without_small(each, rule, judging).any()) for name, each in pairs}
