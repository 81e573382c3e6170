"""Which hospitals there are, how they scan, and which patient of which hospital has residual tumour."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import Literal

from residua.errors import ResiduaError

Like = Literal["toy", "micro"]
Spacing = tuple[float, float, float]

HOLDOUT = "AMS"
"""The hospital whose patients are never trained on, and are the ones that the raters segment."""


@dataclass(frozen=True)
class Hospital:
    """A scanner: voxel sizes in mm (x, y, z), how the moving sequences are stored and tilted, and its grey scale."""

    name: str
    manufacturer: str
    field_strength_t: float
    reference_mm: Spacing
    moving_mm: Spacing
    stored_as: str
    oblique_degrees: float
    gain: float
    noise: float


HOSPITALS = {
    hospital.name: hospital
    for hospital in (
        Hospital("AMS", "Philips", 3.0, (2.0, 2.0, 2.0), (2.0, 2.0, 2.6), "RAS", 0.0, 1.00, 0.022),
        Hospital("STO", "Siemens", 1.5, (2.0, 2.0, 2.2), (2.2, 2.2, 2.2), "LPS", 0.0, 0.80, 0.030),
        Hospital("GRO", "Siemens", 1.5, (1.9, 1.9, 2.4), (2.0, 2.0, 2.8), "LAS", 0.0, 1.15, 0.026),
        Hospital("MIL", "Philips", 1.5, (2.0, 2.0, 2.0), (2.2, 2.0, 2.2), "RAS", 8.0, 0.95, 0.028),
        Hospital("SFR", "GE", 3.0, (1.9, 1.9, 2.1), (2.0, 2.0, 2.4), "LPS", 0.0, 1.30, 0.022),
        Hospital("PAR", "GE", 3.0, (2.1, 2.1, 2.0), (2.6, 2.0, 2.0), "PSR", 0.0, 0.90, 0.024),
        Hospital("GOT", "Philips", 1.5, (2.0, 2.0, 2.2), (2.1, 2.1, 2.5), "LPS", 10.0, 1.05, 0.028),
    )
}
"""Numbers are made up, within what the article's hospitals could have; the names are those of its Table 2."""

_GROSS_TOTAL = {
    "toy": {
        "AMS": (True, False, False, True, False, False, True, False),
        "STO": (False, True, False),
        "GRO": (False, True),
        "MIL": (True, False),
        "SFR": (False, False, True),
        "PAR": (True, False, False),
        "GOT": (False, True, False),
    },
    "micro": {"AMS": (False, True), "STO": (False, True, False), "GOT": (False, False, True)},
}
"""For each hospital, whether its patients, in turn, had gross total resection (GTR)."""


@dataclass(frozen=True)
class Assignment:
    """One patient to simulate: the number that seeds it, its id, hospital and whether resection was gross total."""

    number: int
    patient: str
    hospital: Hospital
    gross_total: bool


def planned(patients: int, like: Like = "toy") -> list[Assignment]:
    """The first ``patients`` patients of the plan.

    Hospitals take one patient each in turn until each has its share (toy: AMS 8, STO 3, GRO 2, MIL 2, SFR 3, PAR 3,
    GOT 3; micro: AMS 2, STO 3, GOT 3). Further patients go on cyclically over all hospitals, and each hospital's
    sequence of GTR and residual tumour starts again.
    Raises ``ResiduaError`` when there are too few patients for every fold to have both kinds.
    """
    shares = _GROSS_TOTAL[like]
    least = sum(len(share) for share in shares.values())
    if patients < least:
        raise ResiduaError(f"a simulated cohort like '{like}' needs at least {least} patients, not {patients}")
    plan: list[Assignment] = []
    counts = dict.fromkeys(shares, 0)
    for name in cycle(shares):
        if len(plan) == patients:
            return plan
        share, count = shares[name], counts[name]
        if count < len(share) or len(plan) >= least:
            counts[name] += 1
            patient = f"{name}{counts[name]:03d}"
            plan.append(Assignment(len(plan), patient, HOSPITALS[name], share[count % len(share)]))
    raise AssertionError("a cycle does not end")
