"""Brain masks of the reference sequence, by one of several methods behind one function.

A method is a module of this package with ``load(settings)``, which returns a function from a head to its brain. It is
imported when it is used: each method has its own environment (``residua.settings.brain_mask.BrainMask``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from residua.brain.checks import MaskChecks, check_mask
from residua.errors import UnusableScanError
from residua.images import volumes
from residua.images.brain_volume import is_plausible_brain
from residua.images.scans import load_scan
from residua.images.volumes import Image
from residua.problems.problem import PROBLEM, Problem, failed
from residua.publishing.batches import for_each_patient
from residua.settings.brain_mask import BrainMask

LARGEST_SHARE = 0.8
"""A smaller share of the mask in one piece is a failed extraction."""

_REMEDY = (
    "check the image, give a mask in the column brain_mask (brain_mask.method: given), try another method, "
    "or set the patient's role to exclude"
)


def mask_brains(settings: BrainMask, references: Mapping[str, str], given: Mapping[str, str], out: Path) -> None:
    """Write ``{patient}.nii.gz`` into ``out`` for every patient of ``references``, on the grid of the reference.

    ``references`` and ``given`` (used by method ``given`` only) hold a path per patient. ``{patient}.json`` beside a
    mask holds its ``MaskChecks`` and what it was made from; a mask made before from the same image is kept. Where the
    extraction failed, the record holds a problem (``PROBLEM``). Raises one ``ResiduaError`` after
    all patients were tried that names each patient whose files cannot be read.
    """
    extract = extractor(settings, given)

    def make(patient: str, target: Path) -> dict[str, Any]:
        reference = load_scan(references[patient])
        if not np.isfinite(reference.data).all():
            what = "the reference holds voxels that are not finite"
            return {PROBLEM: _failed("reference-not-finite", what, patient)}
        try:
            mask = extract(patient, reference)
        except UnusableScanError as error:
            return {PROBLEM: _failed("extraction-impossible", str(error), patient)}
        volumes.require_same_grid(mask, reference, "brain mask")
        checks = check_mask(mask)
        # A failed mask is kept too: the quality control shows what went wrong.
        volumes.save(mask, target)
        return {"checks": asdict(checks), PROBLEM: _problem_of(checks, patient, settings.method)}

    sources = {p: [Path(files[p]) for files in (references, given) if p in files] for p in references}
    for_each_patient(sources, make, out, "brain masks")


def extractor(settings: BrainMask, given: Mapping[str, str]) -> Callable[[str, Image], Image]:
    """Return a function from a patient and a head to its brain; ``given`` holds a path per patient, where needed."""
    if settings.method == "given":
        return lambda patient, head: volumes.load_mask(given[patient])
    extract: Callable[[Image], Image] = import_module(settings.modules[0]).load(settings)
    return lambda patient, head: extract(head)


def _problem_of(checks: MaskChecks, patient: str, method: str) -> Problem | None:
    if not checks.components:
        return _failed("extraction-empty", f"the mask by {method} is empty", patient)
    if not is_plausible_brain(checks.volume_ml):
        what = f"the mask by {method} has {checks.volume_ml:.0f} ml, impossible for a brain"
        return _failed("extraction-volume", what, patient)
    if checks.largest_share < LARGEST_SHARE:
        pieces = f"{checks.components} pieces, the largest of them {checks.largest_share:.0%} of it"
        return _failed("extraction-in-pieces", f"the mask by {method} is in {pieces}", patient)
    return None


def _failed(check: str, what: str, patient: str) -> Problem:
    return failed(check, what, _REMEDY, patient, "brain mask")
