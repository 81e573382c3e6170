"""The printed values of either version: "preprint" (with Tables 1 to 4) or "article" (reviewed, text only).

Where the versions disagree, the article is the later one. ``not_available`` names what neither version holds; it is
never made up.
"""

from __future__ import annotations

from importlib.resources import files

import pandas as pd


def printed_table1() -> pd.DataFrame:
    """Read Table 1 by hospital: patients, rt, gtr and rt_ratio_percent."""
    return _read("table1")


def printed_table3() -> pd.DataFrame:
    """Read Table 3 by inputs, split ("validation", "test") and arch: mean and sd of each metric, in percent.

    A missing sd was not printed: patient-wise rates of the one test set, and rates of 100.00.
    """
    return _read("table3")


def printed_table4() -> pd.DataFrame:
    """Read Table 4 by inputs, split and arch: mean and sd of sensitivity, specificity and balanced accuracy (%)."""
    return _read("table4")


def printed_text() -> pd.DataFrame:
    """Read the numbers of the running text by experiment and key: value as printed, unit, and what it is of."""
    return _read("text", text=True)


def printed_value(version: str, experiment: str, key: str) -> str:
    """Return one value of ``printed_text``, as printed. Raises ``KeyError`` for one that the version does not have."""
    values = printed_text().set_index(["version", "experiment", "key"])["value"].to_dict()
    return str(values[version, experiment, key])


def not_available() -> pd.DataFrame:
    """Return what the article reports but neither version holds, and why."""
    return _read("not_available", text=True)


def _read(name: str, text: bool = False) -> pd.DataFrame:
    with files("residua.article").joinpath(f"{name}.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream, dtype=str if text else None, keep_default_na=not text)
