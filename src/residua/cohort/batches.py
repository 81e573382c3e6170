"""Batches: the patients of one job.

Starting a process (imports, a container, the queue) costs more than the work on one small image, so a job takes
several patients. Each batch holds neighbours of one hospital: appending a patient changes only the last batch of its
hospital, and excluding one changes only its own, so that nothing else is made again.
"""

from __future__ import annotations

from collections.abc import Iterable

from residua.cohort.table.patient import Patient

BATCH_PATIENTS = 20


def batches(patients: Iterable[Patient]) -> dict[str, tuple[str, ...]]:
    """Return batches of at most ``BATCH_PATIENTS`` patients by name, ``HOSPITAL-INDEX``, in table order; none is empty.

    Excluded patients are counted for the index and then dropped. The hyphen, which no identifier has, keeps the names
    of hospitals such as ``A`` and ``A1`` apart.
    """
    by_hospital: dict[str, list[Patient]] = {}
    for patient in patients:
        by_hospital.setdefault(patient.hospital, []).append(patient)
    return {
        f"{hospital}-{start // BATCH_PATIENTS}": members
        for hospital, rows in by_hospital.items()
        for start in range(0, len(rows), BATCH_PATIENTS)
        if (members := tuple(p.patient for p in rows[start : start + BATCH_PATIENTS] if not p.excluded))
    }
