"""What the article says of its validation sets comes out of whole patients, through the intervals of a run.

The counts below are patients of Table 1 in Table 2's folds. For every row of the preprint's Table 4 they are those
nearest to its printed mean and sd; half of the rows have none that give all six printed numbers to the last digit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from printed_split import printed_table2
from residua.article.values import printed_table1, printed_table4, printed_value
from residua.metrics.conventions import ARTICLE, AUTHORS_CODE_2023, Convention
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.statistics.conventions import convention_numbers
from residua.statistics.intervals import intervals
from residua.statistics.overlaps import overlaps

CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
STATISTICS = Statistics(
    alpha=0.05,
    bootstrap_resamples=100,
    interval_sd_multiplier=1.96,
    seed=1,
    best_inputs=BestInputs(segmentation={}, classification={}, raters={}),
)
MISSED = {
    ("nnunet", "A"): (0, 0, 0, 0, 1),
    ("nnunet", "B"): (0, 1, 2, 0, 0),
    ("nnunet", "C"): (0, 0, 0, 0, 1),
    ("nnunet", "D"): (0, 0, 1, 0, 1),
    ("nnunet", "E"): (0, 0, 0, 0, 0),
    ("agunet", "A"): (19, 16, 29, 14, 34),
    ("agunet", "B"): (38, 6, 18, 23, 20),
    ("agunet", "C"): (42, 21, 0, 22, 26),
    ("agunet", "D"): (42, 14, 14, 14, 12),
    ("agunet", "E"): (22, 7, 12, 20, 18),
}
"""Patients with residual tumour in whom a model finds none, by fold."""
FALSE_ALARMS = {
    ("nnunet", "A"): (72, 67, 43, 65, 74),
    ("nnunet", "B"): (64, 58, 36, 49, 62),
    ("nnunet", "C"): (70, 68, 38, 66, 71),
    ("nnunet", "D"): (61, 52, 37, 61, 68),
    ("nnunet", "E"): (66, 66, 43, 66, 69),
    ("agunet", "A"): (36, 24, 11, 11, 21),
    ("agunet", "B"): (22, 25, 9, 23, 19),
    ("agunet", "C"): (13, 25, 18, 21, 9),
    ("agunet", "D"): (6, 21, 15, 35, 16),
    ("agunet", "E"): (30, 21, 12, 17, 8),
}
"""Patients after gross total resection in whom a model finds residual tumour, by fold."""


def _patients() -> list[tuple[int, int]]:
    """Patients with and without residual tumour in each fold."""
    by_hospital = printed_table1().set_index("hospital")
    folds = printed_table2().query("set != 'holdout'").sort_values("set")["hospitals"]
    return [(int(of["rt"].sum()), int(of["gtr"].sum())) for of in (by_hospital.loc[h.split()] for h in folds)]


def _cases() -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for model, missed in MISSED.items():
        for fold, ((positive, negative), fn, fp) in enumerate(
            zip(_patients(), missed, FALSE_ALARMS[model], strict=True)
        ):
            volumes = [(1.0, 0.0)] * fn + [(1.0, 1.0)] * (positive - fn) + [(0.0, 1.0)] * fp
            volumes += [(0.0, 0.0)] * (negative - fp)
            rows += [(*model, "validation", fold, 0.5, *pair) for pair in volumes]
    return pd.DataFrame(rows, columns=["arch", "inputs", "split", "fold", "dice", "reference_ml", "predicted_ml"])


def _intervals(folds_ddof: int) -> pd.DataFrame:
    found = intervals(_cases(), CLASSIFICATION, STATISTICS.model_copy(update={"folds_ddof": folds_ddof}))
    return found[found["split"] == "validation"]


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    return _intervals(folds_ddof=0)


def _apart(found: pd.DataFrame) -> list[str]:
    """AGU-Net's input configurations whose balanced accuracy is apart from that of every nnU-Net."""
    compared = overlaps(found[found["rate"] == "balanced_accuracy"])
    between = compared[compared["arch_1"] != compared["arch_2"]]
    assert len(between) == 25
    apart = between.groupby("inputs_2")["significant"].all()
    return list(apart[apart].index)


def test_the_patients_are_those_of_tables_1_and_2() -> None:
    assert _patients() == [(162, 75), (80, 71), (110, 43), (88, 67), (113, 74)]


def test_the_published_rule_divides_by_the_number_of_folds(published: pd.DataFrame) -> None:
    assert STATISTICS.folds_ddof == 0
    default = intervals(_cases(), CLASSIFICATION, STATISTICS)
    pd.testing.assert_frame_equal(default[default["split"] == "validation"], published)


@pytest.mark.parametrize("model", list(MISSED))
def test_the_counts_give_the_printed_rates(published: pd.DataFrame, model: tuple[str, str]) -> None:
    printed = printed_table4().query("split == 'validation'").set_index(["arch", "inputs"]).loc[model]
    own = published.set_index(["arch", "inputs", "rate"]).sort_index().loc[model]
    for rate, tolerance in (("sensitivity", 0.07), ("specificity", 0.07), ("balanced_accuracy", 0.02)):
        sd = (own.loc[rate, "high"] - own.loc[rate, "low"]) / (2 * 1.96)
        expected = (printed[f"{rate}_mean"], np.nan_to_num(printed[f"{rate}_sd"]))
        assert own.loc[rate, "estimate"] == pytest.approx(expected[0], abs=tolerance)
        assert np.nan_to_num(sd) == pytest.approx(expected[1], abs=tolerance)


def test_agunet_with_more_than_t1ce_is_apart_from_every_nnunet(published: pd.DataFrame) -> None:
    stated = printed_value("article", "classification", "validation_better_agunet_inputs").split()
    assert _apart(published) == stated == ["B", "C", "D", "E"]


def test_dividing_by_one_fold_less_loses_the_finding_of_d() -> None:
    assert _apart(_intervals(folds_ddof=1)) == ["B", "C", "E"]


def _numbers(convention: Convention) -> pd.DataFrame:
    volumes = ("reference_ml", "predicted_ml")
    objects = {f"{side.removesuffix('_ml')}_object": _cases()[side] > 0 for side in volumes}
    cases = _cases().assign(convention=convention.name, threshold=0.5, hd95_mm=1.0, **objects)
    found = convention_numbers(cases, [convention], CLASSIFICATION, STATISTICS.interval_sd_multiplier)
    return found[found["measure"] == "balanced_accuracy"].assign(rate="balanced_accuracy")


def test_the_articles_convention_gives_the_finding_and_the_limits_of_a_run(published: pd.DataFrame) -> None:
    by_convention = _numbers(ARTICLE)
    own = published[published["rate"] == "balanced_accuracy"]
    for name in ("estimate", "low", "high"):
        assert by_convention[name].tolist() == pytest.approx(own[name].tolist())
    assert _apart(by_convention) == ["B", "C", "D", "E"]


def test_the_interval_of_the_authors_code_separates_every_agunet() -> None:
    article, code = _numbers(ARTICLE), _numbers(AUTHORS_CODE_2023)
    width, narrower = ((each["high"] - each["low"]).to_numpy() for each in (article, code))
    np.testing.assert_allclose(narrower, width / np.sqrt(5))
    assert _apart(code) == ["A", "B", "C", "D", "E"]
