"""Brain masks of the reference sequence, by one of several methods behind one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from residua import images
from residua.errors import ResiduaError
from residua.images import Image

IMPLAUSIBLE_ML = (400.0, 2500.0)
"""Brains of adults lie well inside; a mask outside is a failed extraction."""


def mask_brains(method: str, references: Mapping[str, Path], given: Mapping[str, Path], out: Path) -> dict[str, float]:
    """Write ``{patient}.nii.gz`` into ``out`` for every patient of ``references``, on the grid of the reference.

    ``references`` and ``given`` (used by method ``given`` only) hold a path per patient.
    Returns each brain's volume in ml. Raises ``ResiduaError`` that names the patient whose mask is implausible.
    """
    extract = _extractor(method, given)
    volumes_ml = {}
    for patient, path in references.items():
        reference = images.load(path)
        mask = extract(patient, reference)
        images.require_same_grid(mask, reference, f"brain mask of patient {patient}")
        volumes_ml[patient] = float(mask.data.sum() * mask.grid.voxel_ml)
        if not IMPLAUSIBLE_ML[0] <= volumes_ml[patient] <= IMPLAUSIBLE_ML[1]:
            raise ResiduaError(
                f"patient {patient}: the brain mask by {method} has {volumes_ml[patient]:.0f} ml, which no brain has; "
                f"look at {path.name}, give a mask in the column brain_mask (brain_mask.method: given), "
                f"or set the patient's role to exclude"
            )
        images.save(mask, out / f"{patient}.nii.gz")
    return volumes_ml


def _extractor(method: str, given: Mapping[str, Path]) -> Callable[[str, Image], Image]:
    if method == "given":
        return lambda patient, reference: images.load_mask(given[patient])
    from residua.brain.deepbet import DeepbetExtractor

    extractor = DeepbetExtractor()
    return lambda patient, reference: extractor(reference)
