"""The score of a distribution of hospitals among folds: how far the folds are from equal shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

Score = tuple[int, ...]


class HospitalCounts(NamedTuple):
    """Number of patients of a hospital or a fold, and of its patients with residual tumour."""

    patients: int
    positives: int

    def plus(self, other: HospitalCounts) -> HospitalCounts:
        """Return the sum."""
        return HospitalCounts(self.patients + other.patients, self.positives + other.positives)

    def minus(self, other: HospitalCounts) -> HospitalCounts:
        """Return the difference."""
        return HospitalCounts(self.patients - other.patients, self.positives - other.positives)


@dataclass(frozen=True)
class Sharing:
    """Hospitals, the largest first, to be distributed among ``number`` folds. A placement is the fold of each.

    The deviation of fold f, of n_f patients and r_f with residual tumour, from N patients and R with residual tumour
    in ``number`` = k folds is the larger of |k·n_f/N − 1| and |k·r_f/R − 1|: how far it is from an equal share, of
    either. Where both shares are equal, so is the ratio r_f/n_f; unlike the ratio, they are linear in what is chosen.
    The best placement has the smallest largest deviation, then the smallest second largest, and so on. The largest
    alone is not enough: a hospital larger than a fold's share fixes it, however badly the others are distributed.
    """

    sizes: tuple[HospitalCounts, ...]
    number: int

    @cached_property
    def total(self) -> HospitalCounts:
        """Return the counts of all hospitals."""
        return HospitalCounts(sum(size.patients for size in self.sizes), sum(size.positives for size in self.sizes))

    @property
    def unit(self) -> int:
        """Return the score of a deviation of 1: a whole number, so that equal scores compare as equal."""
        return self.total.patients * max(self.total.positives, 1)

    def folds(self, places: Sequence[int]) -> list[HospitalCounts]:
        """Return the counts of every fold."""
        folds = [HospitalCounts(0, 0)] * self.number
        for size, place in zip(self.sizes, places, strict=True):
            folds[place] = folds[place].plus(size)
        return folds

    def score(self, folds: Iterable[HospitalCounts]) -> Score:
        """Return the folds' deviations in units of 1/``unit``, from the largest; the smaller tuple is better."""
        return tuple(sorted((self.deviation(fold) for fold in folds), reverse=True))

    def deviation(self, fold: HospitalCounts) -> int:
        """Return how far a fold is from an equal share, in units of 1/``unit``; where R is 0 only patients count."""
        patients = abs(self.number * fold.patients - self.total.patients) * max(self.total.positives, 1)
        positives = abs(self.number * fold.positives - self.total.positives) * self.total.patients
        return max(patients, positives)


def deviations(counts: Mapping[str, HospitalCounts], placement: Mapping[int, Sequence[str]]) -> dict[int, float]:
    """Return how far each fold of a placement is from an equal share of patients or tumour (see ``Sharing``)."""
    hospitals = {name: fold for fold, names in placement.items() for name in names}
    number = {fold: index for index, fold in enumerate(placement)}
    sharing = Sharing(tuple(counts[name] for name in hospitals), len(placement))
    folds = sharing.folds([number[fold] for fold in hospitals.values()])
    return {fold: sharing.deviation(folds[index]) / sharing.unit for fold, index in number.items()}
