"""Tell what the paired comparisons of a run show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from residua.report.facts import SETS, p_in_words
from residua.report.findings import Finding
from residua.report.possible import impossible, smallest_in_words, with_smallest
from residua.report.wording import counted, listed, points
from residua.settings.statistics import Statistics
from residua.statistics.pairs import NETWORKS
from residua.tables.parts import level, model_of
from residua.tables.references import reference_name

Row = Mapping[Any, Any]
Labels = Mapping[str, str]
_SAME = "Every model sees the same patients."
_SHARED = "Models have different patients; each comparison is of those whom all of its models have."
_PAIRS, _RATERS = ("family", "split"), ("reference", "arch", "inputs", "kind")
"""The columns of a family of tests that Holm's method corrects together."""
_NAMED = 6
"""At most so many pairs are named; more are only counted, and stand in the tables."""


def paired(frames: Mapping[str, pd.DataFrame], labels: Labels, statistics: Statistics, alike: bool = True) -> Finding:
    """Summarise the paired comparisons. ``frames`` holds the statistics by name; ``paired_raters`` may be missing.

    ``alike`` says whether every model has the same patients.
    """
    dice, classes = (
        with_smallest(frames[name], _PAIRS, statistics.alpha) for name in ("paired_dice", "paired_classification")
    )
    sentences = [
        f"{_SAME if alike else _SHARED} These comparisons ask how the models differ on each patient; the ones above "
        "ask how two independent groups of patients would differ.",
        *_friedman(frames["paired_friedman"].to_dict("records"), labels),
        *_inputs(dice, labels, ("Dice", "Wilcoxon's signed-rank test"), statistics),
        *(_dice(row, labels, statistics) for row in _networks(dice)),
        *_inputs(classes, labels, ("classification", "McNemar's exact test"), statistics),
        *(_classes(row, labels, statistics) for row in _networks(classes)),
        *(_area(row, labels, statistics) for row in _networks(classes)),
    ]
    if "paired_raters" in frames:
        sentences += _raters(frames["paired_raters"], labels, statistics)
    return Finding("What do comparisons of the same patients show?", tuple(sentences))


def _networks(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame[frame["family"] == NETWORKS].to_dict("records")


def _friedman(rows: Sequence[Row], labels: Labels) -> list[str]:
    sentences: list[str] = []
    for row in rows:
        if row["inputs"].count(", ") < 2:  # A pair has a test of its own.
            continue
        what = f"Inputs of {labels.get(row['arch'], row['arch'])} together, Dice, {SETS[row['split']]}"
        if pd.isna(row["p_value"]):
            sentences.append(f"{what}: Friedman's test is {row['note']}.")
            continue
        finds = "finds a difference" if row["significant"] else "finds no difference"
        sentences.append(
            f"{what}: Friedman's test {finds} in {counted(row['n'], 'patient')} (chi-squared "
            f"{row['chi_squared']:.2f}, {p_in_words(row['p_value'])}; Kendall's W {row['kendalls_w']:.2f})."
        )
    return sentences


def _inputs(frame: pd.DataFrame, labels: Labels, test: tuple[str, str], statistics: Statistics) -> list[str]:
    """Count the pairs of inputs that differ, of each network and split; ``test`` names what is compared, and how."""
    sentences = []
    for (arch, split), rows in frame[frame["family"] != NETWORKS].groupby(["arch_1", "split"], sort=False):
        tested = rows[rows["significant"].notna()]
        significant = tested[tested["significant"].astype(bool)].to_dict("records")
        differing = [f"{row['inputs_1']} and {row['inputs_2']}" for row in significant]
        what = f"{labels.get(str(arch), str(arch))}, {test[0]}, {SETS[str(split)]} ({test[1]}, Holm)"
        few = _too_few(tested.to_dict("records"), statistics)
        sentences.append(f"Pairs of inputs of {what}: {_counted(differing, len(tested), len(rows))}{few}")
    return sentences


def _counted(differing: Sequence[str], tested: int, rows: int) -> str:
    if not tested:
        return f"not estimable in {counted(rows, 'pair')}; the table says why."
    beside = f" {rows - tested} more could not be tested." if rows > tested else ""
    if not differing:
        return f"no significant difference in {counted(tested, 'pair')}.{beside}"
    named = f": {'; '.join(differing)}." if len(differing) <= _NAMED else "; see the table."
    differ = "differs" if len(differing) == 1 else "differ"
    return f"{len(differing)} of {counted(tested, 'pair')} {differ} significantly{named}{beside}"


def _too_few(tested: Sequence[Row], statistics: Statistics) -> str:
    few = impossible(tested, statistics.alpha)
    if not few:
        return ""
    pairs = "each pair" if len(few) == len(tested) else f"{len(few)} of these pairs"
    return f" In {pairs} so few patients differ that no p can be below {smallest_in_words(few)}."


def _pair(row: Row, labels: Labels) -> str:
    return f"{model_of(row, labels, '_1')} against {model_of(row, labels, '_2')}"


def _dice(row: Row, labels: Labels, statistics: Statistics) -> str:
    what = f"{_pair(row, labels)}, {SETS[row['split']]}, the same {counted(row['n'], 'patient')} with residual tumour"
    if pd.isna(row["mean_difference"]):
        return f"{what}: the difference of Dice is not estimable."
    return (
        f"{what}: mean Dice of the first minus that of the second is {points(row['mean_difference'])} points"
        f"{_between(row, 'low', 'high', 100, statistics)}; {_tested(row, statistics)}{_over_hospitals(row, 100)}"
        f"{_power(row, 100)}"
    )


def _between(row: Row, low: str, high: str, scale: float, statistics: Statistics) -> str:
    if pd.isna(row[low]):
        return " (no interval)"
    return f" ({level(statistics)} interval {points(scale * row[low] / 100)} to {points(scale * row[high] / 100)})"


def _tested(row: Row, statistics: Statistics) -> str:
    if pd.isna(row["p_holm"]):
        return "no test is possible"
    effect = f"{row['rank_biserial']:+.2f}".replace("-", "−")
    few = _of_so_few(row, statistics)
    return f"{p_in_words(row['p_holm'])} (Wilcoxon, Holm){few}, rank-biserial correlation {effect}"


def _of_so_few(row: Row, statistics: Statistics) -> str:
    few = impossible([row], statistics.alpha)
    return f", and no p of so few is below {smallest_in_words(few)}" if few else ""


def _over_hospitals(row: Row, scale: float) -> str:
    if row["hospitals"] < 2:
        return "; no interval over hospitals, because all are of one"
    if pd.isna(row["hospital_low"]):
        return "; no interval over hospitals"
    low, high = (points(scale * row[end] / 100) for end in ("hospital_low", "hospital_high"))
    return f"; over {row['hospitals']} hospitals {low} to {high}"


def _power(row: Row, scale: float) -> str:
    if pd.isna(row["detectable"]):
        return "."
    return f". A difference of {scale * row['detectable']:.1f} points could have been shown with a power of 80 %."


def _classes(row: Row, labels: Labels, statistics: Statistics) -> str:
    what = f"{_pair(row, labels)}, classification, {SETS[row['split']]}, the same {counted(row['n'], 'patient')}"
    right = f"the first alone is right about {row['first_alone']}, the second alone about {row['second_alone']}"
    test: str = "not estimable" if pd.isna(row["p_holm"]) else p_in_words(row["p_holm"])
    test += _of_so_few(row, statistics)
    if pd.isna(row["mean_difference"]):
        return f"{what}: {right} (McNemar, Holm: {test}); the difference of balanced accuracy is not estimable."
    return (
        f"{what}: {right} (McNemar, Holm: {test}); balanced accuracy of the first minus that of the "
        f"second is {points(row['mean_difference'] / 100)} points{_between(row, 'low', 'high', 1, statistics)}"
        f"{_over_hospitals(row, 1)}{_power(row, 1)}"
    )


def _area(row: Row, labels: Labels, statistics: Statistics) -> str:
    what = f"{_pair(row, labels)}, area under the ROC curve of the predicted volume, {SETS[row['split']]}"
    if pd.isna(row["auroc_p_holm"]):
        return f"{what}: the difference is not estimable; the table says why."
    found, low, high = (
        f"{row[number]:+.3f}".replace("-", "−") for number in ("auroc_difference", "auroc_low", "auroc_high")
    )
    return (
        f"{what}: that of the first minus that of the second is {found} ({level(statistics)} interval {low} to "
        f"{high}), {p_in_words(row['auroc_p_holm'])}."
    )


def _raters(frame: pd.DataFrame, labels: Labels, statistics: Statistics) -> list[str]:
    """Say of each model and reference with which groups of raters it is on par."""
    margin, sentences = f"±{100 * statistics.equivalence_margin:g} points", []
    tests = with_smallest(frame[frame["kind"] == "group"], _RATERS, statistics.alpha)
    for (reference, _), rows in tests.groupby(["reference", "arch"], sort=False):
        groups = rows.to_dict("records")
        begun = f"{model_of(groups[0], labels)} against raters, Jaccard with the {reference_name(str(reference))}"
        words = [*_on_par(groups, margin, statistics), *_better_or_worse(groups, statistics)]
        sentences.append(f"{begun}: {'; '.join(words)}.")
    return sentences


def _on_par(groups: Sequence[Row], margin: str, statistics: Statistics) -> list[str]:
    whole = f"{100 * (1 - 2 * statistics.alpha):g} % interval"
    verdicts: dict[str, list[str]] = {}
    for row in groups:
        if pd.isna(row["equivalent"]):
            verdicts.setdefault("not estimable whether on par with", []).append(_group(row))
            continue
        verdict = (
            f"on par within {margin} with" if row["equivalent"] else f"not shown to be on par within {margin} with"
        )
        between = f"{points(row['equivalence_low'])} to {points(row['equivalence_high'])}"
        numbers = f"mean difference {points(row['mean_difference'])}, {whole} {between}, n = {row['n']}"
        verdicts.setdefault(verdict, []).append(f"{_group(row)} ({numbers})")
    return [f"{verdict} {listed(those)}" for verdict, those in verdicts.items()]


def _better_or_worse(groups: Sequence[Row], statistics: Statistics) -> list[str]:
    tested = [row for row in groups if not pd.isna(row["significant"])]
    if not tested:
        return ["no group could be tested (Wilcoxon, Holm)"]
    of_those = " that could be tested" if len(tested) < len(groups) else ""
    differing = [
        f"significantly {'better' if row['rank_biserial'] > 0 else 'worse'} than {_group(row)} "
        f"(Wilcoxon, Holm, {p_in_words(row['p_holm'])})"
        for row in tested
        if row["significant"]
    ] or [f"significantly different from no group{of_those} (Wilcoxon, Holm)"]
    few = impossible(tested, statistics.alpha)
    if not few:
        return differing
    against = listed([_group(row) for row in few])
    return [*differing, f"no p against {against} can be below {smallest_in_words(few)}, because so few patients differ"]


def _group(row: Row) -> str:
    return "all raters" if row["against"] == "all" else f"the {row['against']}"
