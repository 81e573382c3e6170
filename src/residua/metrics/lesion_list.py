"""List the lesions of all networks and input configurations (stage ``list_lesions``)."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def lesion_list(files: Iterable[str]) -> pd.DataFrame:
    """Return the rows of all files, one below the other.

    >>> for name in "AB":
    ...     pd.DataFrame({"inputs": [name], "lesion": [1]}).to_parquet(f"{name}.parquet")
    >>> lesion_list(["A.parquet", "B.parquet"])["inputs"].tolist()
    ['A', 'B']
    """
    tables = [pd.read_parquet(file) for file in files]
    # A table without a row has no types, which would turn numbers of lesions into fractions.
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
