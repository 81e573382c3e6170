"""Let persons with several rated scans enter a comparison once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import pandas as pd

Values = TypeVar("Values", pd.Series, pd.DataFrame)


def of_persons(of_patients: Values, persons: Mapping[str, str]) -> Values:
    """Return the mean over the scans of each person; ``persons`` holds that of each patient, the index.

    Empty ``persons``: every patient is another person.

    >>> scans = pd.Series([0.4, 0.6, 0.9], index=["P1", "P1b", "P2"])
    >>> of_persons(scans, {"P1": "P1", "P1b": "P1"}).to_dict()
    {'P1': 0.5, 'P2': 0.9}
    """
    whose = [persons.get(str(patient), str(patient)) for patient in of_patients.index]
    if len(set(whose)) == len(whose):
        return of_patients
    return of_patients.groupby(whose, sort=False).mean()
