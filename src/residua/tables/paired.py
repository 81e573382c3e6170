"""Build the tables of the paired comparisons: every model and rater sees the same patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.settings.statistics import Statistics
from residua.statistics.detectable import POWER
from residua.statistics.pairs import NETWORKS
from residua.tables.cells import NOT_AVAILABLE, interval, number, p_value, yes_or_no
from residua.tables.models import SPLITS
from residua.tables.parts import level, model_of, table_of, with_reasons
from residua.tables.references import reference_name
from residua.tables.render import Cell, Table

Row = Mapping[Any, Any]
_KEYS = ("Family", "Data", "Model 1", "Model 2")
_CLUSTERS = {"hospital": "Over hospitals", "person": "Over persons"}
_HOLM = "p (Holm): corrected for the other pairs of the same family and data by Holm's method."
_ONE_MODEL = "there is one model only."


def dice(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Compare models by the Dice of the same patients."""
    rows = [
        {
            **_names(row, arch_labels),
            "Difference of DSC-P (points)": Cell(_estimate(row, "mean_difference", 100), row["n"]),
            **_clustered(row, frame, 100),
            **_tested(row),
            "Rank-biserial r": number(row["rank_biserial"]),
            "Cliff's delta": number(row["cliffs_delta"]),
            "Detectable (points)": number(100 * row["detectable"]),
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Paired comparisons: Dice of DSC-P's patients, model 1 minus model 2, patient by patient. In brackets: "
        f"{level(statistics)} intervals of the mean difference, BCa bootstrap over patients, and percentile bootstrap "
        "with hospitals drawn first, then patients within. p: Wilcoxon's signed-rank test, two-sided. "
        f"{_HOLM} Significant: p (Holm) < {statistics.alpha:g}. r: matched-pairs rank-biserial correlation, from −1 to "
        "1; like p, without patients of equal Dice. Delta: how often a Dice of model 1 is larger than one of model 2, "
        "minus how often it is smaller, over all pairs of patients. Detectable: the mean difference that a paired t "
        f"test would have found with power {POWER:g} in as many patients, given the sd of these differences, without "
        "correction. Validation patients are out of fold, by models that share training patients."
    )
    return with_reasons(rows, caption, _KEYS, _ONE_MODEL)


def friedman(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Test the inputs of each network together."""
    rows = [
        {
            "Arch.": arch_labels.get(row["arch"], row["arch"]),
            "Data": SPLITS[row["split"]],
            "Inputs": row["inputs"],
            "Chi-squared": Cell(number(row["chi_squared"]), row["n"]),
            "Degrees of freedom": NOT_AVAILABLE if pd.isna(row["freedom"]) else int(row["freedom"]),
            "Kendall's W": number(row["kendalls_w"], 3),
            "p": p_value(row["p_value"]),
            "Significant": yes_or_no(row["significant"]),
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Paired comparisons: Friedman's test of the inputs of each network, by the Dice of DSC-P's patients that all "
        "of them have. Kendall's W: 0 if the patients agree on no order of the inputs, 1 if all have the same. "
        f"Significant: p < {statistics.alpha:g}."
    )
    return table_of(rows, caption, ("Arch.", "Data", "Inputs"), "no network has two inputs to compare.")


def classification(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Compare models by the classification of the same patients."""
    rows = [
        {
            **_names(row, arch_labels),
            "Right: 1 alone / 2 alone": Cell(f"{row['first_alone']} / {row['second_alone']}", row["n"]),
            **_tested(row),
            "Difference of bAcc (points)": _estimate(row, "mean_difference", 1),
            **_clustered(row, frame, 1),
            "Detectable (points)": number(row["detectable"]),
            "Difference of AUROC": _area(row, "auroc_difference", "auroc_low", "auroc_high"),
            "p, AUROC": p_value(row["auroc_p_value"]),
            "p (Holm), AUROC": p_value(row["auroc_p_holm"]),
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Paired comparisons: classification of the same patients by model 1 and model 2. p: McNemar's exact test of "
        "the patients about whom one alone is right. "
        f"{_HOLM} Significant: p (Holm) < {statistics.alpha:g}. Differences: model 1 minus model 2, with "
        f"{level(statistics)} intervals: bAcc, balanced accuracy, by BCa bootstrap within each class (of all "
        "persons together where one has scans of both classes), and by "
        "percentile bootstrap with hospitals drawn first, then patients within; AUROC, the area under the ROC curve of "
        "the predicted volume, by DeLong's method. Detectable: the difference of bAcc that would have been found with "
        f"power {POWER:g} in as many patients of each class, without correction. Out of fold, bAcc counts all patients "
        "together; Table 4 pools the folds."
    )
    return with_reasons(rows, caption, _KEYS, _ONE_MODEL)


def auroc(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the area under the ROC curve of every model."""
    rows = [
        {
            "Data": SPLITS[row["split"]],
            "Model": model_of(row, arch_labels),
            "AUROC": _area(row, "auroc", "low", "high"),
            "RT": int(row["n_positive"]),
            "GTR": int(row["n_negative"]),
            "Note": row["note"],
        }
        for row in frame.sort_values("split", kind="stable").to_dict("records")
    ]
    caption = (
        "Area under the ROC curve of the predicted volume, for residual tumour (RT) against gross total resection "
        f"(GTR), with {level(statistics)} intervals by DeLong's method, cut at 0 and 1. It does not depend on the "
        "volume from which residual tumour is predicted, but on the threshold of the probabilities."
    )
    return with_reasons(rows, caption, ("Data", "Model"), "there is no model.")


def raters(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Compare the networks with human raters on the same patients, and test whether they are on par."""
    rows = [
        {
            "Reference": reference_name(row["reference"]),
            "Model": model_of(row, arch_labels),
            "Against": row["label"],
            "Difference of Jaccard (points)": Cell(_estimate(row, "mean_difference", 100), row["n"]),
            **_tested(row),
            "Rank-biserial r": number(row["rank_biserial"]),
            "Cliff's delta": number(row["cliffs_delta"]),
            "Interval for equivalence": interval(100 * row["equivalence_low"], 100 * row["equivalence_high"]),
            "p, equivalence": p_value(row["equivalence_p_value"]),
            "On par": yes_or_no(row["equivalent"]),
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Paired comparisons: Jaccard of each network minus that of each rater, or the mean of a group's raters, of the "
        "patients that both segmented and that have residual tumour in the reference. In brackets: "
        f"{level(statistics)} BCa intervals. p: Wilcoxon's signed-rank test. p (Holm): corrected for the other raters, "
        f"or groups, by Holm's method. Significant: p (Holm) < {statistics.alpha:g}. On par: two one-sided paired t "
        f"tests find the mean difference within ±{100 * statistics.equivalence_margin:g} points (p < "
        f"{statistics.alpha:g}, not corrected), as the {100 * (1 - 2 * statistics.alpha):g} % interval then shows. "
        "Neither significant nor on par: these patients do not tell."
    )
    return with_reasons(rows, caption, ("Reference", "Model", "Against"), "there is nothing to compare.")


def family_of(family: str, arch_labels: Mapping[str, str]) -> str:
    """Name a family of tests with the label of its network.

    >>> family_of("inputs of nnunet", {"nnunet": "nnU-Net"}), family_of("networks", {})
    ('Inputs of nnU-Net', 'Networks')
    """
    arch = family.removeprefix("inputs of ")
    return "Networks" if family == NETWORKS else f"Inputs of {arch_labels.get(arch, arch)}"


def _names(row: Row, arch_labels: Mapping[str, str]) -> dict[str, object]:
    models = (model_of(row, arch_labels, "_1"), model_of(row, arch_labels, "_2"))
    return dict(zip(_KEYS, (family_of(row["family"], arch_labels), SPLITS[row["split"]], *models), strict=True))


def _tested(row: Row) -> dict[str, object]:
    return {
        "p": p_value(row["p_value"]),
        "p (Holm)": p_value(row["p_holm"]),
        "Significant": yes_or_no(row["significant"]),
    }


def _clustered(row: Row, frame: pd.DataFrame, scale: float) -> dict[str, object]:
    """Print the intervals over clusters; a kind of cluster that no row has is left out."""
    return {
        title: interval(scale * row[f"{cluster}_low"], scale * row[f"{cluster}_high"])
        for cluster, title in _CLUSTERS.items()
        if frame[f"{cluster}_low"].notna().any()
    }


def _estimate(row: Row, name: str, scale: float) -> str:
    return f"{number(scale * row[name])} {interval(scale * row['low'], scale * row['high'])}"


def _area(row: Row, name: str, low: str, high: str) -> str:
    limits: str = NOT_AVAILABLE if pd.isna(row[low]) else f"{number(row[low], 3)}, {number(row[high], 3)}"
    return f"{number(row[name], 3)} [{limits}]"
