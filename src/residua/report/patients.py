"""Say which models of a run have different patients, as input configurations may under ``eligibility: per_inputs``."""

from __future__ import annotations

import pandas as pd


class Patients:
    """The patients of each model (a network and its input configuration) on each split.

    >>> models = {"inputs": ["A", "A", "B"], "patient": ["AMS1", "AMS2", "AMS2"]}
    >>> found = Patients(pd.DataFrame({"arch": "nnunet", "split": "test", **models}))
    >>> found.apart("test", ("nnunet", "A"), ("nnunet", "B"))
    ' (of different patients: 2 and 1, 1 in both)'
    >>> found.apart("test", ("nnunet", "A"), ("nnunet", "A")), found.alike
    ('', False)
    """

    def __init__(self, cases: pd.DataFrame) -> None:
        """Read them from the measurements: one row per network, input configuration and patient."""
        grouped = cases.groupby(["split", "arch", "inputs"], sort=False)["patient"]
        self._of = {(str(split), str(arch), str(inputs)): frozenset(who) for (split, arch, inputs), who in grouped}

    def of(self, split: str, model: tuple[str, str]) -> frozenset[str]:
        """Return the patients of a network with its inputs; none where it was not measured on the split."""
        return self._of.get((split, *model), frozenset())

    def apart(self, split: str, one: tuple[str, str], other: tuple[str, str]) -> str:
        """Say in brackets how many patients two models have; empty where they have the same."""
        first, second = self.of(split, one), self.of(split, other)
        if first == second:
            return ""
        return f" (of different patients: {len(first)} and {len(second)}, {len(first & second) or 'none'} in both)"

    @property
    def alike(self) -> bool:
        """Whether all models of a split have the same patients."""
        return len({(split, who) for (split, _, _), who in self._of.items()}) == len(
            {split for split, _, _ in self._of}
        )


NOBODY = Patients(pd.DataFrame(columns=["split", "arch", "inputs", "patient"]))
"""No patients of any model, of which nothing is to be said."""
