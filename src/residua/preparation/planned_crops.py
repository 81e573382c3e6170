"""Find the brains from which a network is planned: those of the patients that train it, and of nobody else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from os import PathLike

from residua.images import volumes
from residua.preparation.brain_crop import Crop, brain_crop
from residua.publishing.failures import sound_files


def planned_crops(
    manifests: Iterable[str | PathLike[str]], patients: Collection[str], left_out: Collection[str]
) -> list[Crop]:
    """Return where the brains of ``patients`` lie, without those whose brain mask failed or who are left out.

    ``manifests`` are those of the batches of brain masks; the masks of others in them are not opened.
    """
    masks = {patient: mask for manifest in manifests for patient, mask in sound_files(manifest).items()}
    wanted = sorted(patient for patient in patients if patient in masks and patient not in left_out)
    return [
        brain_crop(volumes.load_mask(masks[patient]), f"patient {patient}: the brain mask {masks[patient]}")
        for patient in wanted
    ]
