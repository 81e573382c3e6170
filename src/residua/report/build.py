"""Put the report together from the files of a run."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from residua.pages.layout import rendered
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import read_json, write_text
from residua.quality.flags import read_flags
from residua.report import provenance
from residua.report.abstract import abstract, headlines
from residua.report.article_settings import differing
from residua.report.before_surgery import with_starts
from residua.report.beside import beside_the_article
from residua.report.checklist_answers import Run
from residua.report.citations import cited
from residua.report.cohort import cohort_facts, eligibility, is_the_articles_cohort, patients_by_hospital
from residua.report.combinations import combinations
from residua.report.conventions import conventions
from residua.report.corrections import corrections
from residua.report.deviations import applying
from residua.report.findings import conservative, t1w_gain
from residua.report.framing import design, software
from residua.report.manuscript import texts_of, write_manuscript
from residua.report.methods import methods
from residua.report.nested import nested
from residua.report.paired import paired
from residua.report.patients import Patients
from residua.report.prognosis import prognosis
from residua.report.quality import quality
from residua.report.ranks import ranks
from residua.report.regions import outside_regions
from residua.report.significance import significance
from residua.report.subgroups import subgroups
from residua.report.thresholds import NAMES, SCORES, other_rule, thresholds
from residua.settings.study import Study
from residua.statistics.cases import positive, read_cases
from residua.tables.html import to_html
from residua.tables.render import Table
from residua.version import __version__

_PLACES = {
    **dict.fromkeys(("table1", "table2", "table_s2", "baseline"), "cohort"),
    "table3": "segmentation",
    "table4": "classification",
    "conventions": "classification",
    **dict.fromkeys(("resection", "rano"), "resection"),
    **dict.fromkeys(("prognosis", "survival"), "prognosis"),
    **dict.fromkeys(("between_hospitals", "subgroup_tests", "subgroups"), "subgroups"),
}
"""The section of a table; all others are those behind the statistics."""

_TITLES = {
    "table1": "Table 1",
    "table2": "Table 2",
    "table3": "Table 3",
    "table4": "Table 4",
    "table_s2": "Table S2",
    "baseline": "Baseline characteristics",
    "tukey": "Tables S3 and S4: inputs against each other",
    "architectures": "Table S5: networks against each other",
    "intervals": "Intervals of the classification",
    "overlaps": "Tables S6 and S7: models whose intervals overlap",
    "raters": "Tables S8 and S9: networks against raters",
    "rater_ranks": "Networks among the raters",
    "resection": "Extent of resection",
    "rano": "Classes of RANO resect",
    "prognosis": "Hazard ratios of what surgery left",
    "survival": "Survival of groups",
    "subsets": "Channels that are missing",
    "conventions": "Conventions of evaluation",
    "nested": "What choices add to out-of-fold performance",
    "subgroups": "Subgroups",
    "subgroup_tests": "Subgroups: one test of each covariate",
    "between_hospitals": "Hospitals against each other",
    "paired_dice": "Paired comparisons: Dice",
    "paired_friedman": "Paired comparisons: all inputs together",
    "paired_classification": "Paired comparisons: classification",
    "paired_auroc": "Paired comparisons: area under the ROC curve",
    "paired_raters": "Paired comparisons: raters",
}
_LONG = 20
"""A table with more rows is folded."""


@dataclass(frozen=True)
class Sources:
    """The files of a run: one each, or by name, by network and input configuration, and by fold."""

    folds: str
    tables: Mapping[str, str]
    figures: Mapping[str, tuple[str, str]]
    metrics: Sequence[str]
    statistics: Mapping[str, str]
    thresholds: Mapping[tuple[str, str], str]
    models: Mapping[tuple[str, str, int], str]
    flags: str
    left_out: Sequence[str] = ()
    measures: str | None = None
    starts: Mapping[tuple[str, int], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Making:
    """Settings of the run, names of its networks, digests of code and environments, and notes on other networks.

    ``corrected`` counts the references that were corrected after review, in all and of the holdout; ``lacking_before``
    are the patients of the folds whose scan before surgery or its mask is missing.
    """

    study: Study
    labels: Mapping[str, str]
    stages: Mapping[str, str]
    environments: Mapping[str, Mapping[str, Any]]
    elsewhere: Sequence[str] = ()
    corrected: Mapping[str, int] = field(default_factory=dict)
    lacking_before: Sequence[str] = ()


@dataclass(frozen=True)
class _Shown:
    """A table of the page; a long one is folded."""

    title: str
    fragment: Markup
    long: bool


@dataclass(frozen=True)
class _Figure:
    """A picture of the page and its caption."""

    source: str
    caption: str


def write_report(sources: Sources, making: Making, out: str | PathLike[str]) -> None:
    """Write the report.

    The methods for a manuscript and the checklists come beside it. The same files give the same pages. Raises
    ``ResiduaError`` when a file of the run is damaged.
    """
    known = _known(sources, making)
    write_text(out, rendered("residua.report", "template.html", **_contents(sources, making, known)))
    write_manuscript(Path(out).parent, known)


def _known(sources: Sources, making: Making) -> Run:
    study, cohort = making.study, cohort_facts(read_json(sources.folds))
    statistics = {name: pd.read_parquet(file) for name, file in sources.statistics.items()}
    there = (name in statistics for name in ("resection", "prognosis"))
    described = methods(study, making.labels, "raters" in statistics, cohort.folds, *there)
    described = with_starts(described, making.labels, sources.starts, making.lacking_before)
    return Run(
        study=study,
        labels=making.labels,
        cohort=cohort,
        cases=read_cases(sources.metrics),
        statistics=statistics,
        passages=(design(study), *described, software(making.environments)),
        quality=(
            *quality(read_flags(sources.flags), cohort.patients, left_out_in(sources.left_out)),
            *outside_regions(making.study, sources.measures),
        ),
        tables=tuple(sources.tables),
    )


def _contents(sources: Sources, making: Making, known: Run) -> dict[str, Any]:
    study, labels, cases = known.study, known.labels, known.cases
    cohort, statistics, patients = known.cohort, known.statistics, Patients(cases)
    answers = [
        t1w_gain(cases, study, labels, statistics["inputs"]),
        conservative(cases, study, labels, statistics["overlaps"]),
        significance(statistics, labels, Patients(positive(cases, study.classification)), patients),
        paired(statistics, labels, study.statistics, patients.alike),
        nested(statistics["nested"], labels),
        combinations(cases, study, labels),
        conventions(statistics.get("conventions"), labels),
        prognosis(statistics.get("prognosis"), labels, study.statistics.alpha),
        subgroups(statistics, labels, study.statistics),
        ranks(statistics.get("rater_ranks"), labels, study.statistics),
    ]
    return {
        "title": study.title,
        "abstract": abstract(study, cohort, cases, labels),
        "headlines": headlines(study, cases, statistics["intervals"], labels),
        "cohort": cohort,
        "eligibility": eligibility(study.eligibility, cases),
        "quality": known.quality,
        "corrected": corrections(making.corrected),
        "tables": _tables(sources.tables),
        "figures": {name: _figure(*pair) for name, pair in sources.figures.items()},
        "methods": [passage.spelled_out() for passage in known.passages],
        "references": cited(texts_of(known.passages)),
        "elsewhere": making.elsewhere,
        "findings": [finding for finding in answers if finding],
        "beside": [_fragment(table) for table in beside_the_article(cases, study, labels)],
        "same_cohort": is_the_articles_cohort(patients_by_hospital(read_json(sources.folds))),
        "deviations": applying(study),
        "differing": differing(study),
        "worst_cases": study.report.cases,
        **_making(sources, making, study),
    }


def _making(sources: Sources, making: Making, study: Study) -> dict[str, Any]:
    records = {model: read_json(file) for model, file in sources.thresholds.items()}
    return {
        "thresholds": thresholds(records, making.labels),
        "score": SCORES[study.postprocessing.rule],
        "other_rule": NAMES[other_rule(study.postprocessing.rule)],
        "other_score": SCORES[other_rule(study.postprocessing.rule)],
        "version": __version__,
        "study_version": study.version,
        "settings_digest": provenance.study_digest(study),
        "stages": making.stages,
        "environments": making.environments,
        "models": provenance.trained_models(sources.models, making.labels),
    }


def _tables(sources: Mapping[str, str]) -> dict[str, list[_Shown]]:
    """Sort the tables by section. Their HTML comes from ``residua.tables.html``, which escapes every text."""
    placed: dict[str, list[_Shown]] = {
        "cohort": [],
        "segmentation": [],
        "classification": [],
        "resection": [],
        "prognosis": [],
        "subgroups": [],
        "behind": [],
    }
    for name, file in sources.items():
        fragment = Path(file).read_text(encoding="utf-8")
        title = _TITLES.get(name, name[:1].upper() + name[1:])
        placed[_PLACES.get(name, "behind")].append(_Shown(title, Markup(fragment), fragment.count("<tr>") > _LONG))
    return placed


def _fragment(table: Table) -> Markup:
    return Markup(to_html(table))


def _figure(png: str, words: str) -> _Figure:
    encoded = base64.b64encode(Path(png).read_bytes()).decode("ascii")
    return _Figure(f"data:image/png;base64,{encoded}", Path(words).read_text(encoding="utf-8").strip())
