"""Parts that the tables behind the statistics share: rows to a table, names, levels, answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.cells import p_value, yes_or_no
from residua.tables.render import Table


def table_of(rows: Sequence[Mapping[str, object]], caption: str, keys: Sequence[str], none: str) -> Table:
    """Build the table; an empty column "Note" is dropped, and a table without rows states the reason."""
    if not rows:
        return Table(pd.DataFrame(columns=list(keys)), caption, (f"No rows: {none}",))
    frame = pd.DataFrame(list(rows), dtype=object)
    if "Note" in frame and not any(frame["Note"]):
        frame = frame.drop(columns="Note")
    return Table(frame, caption)


def with_reasons(rows: Sequence[Mapping[str, object]], caption: str, keys: Sequence[str], none: str) -> Table:
    """Build the table; the reasons of what is missing stand below it, each once, with the number of its rows."""
    reasons = Counter(reason for row in rows for reason in str(row["Note"]).split("; ") if reason)
    made = table_of([{**row, "Note": ""} for row in rows], caption, keys, none)
    return replace(
        made, notes=(*made.notes, *(f"{number} of {len(rows)} rows: {reason}." for reason, number in reasons.items()))
    )


def answer(row: Mapping[Any, Any]) -> dict[str, object]:
    """Return the cells of the answer of a test.

    >>> answer({"p_value": 0.01, "significant": True, "note": ""})
    {'p': '0.0100', 'Significant': 'yes', 'Note': ''}
    """
    return {"p": p_value(row["p_value"]), "Significant": yes_or_no(row["significant"]), "Note": row["note"]}


def model_of(row: Mapping[Any, Any], arch_labels: Mapping[str, str], which: str = "") -> str:
    """Name the model of a row, or the first ("_1") or second of two.

    >>> model_of({"arch_1": "nnunet", "inputs_1": "B"}, {"nnunet": "nnU-Net"}, "_1")
    'nnU-Net B'
    """
    arch = row[f"arch{which}"]
    return f"{arch_labels.get(arch, arch)} {row[f'inputs{which}']}"


def level(statistics: Statistics) -> str:
    """Write the level of the intervals, such as "95 %"."""
    return f"{100 * (1 - statistics.alpha):g} %"
