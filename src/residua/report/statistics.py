"""Describe the statistics of a run from its settings: those of the article, and the paired ones."""

from __future__ import annotations

from collections.abc import Mapping

from residua.report.wording import listed
from residua.settings.conventions import ConventionName
from residua.settings.statistics import OUT_OF_FOLD
from residua.settings.study import Study
from residua.tables.models import folds_in_words


def statistics(study: Study, labels: Mapping[str, str], rated: bool) -> tuple[str, ...]:
    """Return the paragraphs; ``rated`` says whether human raters took part."""
    settings = study.statistics
    passages = [
        f"The significance level is {settings.alpha:g}. The input configurations of one network are compared by "
        "Tukey's range test [@tukey1949] of the Dice of P on the hold-out. The networks, each with its best "
        "configuration, are compared by the Mann-Whitney U test [@mann1947] of the same Dice.",
        "Intervals of the classification on the hold-out are bias-corrected and accelerated (BCa) bootstrap intervals "
        f"[@efron1987] from {settings.bootstrap_resamples} resamples within each class of the reference, or of all "
        "persons together where one has scans of both classes. Out of fold "
        f"they are normal intervals: pooled mean ± {settings.interval_sd_multiplier:g} sd over "
        f"{folds_in_words(settings)}. Two models differ significantly when their intervals do not overlap.",
        "Raters and networks are compared by the Jaccard index with the reference standard and with the consensus (the "
        "voxels that more than half of the raters marked), over the patients with residual tumour under the reference "
        "in use. Each network is compared with each rater, and with the mean of the novices, of the experts and of all "
        "raters for each patient, by the Mann-Whitney U test.",
        _choices(study, labels, rated),
        f"All of these tests assume independent samples, although {_who_sees_whom(study)}. A difference that is not "
        "significant does not prove that two models are equal.",
        _paired(study),
        "Raters and networks are also compared patient by patient, by Wilcoxon's signed-rank test, corrected by Holm's "
        "method over the raters and over the groups. A network is called on par if two one-sided paired t tests "
        f"[@schuirmann1987] find the mean difference of Jaccard within ±{100 * settings.equivalence_margin:g} points, "
        "a margin that was set for this study.",
    ]
    told = [passage for passage in passages if rated or not passage.startswith("Raters")]
    return (*told, *_combinations(study, labels), *_conventions(study))


def _who_sees_whom(study: Study) -> str:
    if study.eligibility == "complete":
        return "every model sees the same patients"
    return (
        "models may share patients. Each input configuration has the patients with all of its channels, so that these "
        "tests may compare different patients, with the differences between them"
    )


def _combinations(study: Study, labels: Mapping[str, str]) -> list[str]:
    """Return how networks judge together, where they do."""
    words = [f"{labels.get(name, name)}: {each.in_words(labels)}" for name, each in study.combinations.items()]
    return [f"Networks also judge together, each with the same inputs. {'. '.join(words)}."] if words else []


def _conventions(study: Study) -> list[str]:
    """Return by which other conventions the study is evaluated, if by any."""
    if not study.conventions:
        return []
    known = [_CONVENTIONS[name] for name in study.conventions]
    return [f"The numbers are also computed by other conventions of evaluation: {'; '.join(known)}."]


def _paired(study: Study) -> str:
    return (
        "Beside them, models are compared patient by patient. Dice: Friedman's test [@friedman1937] of the inputs of a "
        "network, and Wilcoxon's signed-rank tests [@wilcoxon1945]. Classification: McNemar's exact test "
        "[@mcnemar1947], and DeLong's test [@delong1988] of the area under the ROC curve of the predicted volume. The "
        "p values of the pairs of one network, and of the networks with their best inputs, are each a family that is "
        "corrected by Holm's method [@holm1979]. Mean differences of Dice and differences of balanced accuracy have "
        f"BCa intervals over patients, and percentile intervals from {study.statistics.bootstrap_resamples} resamples "
        "that draw hospitals first, then patients within. Where persons have several scans, persons are drawn, "
        "each with the scans of both classes, and enter the tests with the mean of their scans."
    )


def _choices(study: Study, labels: Mapping[str, str], rated: bool) -> str:
    chosen = study.statistics.best_inputs.model_dump()
    words = []
    for experiment, by_arch in chosen.items():
        if experiment == "raters" and not rated:
            continue
        each = [
            f"{labels.get(arch, arch)} {'the best out of fold' if by_arch[arch] == OUT_OF_FOLD else by_arch[arch]}"
            for arch in study.archs
            if arch in by_arch
        ]
        words.append(f"for {_EXPERIMENTS[experiment]} {listed(each)}")
    left = any(OUT_OF_FOLD in by_arch.values() for by_arch in chosen.values())
    same = " Out of fold, they are compared on the patients that all of them have." if left else ""
    return f"Best input configurations, as set for this study: {'; '.join(words)}.{same}"


_CONVENTIONS: Mapping[ConventionName, str] = {
    "article": "that of the article's text",
    "authors-code-2023": "that of the public evaluation code of the article's authors, with its own rule of the "
    "threshold, which does not see patients after gross total resection",
    "brats-lesionwise": "the lesion-wise scores of the BraTS challenges [@moawad2023], in which a missed or a false "
    "lesion scores a Dice of 0 and a fixed distance",
}
_EXPERIMENTS = {"segmentation": "segmentation", "classification": "classification", "raters": "the inter-rater study"}
