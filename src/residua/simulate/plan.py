"""Plan the patients of a simulated cohort: hospital, residual tumour or none, and missing sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from residua.errors import ResiduaError
from residua.simulate.design import Design

_T = TypeVar("_T")
_LACKING = (
    ("post_t1",), ("post_flair",), ("pre_t1ce",), ("post_flair",), ("post_t1",),
    ("post_t1ce",), ("post_flair", "pre_t1ce"), ("post_t1", "post_flair"),
)  # fmt: skip
"""Missing sequences, in turn; invented: the article reports only about 150 patients without one sequence or more."""
_FIRST_LACKING = 1_000_000
"""First number of the patients without a sequence, so that they use no number of the others."""


@dataclass(frozen=True)
class Assignment:
    """One patient to simulate; ``number`` is part of the seed, ``lacking`` names the missing sequences."""

    number: int
    patient: str
    hospital: str
    residual_tumor: bool
    rated: bool
    lacking: tuple[str, ...] = ()


def planned(patients: int, design: Design) -> list[Assignment]:
    """Return the first ``patients`` complete patients of the design, and those between them without a sequence.

    The order is the same for all sizes: a larger cohort begins with the patients of a smaller one. After
    ``design.patients`` each hospital has exactly its patients, and as many with residual tumour as the design demands;
    then the order repeats. Raises ``ResiduaError`` if there are too few patients for a study.
    """
    if patients < design.least_patients:
        raise ResiduaError(f"a cohort of this design needs at least {design.least_patients} patients, not {patients}")
    return [each for group in islice(_groups(design), patients) for each in group]


def _groups(design: Design) -> Iterator[list[Assignment]]:
    """Yield each complete patient, followed by the patients due then without a sequence."""
    hospitals = in_proportion({name: hospital.patients for name, hospital in design.hospitals.items()})
    elsewhere = in_proportion({name: hospital.patients for name, hospital in design.hospitals.items()})
    kinds = {
        name: in_proportion(
            {True: hospital.residual_tumor, False: hospital.patients - hospital.residual_tumor},
        )
        for name, hospital in design.hospitals.items()
    }
    counts, left_out = dict.fromkeys(design.hospitals, 0), dict.fromkeys(design.hospitals, 0)
    number = lacking = 0
    while True:
        name = next(hospitals)
        counts[name] += 1
        rated = name == design.raters_hospital and counts[name] <= design.rated_patients
        group = [Assignment(number, f"{name}{counts[name]:03d}", name, next(kinds[name]), rated)]
        number += 1
        while lacking < design.lacking * number // design.patients:
            name = next(elsewhere)
            left_out[name] += 1
            missing = _LACKING[lacking % len(_LACKING)]
            patient, seed = f"{name}X{left_out[name]:03d}", _FIRST_LACKING + lacking
            group.append(Assignment(seed, patient, name, lacking % 3 < 2, False, missing))
            lacking += 1
        yield group


def in_proportion(shares: Mapping[_T, int]) -> Iterator[_T]:
    """Yield without end the name with the least used share; counts are exact whenever all shares are used up."""
    total = sum(shares.values())
    dealt = dict.fromkeys(shares, 0)
    drawn = 0
    while True:
        drawn += 1
        chosen = max(shares, key=lambda name: shares[name] * drawn - dealt[name] * total)
        dealt[chosen] += 1
        yield chosen
