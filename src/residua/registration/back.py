"""Bring the masks of several patients back to their scans before surgery (stage ``bring_back``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from residua.problems.problem import PROBLEM, Problem
from residua.publishing.failures import problem_in
from residua.publishing.images import SUFFIX, by_patient
from residua.publishing.publish import verified, write_json
from residua.registration.inverse import bring_back
from residua.registration.transforms import TransformFiles


@dataclass(frozen=True)
class WayBack:
    """A patient's moving scan, the transform that was found for it, and the record of that registration."""

    moving: Path
    transform: TransformFiles
    quality: Path


def bring_all_back(masks: str, ways: Mapping[str, WayBack], out: Path) -> None:
    """Write the mask and the inverse transform of every patient of the manifest ``masks`` who has a way back.

    ``out`` receives ``{patient}.nii.gz`` on the grid of the moving scan, ``inverse/{patient}_affine.mat`` and
    ``inverse/{patient}_warp.nii.gz``, and ``{patient}.json`` with the problem of the registration or of the mask
    (``PROBLEM``; null: none). A patient of whom one of them failed has the record alone.
    """
    (out / "inverse").mkdir()
    failed = _failed(masks)
    for patient, mask in by_patient([masks]).items():
        if patient not in ways:
            continue
        way = ways[patient]
        problem = failed.get(patient) or problem_in(way.quality)
        write_json(out / f"{patient}.json", {PROBLEM: problem and problem.to_json()})
        if problem is None:
            parts = (out / "inverse" / f"{patient}_{part}" for part in ("affine.mat", f"warp{SUFFIX}"))
            bring_back(mask, way.moving, way.transform, TransformFiles(*parts), out / f"{patient}{SUFFIX}")


def _failed(masks: str) -> dict[str, Problem]:
    """Return the problems of the masks that have a record, by patient: a failed brain mask is kept, to be looked at."""
    records = verified(masks, lambda name: name.endswith(".json") and "/" not in name)
    found = {name.removesuffix(".json"): problem_in(file) for name, file in records.items()}
    return {patient: problem for patient, problem in found.items() if problem}
