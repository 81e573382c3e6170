"""Read the printed Table 2, which only tests compare with a split: the library needs Tables 1, 3 and 4."""

from __future__ import annotations

from importlib.resources import files

import pandas as pd


def printed_table2() -> pd.DataFrame:
    """Read Table 2 by set ("0" to "4", "holdout"): hospitals, separated by blanks, and patients."""
    with files("residua.article").joinpath("table2.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream).astype({"patients_train": "Int64", "patients_validation": "Int64"})
