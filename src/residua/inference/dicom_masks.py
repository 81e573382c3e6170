"""Give the masks of new patients whose T1w-CE is a DICOM series as DICOM SEG, beside the other files of a patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.inference.bundles import Bundle
from residua.inference.dicom_scans import FromDicom
from residua.inference.dicom_seg import Algorithm, write_dicom_seg

NAME = "mask.dcm"


def write_dicom_masks(
    outcomes: Sequence[Mapping[str, Any]], found: FromDicom, reference: str, bundles: Sequence[Bundle], out: Path
) -> Iterator[str]:
    """Write ``results/patients/PATIENT/mask.dcm`` of every predicted patient whose ``reference`` scan is a series.

    ``outcomes`` are those of ``results/patients.json`` in the application's folder ``out``. A finished one stays; one
    that an earlier call wrote, and that is no longer the patient's mask, is removed.
    Yields what must be said: the patients whose mask cannot be written on the slices of the series, and why.
    """
    by_path = {bundle.path: bundle for bundle in bundles}
    for outcome in outcomes:
        scan = found.of(outcome["patient"], reference)
        target = out / "results" / "patients" / outcome["patient"] / NAME
        if outcome["state"] != "predicted" or scan is None:
            target.unlink(missing_ok=True)
            continue
        bundle = by_path[outcome["bundle"]]
        algorithm = Algorithm(str(bundle), bundle.digest, outcome["threshold"])
        try:
            write_dicom_seg(out / outcome["mask"], scan.files, algorithm, target)
        except ResiduaError as error:
            target.unlink(missing_ok=True)
            yield f"patient {outcome['patient']}: {error}"
