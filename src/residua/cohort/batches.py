"""Batches: the patients of one job.

Starting a process (imports, a container, the queue) costs more than the work on one small image, so a job takes
several patients. Each batch holds neighbours of one hospital: appending a patient changes only the last batch of its
hospital, and excluding one changes only its own, so that nothing else is made again. Where persons are split, a batch
lies in one part of the split, too: a further scan of the hold-out changes nothing that a training reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from residua.cohort.table.patient import Patient

BATCH_PATIENTS = 20


def batches(
    patients: Iterable[Patient], places: Mapping[str, int | None] = MappingProxyType({})
) -> dict[str, tuple[str, ...]]:
    """Return batches of at most ``BATCH_PATIENTS`` patients by name, ``HOSPITAL-INDEX``, in table order; none is empty.

    ``places`` are those of persons, where these are split: ``HOSPITAL-PART-INDEX`` then. Excluded patients are counted
    for the index and then dropped. The hyphen, which no identifier has, keeps the names of hospitals such as ``A`` and
    ``A1`` apart.
    """
    groups: dict[str, list[Patient]] = {}
    for patient in patients:
        groups.setdefault(f"{patient.hospital}{_part(patient, places)}", []).append(patient)
    return {
        f"{group}-{start // BATCH_PATIENTS}": members
        for group, rows in groups.items()
        for start in range(0, len(rows), BATCH_PATIENTS)
        if (members := tuple(p.patient for p in rows[start : start + BATCH_PATIENTS] if not p.excluded))
    }


def _part(patient: Patient, places: Mapping[str, int | None]) -> str:
    if patient.who not in places:
        return ""
    place = places[patient.who]
    return "-holdout" if place is None else f"-fold{place}"
