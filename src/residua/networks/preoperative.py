"""Select the cases of a training on scans before surgery, whose reference standard is the tumour drawn there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.networks.selection import select_cases
from residua.settings.base import REFERENCE_STANDARD


def select_before_surgery(manifests: Sequence[str], patients: Sequence[str], scan: str, label: str) -> dict[str, Any]:
    """Return the record of one selection, like ``select_cases``; nobody validates.

    ``scan`` and ``label`` are the columns, and the folders of the ``manifests``. Patients without a sound brain mask
    were not prepared: they are left out, and named under ``unprepared``. Raises ``ResiduaError`` if fewer than two
    are left.
    """
    groups = {"training": list(patients), "validation": []}
    selection = select_cases(manifests, groups, [Channel(scan, is_label=False)])
    whole = {
        patient: {scan: files[scan], REFERENCE_STANDARD: files[label]}
        for patient, files in selection["files"].items()
        if {scan, label} <= set(files)
    }
    if len(whole) < 2:
        raise ResiduaError(
            f"{len(whole)} of {len(patients)} patients have a brain mask of {scan}, and a training needs two; try "
            "another brain_mask.method, or set init to none"
        )
    unprepared = sorted(set(patients) - set(whole))
    return {**selection, "files": whole, "training": [p for p in patients if p in whole], "unprepared": unprepared}
