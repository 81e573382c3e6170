"""Build the tables of the resections: agreement of extents and classes, and the classes against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.cells import NOT_AVAILABLE, number
from residua.tables.models import SPLITS
from residua.tables.render import Cell, Table

_NO_ROWS = "No rows: no measured patient has a mask of the tumour before surgery."


def resection(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Compare predicted with reference extents and classes, by split and hospital."""
    level = f"{100 * (1 - statistics.alpha):g} %"
    caption = (
        "Supplement: extent of resection (EOR; not in the article) of the patients whose tumour before surgery was "
        "drawn, each network with its best inputs for segmentation. EOR: 100 · (V before − V after) / V before, each "
        "volume in its own scan; undefined without tumour before surgery. Medians. Range: from the lowest to the "
        "highest EOR that the ensemble and each of its folds' models find, median width in points, and the patients "
        "whose EOR by the reference it holds; it shows how far the models disagree and is no confidence interval; "
        "networks of elsewhere have none. Bias and limits of agreement (Bland and Altman): network − reference in "
        f"points, with {level} intervals (Student's t, differences taken as normal). Complete: 0 cm³ left; GTR: less "
        "than the study's cut; patients by the reference / by the network. Same class: patients; κ: quadratically "
        "weighted, with "
        f"{level} percentile bootstrap intervals from {statistics.bootstrap_resamples} resamples of patients. RANO "
        "resect (2023) goes by the volume left, Raidionics by percent and volume, so that patients without tumour "
        "before surgery have no class by it. Patients of one hospital are taken as independent."
    )
    rows = [_resection_row(row, arch_labels) for row in frame.to_dict("records")]
    if not rows:
        return Table(pd.DataFrame(columns=["Model", "Data", "Hospital"]), caption, (_NO_ROWS,))
    made = pd.DataFrame(rows, dtype=object)
    return Table(made if any(made["Note"]) else made.drop(columns="Note"), caption)


def _resection_row(row: Mapping[Any, Any], arch_labels: Mapping[str, str]) -> dict[str, object]:
    n, undefined = int(row["n"]), int(row["undefined"])
    return {
        "Model": f"{arch_labels.get(row['arch'], row['arch'])} {row['inputs']}",
        "Data": SPLITS[row["split"]],
        "Hospital": row["hospital"] or "all",
        "Patients": int(row["patients"]),
        "EOR, reference (%)": Cell(number(row["extent_reference"], 1), n, undefined),
        "EOR, network (%)": Cell(number(row["extent_predicted"], 1), n, undefined),
        "Range (points)": Cell(number(row["range_median"], 1), int(row["range_n"])),
        "Range holds reference": _of(row["range_holds_reference"], row["range_n"]),
        "Bias": _estimate(row, "bias", 1),
        "Lower limit": _estimate(row, "lower", 1),
        "Upper limit": _estimate(row, "upper", 1),
        "Complete": f"{row['complete_reference']} / {row['complete_predicted']}",
        "GTR": f"{row['gross_total_reference']} / {row['gross_total_predicted']}",
        "Same class, RANO": _of(row["same_rano"], row["patients"]),
        "κ, RANO": _estimate(row, "kappa_rano"),
        "Same class, Raidionics": _of(row["same_raidionics"], row["n"]),
        "κ, Raidionics": _estimate(row, "kappa_raidionics"),
        "Note": row["note"],
    }


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else NOT_AVAILABLE


def _estimate(row: Mapping[Any, Any], name: str, decimals: int = 2) -> str:
    # Adding 0 makes a rounded −0 a plain one.
    estimate, low, high = (
        number(round(row[f"{name}{end}"], decimals) + 0.0, decimals) for end in ("", "_low", "_high")
    )
    return estimate if np.isnan(row[f"{name}_low"]) else f"{estimate} [{low}, {high}]"


def rano(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Count patients by the class of RANO resect: a row per class of the reference, a column per predicted one."""
    rows: dict[tuple[Any, ...], dict[str, object]] = {}
    for row in frame.to_dict("records"):
        key = (row["arch"], row["inputs"], row["split"], row["reference"])
        names: dict[str, object] = {
            "Model": f"{arch_labels.get(row['arch'], row['arch'])} {row['inputs']}",
            "Data": SPLITS[row["split"]],
            "Class by the reference": row["reference"],
        }
        rows.setdefault(key, names)[f"{row['predicted']} by the network"] = int(row["patients"])
    caption = (
        "Supplement: classes of RANO resect (2023; not in the article) by the volume that is left, the network's "
        "against the reference's: patients whose tumour before surgery was drawn. 1/2A: complete, 0 cm³ (the part that "
        "does not enhance is not measured, so that 1 and 2A are one class); 2B: at most 1 cm³; 3A: at most 5 cm³; 3B: "
        "more. Class 4, biopsy, cannot be seen from a volume."
    )
    if not rows:
        return Table(pd.DataFrame(columns=["Model", "Data"]), caption, (_NO_ROWS,))
    return Table(pd.DataFrame(list(rows.values()), dtype=object), caption)
