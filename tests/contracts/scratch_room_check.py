"""Registrations and masks with too little room, in the core environment: scratch_room_check.py COHORT PATIENT OUT.

No file may grow beyond a limit (RLIMIT_FSIZE), as on a full disk. Prints one JSON record: by what was tried and limit,
what was raised and which files were published.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from registration_check import ENGINES, SEQUENCE, SETTINGS, SHORT

from residua.brain.template import extract
from residua.images.volumes import load
from residua.registration.register import register
from residua.registration.transforms import TransformFiles
from residua.settings.registration import SequenceRegistration

LIMITS = {"SyN": (1_000,), "rigid": (100,), "greedy": (20_000,), "greedy_affine": (100,), "none": (100,)}
"""Bytes: less than an affine, or less than a warp or an image for Greedy."""


def limited(limit: int, action: Callable[[], object]) -> str | None:
    """What ``action`` raises while no file may grow beyond ``limit`` bytes; None when it raises nothing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        action()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return None


def main(cohort: Path, patient: str, out: Path) -> None:
    folder = cohort / "images" / patient
    reference, moving = folder / "post_t1ce.nii.gz", folder / f"{SEQUENCE}.nii.gz"
    found: dict[str, Any] = {}
    for engine, limits in LIMITS.items():
        how = SequenceRegistration(**SETTINGS | SHORT | ENGINES[engine])
        for limit in limits:
            here = out / engine / str(limit)
            transform = TransformFiles(here / "affine.mat", here / "warp.nii.gz")
            files = (here / "image.nii.gz", transform, here / "quality.json")
            said = limited(limit, partial(register, reference, moving, how, 1, *files, "P1", SEQUENCE))
            found[f"{engine} {limit}"] = {"said": said, "published": [path.name for path in here.glob("*")]}
    for limit in (100, 1_000):
        found[f"template {limit}"] = {"said": limited(limit, partial(extract, load(reference))), "published": []}
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
