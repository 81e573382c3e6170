"""Tell how survival was judged, and what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.report.facts import p_in_words
from residua.report.findings import Finding
from residua.report.wording import counted, plain
from residua.settings.elsewhere import MADE_ELSEWHERE, SEEN
from residua.settings.study import Study
from residua.tables.parts import level, model_of

_WHAT = {
    "log_volume": "residual volume (for each unit of ln(1 + ml))",
    "gross_total": "gross total resection (against residual tumour)",
    "extent": "extent of resection (for each 10 points)",
}


def how_prognosis(study: Study) -> tuple[str, ...]:
    """Return the paragraphs of the methods."""
    return (
        "Survival is counted from surgery to death, or to the day on which the patient was last known to be alive. It "
        "was judged by the residual volume as ln(1 + ml), by gross total resection (less than "
        f"{plain(study.classification.residual_tumor_ml)} ml) and by the extent of resection where the tumour before "
        "surgery was drawn, each alone, from the manual segmentation and from each network's best inputs, on the same "
        "patients: those whom all networks judge. Every prediction of the study's own networks is by models that have "
        "not seen the patient, out of fold or of the hold-out, so that both take part together, each with a baseline "
        f"hazard of its own.{_of_others(study)} A person with several scans counts once.",
        "Survival was estimated with log-log intervals [@kaplan1958], hazard ratios by Cox regression [@cox1972] (ties "
        f"as Efron, Wald's {level(study.statistics)} intervals), discrimination by concordance [@harrell1982], and "
        "groups were compared by the log-rank test. Proportional hazards were checked by the scaled Schoenfeld "
        "residuals against ranks of time [@grambsch1994]; the regression and this check are those of lifelines "
        "[@davidsonpilon2019]. Age, treatment and molecular markers are not adjusted for, so that no effect "
        "of surgery can be read from these numbers.",
    )


def _of_others(study: Study) -> str:
    """Say what the networks of elsewhere may have seen."""
    said = (f"{other.label} ({MADE_ELSEWHERE}): {SEEN[other.has_seen_patients]}." for other in study.elsewhere.values())
    return "".join(f" {sentence}" for sentence in said)


def prognosis(frame: pd.DataFrame | None, labels: Mapping[str, str], alpha: float) -> Finding | None:
    """Tell every hazard ratio, and whether proportional hazards are contradicted; None: survival was not judged."""
    if frame is None:
        return None
    rows = frame.to_dict("records")
    sentences = [_sentence(row, labels) for row in rows]
    return Finding("What does the tumour that is left tell about survival?", (*sentences, _steady(rows, labels, alpha)))


def _sentence(row: Mapping[Any, Any], labels: Mapping[str, str]) -> str:
    what = f"{_WHAT[row['predictor']].capitalize()} by {_source(row, labels)}"
    followed = f"{counted(row['n'], 'patient')}, {counted(row['deaths'], 'death')}"
    if row["unknown"]:
        followed += f"; survival of {row['unknown']} more is not known"
    if row["not_judged"]:
        followed += f"; {row['not_judged']} more not judged by all networks"
    if pd.isna(row["ratio"]):
        return f"{what} ({followed}): the hazard ratio is {row['note']}."
    return (
        f"{what} ({followed}): hazard ratio {row['ratio']:.2f}, interval {row['low']:.2f} to {row['high']:.2f}, "
        f"{p_in_words(row['p_value'])}, concordance {_concordance(row)}."
    )


def _concordance(row: Mapping[Any, Any]) -> str:
    return str(row["concordance_note"]) if pd.isna(row["concordance"]) else f"{row['concordance']:.2f}"


def _steady(rows: list[dict[Any, Any]], labels: Mapping[str, str], alpha: float) -> str:
    checked = [row for row in rows if not pd.isna(row["steady_p"])]
    if not checked:
        reasons = dict.fromkeys(row["steady_note"].removeprefix("not estimable: ") for row in rows)
        return f"Whether hazards are proportional is not estimable: {'; '.join(reasons)}."
    against = [f"{_WHAT[row['predictor']]} by {_source(row, labels)}" for row in checked if row["steady_p"] < alpha]
    if not against:
        return f"No check of the {len(checked)} contradicts proportional hazards, which a small study seldom could."
    return (
        f"The scaled Schoenfeld residuals contradict proportional hazards of {'; '.join(against)}: these hazard ratios "
        "are averages over a follow-up in which the effect changes."
    )


def _source(row: Mapping[Any, Any], labels: Mapping[str, str]) -> str:
    return model_of({**row, "arch": row["source"]}, labels) if row["inputs"] else "the manual segmentation"
