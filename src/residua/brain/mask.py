"""Brain masks of the reference sequence, by one of several methods behind one function.

A method is a module of this package with ``load(settings)``, which gives a function from a head to its brain. It is
imported when it is used: each has an environment of its own (``residua.settings.brain_mask.BrainMask``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from residua.brain.checks import MaskChecks, check_mask
from residua.images import volumes
from residua.images.volumes import Image
from residua.publishing.batches import for_each_patient
from residua.publishing.failures import FAULT
from residua.settings.brain_mask import BrainMask

IMPLAUSIBLE_ML = (400.0, 2500.0)
"""Brains of adults lie well inside; a mask outside is a failed extraction."""
LARGEST_SHARE = 0.8
"""Less of a mask in one piece is no brain."""

_REMEDY = (
    "look at the image, give a mask in the column brain_mask (brain_mask.method: given), try another method, "
    "or set the patient's role to exclude"
)


def mask_brains(settings: BrainMask, references: Mapping[str, str], given: Mapping[str, str], out: Path) -> None:
    """Write ``{patient}.nii.gz`` into ``out`` for every patient of ``references``, on the grid of the reference.

    ``references`` and ``given`` (used by method ``given`` only) hold a path per patient. ``{patient}.json`` beside a
    mask holds its ``MaskChecks`` and what it was made from; a mask made before from the same image is kept. Where no
    brain was found, the record says so (``residua.publishing.failures``). Raises one ``ResiduaError`` after all
    patients were tried that names each whose files cannot be used.
    """
    extract = _extractor(settings, given)

    def make(patient: str, target: Path) -> dict[str, Any]:
        reference = volumes.load(references[patient])
        if not np.isfinite(reference.data).all():
            return {FAULT: f"patient {patient}: the reference holds voxels that are not finite; {_REMEDY}"}
        mask = extract(patient, reference)
        volumes.require_same_grid(mask, reference, f"brain mask of patient {patient}")
        checks = check_mask(mask)
        # One that is no brain is kept too: the quality control shows what went wrong.
        volumes.save(mask, target)
        return {"checks": asdict(checks), FAULT: _fault_of(checks, patient, settings.method)}

    sources = {p: [Path(files[p]) for files in (references, given) if p in files] for p in references}
    for_each_patient(sources, make, out, "brain masks")


def _extractor(settings: BrainMask, given: Mapping[str, str]) -> Callable[[str, Image], Image]:
    if settings.method == "given":
        return lambda patient, head: volumes.load_mask(given[patient])
    extract: Callable[[Image], Image] = import_module(settings.modules[0]).load(settings)
    return lambda patient, head: extract(head)


def _fault_of(checks: MaskChecks, patient: str, method: str) -> str | None:
    low, high = IMPLAUSIBLE_ML
    if not checks.components:
        found = "is empty"
    elif not low <= checks.volume_ml <= high:
        found = f"has {checks.volume_ml:.0f} ml, which no brain has"
    elif checks.largest_share < LARGEST_SHARE:
        found = f"is in {checks.components} pieces, the largest of them {checks.largest_share:.0%} of it"
    else:
        return None
    return f"patient {patient}: the brain mask by {method} {found}; {_REMEDY}"
