"""Compare Tables 3 and 4 of a run with the article's, where both used the same input channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.article.values import printed_table3, printed_table4
from residua.report.article_settings import ARTICLE_INPUTS
from residua.settings.study import Study
from residua.tables.models import SPLITS
from residua.tables.render import Table
from residua.tables.table3 import BY_OVERLAP, table3
from residua.tables.table4 import table4

_TABLE3: dict[str, str | None] = {
    "DSC-P (%)": "dsc_p",
    "DSC-TP (%)": None,
    BY_OVERLAP: "dsc_tp",
    "Recall (%)": "recall",
    "Precision (%)": "precision",
    "F1 (%)": "f1",
}
_TABLE4: dict[str, str | None] = {
    "Sensitivity (%)": "sensitivity",
    "Specificity (%)": "specificity",
    "bAcc (%)": "balanced_accuracy",
}
_OF_TABLE3 = (
    " The printed DSC-TP fits the patients with overlap, not those found by volume. HD95 and AVE are in neither "
    "available version."
)
_VERSIONS = {"preprint": "the preprint, the article's first version", "article": "the reviewed article"}


def same_inputs(study: Study) -> dict[str, str]:
    """Map input configurations of the study to the article's with the same channels, by name and letter."""
    letters = {frozenset(channels): letter for letter, channels in ARTICLE_INPUTS.items()}
    named = {name: letters.get(frozenset(channels)) for name, channels in study.inputs.items()}
    return {name: letter for name, letter in named.items() if letter}


def beside_the_article(cases: pd.DataFrame, study: Study, labels: Mapping[str, str]) -> list[Table]:
    """Return both tables, each model's published row above this run's; empty when no model is the article's."""
    return [
        table
        for number, published, own, columns in (
            (3, printed_table3(), table3(cases, study.classification, study.statistics, labels), _TABLE3),
            (4, printed_table4(), table4(cases, study.classification, study.statistics, labels), _TABLE4),
        )
        if (table := _beside(number, published, own.frame, columns, study, labels))
    ]


def _beside(
    number: int,
    published: pd.DataFrame,
    own: pd.DataFrame,
    columns: Mapping[str, str | None],
    study: Study,
    labels: Mapping[str, str],
) -> Table | None:
    rows: list[dict[str, Any]] = []
    versions = set()
    for name, letter in same_inputs(study).items():
        for split, data in SPLITS.items():
            for arch in study.archs:
                label = labels.get(arch, arch)
                theirs = published[
                    (published["inputs"] == letter) & (published["split"] == split) & (published["arch"] == arch)
                ]
                ours = own[(own["Input"] == name) & (own["Data"] == data) & (own["Arch."] == label)]
                for record in theirs.to_dict("records") if len(ours) else ():
                    versions.add(record["version"])
                    model = {"Input": name, "Data": data, "Arch.": label}
                    printed = {column: _printed(record, key) for column, key in columns.items()}
                    rows.append({**model, "Source": record["version"], **printed})
                    rows.append({**model, "Source": "this run", **{column: ours.iloc[0][column] for column in columns}})
    if not rows:
        return None
    sources = "; ".join(f"{version}: {_VERSIONS.get(version, version)}" for version in sorted(versions))
    caption = (
        f"Table {number} of the article and of this run, for input configurations with the same channels. {sources}; "
        f"this run: Table {number} above.{_OF_TABLE3 if number == 3 else ''}"
    )
    return Table(pd.DataFrame(rows, dtype=object), caption)


def _printed(record: Mapping[Any, Any], key: str | None) -> str:
    if key is None:
        return "–"
    mean, sd = record[f"{key}_mean"], record[f"{key}_sd"]
    return f"{mean:.2f}" if pd.isna(sd) else f"{mean:.2f}±{sd:.2f}"
