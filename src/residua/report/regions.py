"""Say how much tumour lies outside of the region that networks see: nobody finds it, and every metric counts it."""

from __future__ import annotations

import pandas as pd

from residua.report.wording import counted, percent
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.regions import regions_of
from residua.settings.study import Study


def outside_regions(study: Study, measures: str | None) -> tuple[str, ...]:
    """Return a paragraph on the residual tumour that regions leave out, from the table of quality measures (Parquet).

    None where every network sees the whole brain.
    """
    if measures is None or not regions_of(study):
        return ()
    frame = pd.read_parquet(measures, columns=["patient", "subject", "measure", "value"])
    residual = frame[frame["subject"] == REFERENCE_STANDARD].pivot(index="patient", columns="measure", values="value")
    lost, whole = residual["outside_region_ml"].fillna(0.0), residual["volume_ml"]
    losing = int((lost > 0).sum())
    if not losing:
        return ("No residual tumour lies outside of the regions that networks see.",)
    share = float(lost.sum() / whole.sum())
    affected = counted(losing, "patient")
    return (
        f"Of {whole.sum():.1f} ml residual tumour, {lost.sum():.2f} ml ({percent(share)}) lie outside of the region "
        f"that the most confined network sees, in {affected} of {int((whole > 0).sum())} with residual tumour; in "
        f"{int((lost == whole)[whole > 0].sum())} of them all of it. No network finds it there, and every metric "
        "counts it as missed.",
    )
