"""Build the table of the nested estimates: what choices add to out-of-fold performance."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.cells import NOT_AVAILABLE, number
from residua.tables.parts import table_of
from residua.tables.render import Cell, Table

_MEASURES = {"segmentation": "DSC-P (%)", "classification": "bAcc (%)"}


def nested(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List each network's out-of-fold performance by choices on all folds, and without the fold that is judged."""
    rows = [
        {
            "Arch.": arch_labels.get(row["arch"], row["arch"]),
            "Measure": _MEASURES[row["experiment"]],
            "Chosen": row["chosen"],
            "Input": row["inputs"] or NOT_AVAILABLE,
            "Chosen on all folds": Cell(number(row["pooled"]), 0 if pd.isna(row["n"]) else int(row["n"])),
            "Chosen without the fold": number(row["nested"]),
            "Optimism (points)": number(row["optimism"]),
            "Choice without each fold": row["without"] or NOT_AVAILABLE,
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Nested estimates. Out-of-fold performance is optimistic where the threshold, or the best of several inputs, "
        "is chosen on the patients who are then judged. Here each fold is also judged by what the other folds choose. "
        "Optimism: the difference. Input: that of the study for the threshold alone, else the best on all folds. "
        "DSC-P: mean Dice of the patients with residual tumour; bAcc: balanced accuracy, pooled over the folds as in "
        "Table 4. The hold-out plays no part."
    )
    keys = ("Arch.", "Measure", "Chosen", "Input")
    return table_of(rows, caption, keys, "no network has a threshold that was chosen out of fold.")
