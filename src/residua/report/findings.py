"""Answer questions about a run in sentences that are computed from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from residua.metrics.classification import Counts, Rates
from residua.report.facts import FEW, SETS, Model, best_models, classification_of, dice_of_positive, p_in_words
from residua.report.patients import Patients
from residua.report.wording import counted, percent, points
from residua.settings.study import Study

_T1W = "post_t1"
_ARTICLE_CONSERVATIVE, _ARTICLE_OTHER = "agunet", "nnunet"


@dataclass(frozen=True)
class Finding:
    """A question and the answer of this run."""

    question: str
    sentences: tuple[str, ...]


def t1w_gain(cases: pd.DataFrame, study: Study, labels: Mapping[str, str], tukey: pd.DataFrame) -> Finding | None:
    """Compare Dice with and without T1w beside the reference sequence.

    None when no two input configurations differ in T1w alone.
    """
    alone = [name for name, channels in study.inputs.items() if set(channels) == {study.sequences.reference}]
    with_t1w = [n for n, channels in study.inputs.items() if set(channels) == {study.sequences.reference, _T1W}]
    if not alone or not with_t1w:
        return None
    without, beside = alone[0], with_t1w[0]
    sentences, differences, anybody = [], [], False
    for arch in study.archs:
        label = labels.get(arch, arch)
        models = [Model(arch, name, label) for name in (without, beside)]
        dice = {
            split: pd.DataFrame({model.inputs: dice_of_positive(model, cases, split, study) for model in models})
            for split in SETS
        }
        for split, every in dice.items():
            pair = every.dropna()  # Where eligibility is per_inputs, some patients have one of the two only.
            anybody = anybody or len(every) > 0
            if len(pair):
                differences.append(float((pair[beside] - pair[without]).mean()))
            sentences.append(_gain(pair, without, beside, label, SETS[split], len(every) > 0))
        apart = bool(dice["test"].isna().to_numpy().any())
        sentences.append(f"{label}: {_tested(tukey, arch, without, beside, apart)}")
    return Finding(
        f"Does T1w in addition to T1w-CE change Dice (input configuration {beside} against {without})?",
        (_direction(differences, beside, without, anybody), *sentences),
    )


def _gain(pair: pd.DataFrame, without: str, beside: str, label: str, where: str, anybody: bool) -> str:
    if pair.empty and anybody:
        return (
            f"{label}: no {where} patient with residual tumour has both {without} and {beside}, so there is no Dice to "
            "compare."
        )
    if pair.empty:
        return f"{label}: no {where} patient has residual tumour, so there is no Dice to compare."
    difference = pair[beside] - pair[without]
    better = int((difference > 0).sum())
    return (
        f"{label}, {where}, n = {len(pair)} with residual tumour: mean Dice {percent(pair[beside].mean())} with "
        f"{beside} and {percent(pair[without].mean())} with {without}, a difference of {points(difference.mean())} "
        f"percentage points; {beside} is better in {better} of {counted(len(pair), 'patient')}.{_few(len(pair))}"
    )


def _direction(differences: list[float], beside: str, without: str, anybody: bool) -> str:
    if not differences:
        who = f"with residual tumour has both {without} and {beside}" if anybody else "has residual tumour"
        return f"No patient {who}, so there is no Dice to compare."
    signs = {(difference > 0) - (difference < 0) for difference in differences}
    if len(signs) == 1:
        how, than = {1: ("higher", "than"), -1: ("lower", "than"), 0: ("the same", "as")}[signs.pop()]
        return f"In this run mean Dice is {how} with {beside} {than} with {without}, for every network and set."
    how = "higher" if 1 in signs else "lower"
    return (
        f"In this run the answer is not the same for every network and set: mean Dice is {how} with "
        f"{beside} than with {without} in some only."
    )


def _tested(tukey: pd.DataFrame, arch: str, one: str, other: str, apart: bool) -> str:
    """State what the test finds of ``other`` against ``one``; ``apart``: they have different patients."""
    of_arch = tukey[tukey["arch"] == arch]
    rows = of_arch[[set(pair) == {one, other} for pair in of_arch[["inputs_1", "inputs_2"]].itertuples(index=False)]]
    if rows.empty:
        return "the difference was not tested."
    row = rows.iloc[0]
    if pd.isna(row["significant"]):
        return f"Tukey's range test on the hold-out is not possible: {row['note']}."
    finds = "finds this difference significant" if row["significant"] else "does not find this difference significant"
    found = f"{finds} ({p_in_words(row['p_value'])})."
    if not apart:
        return f"Tukey's range test on the hold-out {found}"
    n = {row["inputs_1"]: row["n_1"], row["inputs_2"]: row["n_2"]}
    difference = row["mean_difference"] if row["inputs_1"] == other else -row["mean_difference"]
    return (
        "Tukey's range test on the hold-out compares all patients of each, not those alone who have both: n = "
        f"{n[other]} with {other} and {n[one]} with {one}, a difference of {points(difference)} percentage points. It "
        f"{found}"
    )


def conservative(cases: pd.DataFrame, study: Study, labels: Mapping[str, str], overlaps: pd.DataFrame) -> Finding:
    """Compare sensitivity and specificity of the networks, each with its best input configuration."""
    models = best_models(cases, study, "classification", labels)
    patients, sentences = Patients(cases), []
    for split, where in SETS.items():
        outcomes = {model: classification_of(model, cases, split, study) for model in models}
        sentences += [_classified(model, *outcomes[model], where) for model in models]
        for one, other in combinations(models, 2):
            sentences.append(_on_shared_patients(one, other, cases, split, study))
            sentences.append(_separated(overlaps, split, one, other, patients))
        sentences += _grains({model: counts for model, (counts, _) in outcomes.items()})
    sentences.append(
        "Out of fold, the patients of all folds are counted together here; Table 4 pools the folds' rates."
    )
    if len(models) < 2:
        sentences.append("This run has one network, so there is nothing to compare it with.")
    return Finding("Which network is more conservative?", tuple(sentences))


def _classified(model: Model, counts: Counts, rates: Rates, where: str) -> str:
    return (
        f"{model.name}, {where}: sensitivity {_rate(rates, 'recall')} ({counts.tp} of {counts.tp + counts.fn} with "
        f"residual tumour), specificity {_rate(rates, 'specificity')} ({counts.tn} of {counts.tn + counts.fp} "
        f"without), precision {_rate(rates, 'precision')} ({counts.tp} of {counts.tp + counts.fp} predicted to have "
        "it)."
    )


def _rate(rates: Rates, name: str) -> str:
    return "undefined" if name in rates.undefined else percent(getattr(rates, name) / 100)


def _on_shared_patients(one: Model, other: Model, cases: pd.DataFrame, split: str, study: Study) -> str:
    """Compare two models on the patients that both have: otherwise the one that lacks the hard patients would win."""
    first, second = (set(model.cases(cases, split)["patient"]) for model in (one, other))
    both, where = first & second, f"{SETS[split]} set"
    if first != second and not both:
        return f"No patient of the {where} has both {one.name} and {other.name}, so this question has no answer there."
    of_both = cases[cases["patient"].isin(both)]
    of_one, of_other = (classification_of(model, of_both, split, study)[1] for model in (one, other))
    who = "" if first == second else f" (the {counted(len(both), 'patient')} of both models)"
    return _more_conservative(one, of_one, other, of_other, f"{where}{who}")


def _more_conservative(one: Model, of_one: Rates, other: Model, of_other: Rates, where: str) -> str:
    if {"recall", "specificity"} & (set(of_one.undefined) | set(of_other.undefined)):
        return f"The {where} has patients of one class only, so this question has no answer there."
    specific, sensitive = of_one.specificity - of_other.specificity, of_one.recall - of_other.recall
    if specific * sensitive < 0 or (specific != 0 and sensitive == 0):
        first, second = (one, other) if specific > 0 else (other, one)
        misses = "the same sensitivity" if sensitive == 0 else "lower sensitivity"
        return (
            f"{first.label} is the more conservative on the {where}: higher specificity and {misses} than "
            f"{second.label}.{_as_in_the_article(first, second)}"
        )
    if specific == 0 and sensitive == 0:
        return f"On the {where} neither is the more conservative: both rates are the same."
    first, second = (one, other) if specific + sensitive > 0 else (other, one)
    both = "both rates are" if specific and sensitive else "sensitivity is"
    return (
        f"On the {where} neither is the more conservative: {both} higher for {first.label} than for {second.label}"
        f"{'' if both.startswith('both') else ', at the same specificity'}.{_as_in_the_article(None, None, one, other)}"
    )


def _as_in_the_article(first: Model | None, second: Model | None, *compared: Model) -> str:
    """Add the order of the article, when its two networks are compared."""
    archs = {model.arch for model in (first, second, *compared) if model}
    if archs != {_ARTICLE_CONSERVATIVE, _ARTICLE_OTHER}:
        return ""
    if first is None:
        return " In the article AGU-Net is the more conservative."
    return " The article finds the same." if first.arch == _ARTICLE_CONSERVATIVE else " In the article it is AGU-Net."


def _separated(overlaps: pd.DataFrame, split: str, one: Model, other: Model, patients: Patients) -> str:
    """Compare the intervals of a pair, rate by rate."""
    first, second = (one.arch, one.inputs), (other.arch, other.inputs)
    pair, apart = {first, second}, patients.apart(split, first, second)
    words = []
    for row in overlaps[overlaps["split"] == split].to_dict("records"):
        if {(row["arch_1"], row["inputs_1"]), (row["arch_2"], row["inputs_2"])} == pair:
            words.append(f"{str(row['rate']).replace('_', ' ')} {_verdict(row)}")
    return f"Compared by their intervals{apart}: {', '.join(words)}." if words else "Their intervals were not compared."


def _verdict(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["significant"]):
        return "not comparable"
    return "significantly different" if row["significant"] else "not significantly different"


def _grains(counts: Mapping[Model, Counts]) -> list[str]:
    """State it once where it is the same for all models, and else of each."""
    words = {model: _grain(of_model) for model, of_model in counts.items()}
    if len(set(words.values())) == 1:
        return [word for word in set(words.values()) if word]
    return [f"{model.name}, {word[0].lower()}{word[1:]}" for model, word in words.items() if word]


def _grain(counts: Counts) -> str:
    """State how much one patient changes a rate where there are few."""
    parts = [
        f"one patient {which} residual tumour changes {rate} by {100 / n:.0f} points"
        for which, n, rate in (
            ("with", counts.tp + counts.fn, "sensitivity"),
            ("without", counts.tn + counts.fp, "specificity"),
        )
        if 0 < n < FEW
    ]
    return f"There are few patients: {' and '.join(parts)}." if parts else ""


def _few(n: int) -> str:
    return f" With n = {n}, one patient changes the mean by up to {100 / n:.0f} points." if n < FEW else ""
