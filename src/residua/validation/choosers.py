"""Tell who chose a threshold anew, from the files that the choice left."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def who_chose(candidates: Sequence[str]) -> list[str]:
    """Return the patients in the files of candidates, in order: those drawn whose preparation failed did not choose."""
    return sorted({name for file in candidates for name in pd.read_parquet(file, columns=["patient"])["patient"]})
