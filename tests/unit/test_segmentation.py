"""From a probability map to a mask, and the threshold."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from cohort_tables import PUBLISHED
from residua.errors import ResiduaError
from residua.networks.prediction import MEMBER_LEVELS
from residua.segmentation.masks import binarise, remove_small_components, segment
from residua.segmentation.out_of_fold import OutOfFoldCase, measure
from residua.segmentation.threshold import ThresholdChoice, choose_of, choose_threshold
from residua.settings.classification import Classification
from residua.settings.postprocessing import THRESHOLD_STEPS, Postprocessing, Rule
from residua.settings.study import load_study

BY_VOLUME = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
VOXEL_ML = 0.175  # one voxel is residual tumour


def _postprocessing(*thresholds: float, min_component_voxels: int = 0) -> Postprocessing:
    return Postprocessing(thresholds=thresholds, min_component_voxels=min_component_voxels, connectivity=26)


def _row(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32).reshape(-1, 1, 1)


def _case(fold: int, probability: tuple[float, ...], reference: tuple[int, ...]) -> OutOfFoldCase:
    return OutOfFoldCase(fold, _row(*probability), _row(*reference).astype(bool), VOXEL_ML)


def test_a_voxel_at_the_threshold_is_tumour() -> None:
    assert binarise(_row(0.29, 0.3, 0.31), 0.3).ravel().tolist() == [False, True, True]


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.1, float("nan")])
def test_a_threshold_outside_its_range_is_refused(threshold: float) -> None:
    with pytest.raises(ResiduaError, match="threshold must be above 0"):
        binarise(_row(0.5), threshold)


def test_a_map_with_nan_is_refused_and_not_taken_for_no_tumour() -> None:
    with pytest.raises(ResiduaError, match="holds NaN"):
        binarise(_row(0.5, float("nan")), 0.5)


def _pieces() -> NDArray[np.bool_]:
    """A plate of 20 voxels, one of 19, far apart."""
    mask = np.zeros((20, 20, 3), dtype=bool)
    mask[1:5, 1:6, 1] = mask[10:14, 10:15, 1] = True
    mask[10, 10, 1] = False
    return mask


def test_components_with_fewer_voxels_go_and_those_with_as_many_stay() -> None:
    kept = remove_small_components(_pieces(), 20)
    assert kept.sum() == 20
    assert kept[1:5, 1:6, 1].all()
    assert (remove_small_components(_pieces(), 19) == _pieces()).all()
    assert not remove_small_components(_pieces(), 21).any()


@pytest.mark.parametrize(
    ("second", "touching"), [((1, 0, 0), {6, 18, 26}), ((1, 1, 0), {18, 26}), ((1, 1, 1), {26}), ((2, 0, 0), set())]
)
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_connectivity_defines_the_neighbours_of_a_component(
    second: tuple[int, int, int], touching: set[int], connectivity: int
) -> None:
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[0, 0, 0] = mask[second] = True
    assert remove_small_components(mask, 2, connectivity).any() == (connectivity in touching)


def test_an_unknown_connectivity_is_refused() -> None:
    with pytest.raises(ValueError, match="6, 18 or 26, found 8"):
        remove_small_components(_pieces(), 20, 8)


def test_an_empty_mask_stays_empty() -> None:
    assert not remove_small_components(np.zeros((3, 3, 3), dtype=bool), 20).any()


def test_segment_thresholds_and_then_removes_small_components() -> None:
    probability = np.where(_pieces(), 0.6, 0.4)
    assert segment(probability, 0.5, _postprocessing(0.5, min_component_voxels=20)).sum() == 20
    assert segment(probability, 0.7, _postprocessing(0.5, min_component_voxels=20)).sum() == 0


def test_the_threshold_with_the_best_mean_of_dice_and_f1_wins() -> None:
    cases = [
        _case(0, (0.9, 0.3, 0.0), (1, 0, 0)),  # 0.2: Dice 2/3; 0.5: Dice 1
        _case(1, (0.3, 0.0, 0.0), (1, 0, 0)),  # 0.2: Dice 1; 0.5: missed
    ]
    choice = choose_threshold(cases, _postprocessing(0.2, 0.5), BY_VOLUME)
    low, high = choice.volume_f1.candidates[0.2], choice.volume_f1.candidates[0.5]
    assert (low.mean_dice_of_detected, low.f1, low.detected) == pytest.approx((5 / 6, 1.0, 2))
    assert low.score == pytest.approx((5 / 6 + 1) / 2)
    # Dice is of the detected only: the missed patient costs F1 = 2/3, not Dice.
    assert (high.mean_dice_of_detected, high.f1, high.detected) == pytest.approx((1.0, 2 / 3, 1))
    assert high.score == pytest.approx((1 + 2 / 3) / 2)
    assert choice.threshold == 0.2


def test_the_first_of_equal_candidates_wins() -> None:
    cases = [_case(0, (0.9, 0.0), (1, 0))]
    assert choose_threshold(cases, _postprocessing(0.4, 0.2, 0.6), BY_VOLUME).threshold == 0.4


def test_tumour_outside_every_prediction_counts_against_dice() -> None:
    choice = choose_threshold([_case(0, (0.9, 0.0, 0.0), (1, 0, 1))], _postprocessing(0.5), BY_VOLUME)
    assert choice.volume_f1.candidates[0.5].mean_dice_of_detected == pytest.approx(2 / 3)


def test_components_are_removed_before_a_threshold_is_judged() -> None:
    case = _case(0, (0.9, 0.9, 0.0, 0.3), (1, 1, 0, 0))  # the voxel at 0.3 is alone
    kept = choose_threshold([case], _postprocessing(0.2, 0.5), BY_VOLUME)
    cleaned = choose_threshold([case], _postprocessing(0.2, 0.5, min_component_voxels=2), BY_VOLUME)
    assert (kept.threshold, cleaned.threshold) == (0.5, 0.2)


def test_a_threshold_above_every_probability_scores_zero_with_a_note() -> None:
    choice = choose_threshold([_case(0, (0.4, 0.1), (1, 0))], _postprocessing(0.9, 0.8), BY_VOLUME)
    found = choice.volume_f1.candidates[0.9]
    assert (found.score, found.mean_dice_of_detected, found.f1, found.detected) == (0.0, None, 0.0, 0)
    assert "no patient detected" in found.note
    assert choice.threshold == 0.9


def test_without_any_tumour_f1_counts_as_zero_with_a_note() -> None:
    found = choose_threshold([_case(0, (0.4, 0.1), (0, 0))], _postprocessing(0.9), BY_VOLUME).volume_f1.candidates[0.9]
    assert (found.score, found.f1) == (0.0, None)
    assert "F1 undefined" in found.note


def test_an_overlap_that_the_study_asks_for_makes_detection() -> None:
    elsewhere = [_case(0, (0.9, 0.0), (0, 1))]
    asked = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.01)
    assert choose_threshold(elsewhere, _postprocessing(0.5), BY_VOLUME).volume_f1.candidates[0.5].detected == 1
    assert choose_threshold(elsewhere, _postprocessing(0.5), asked).volume_f1.candidates[0.5].detected == 0


def _disagreeing() -> ThresholdChoice:
    """Fold 0 (two patients) is best at 0.2, fold 1 (one patient) at 0.6."""
    low, high = ((0.3, 0.0, 0.0), (1, 0, 0)), ((0.9, 0.3, 0.3), (1, 0, 0))
    return choose_threshold([_case(0, *low), _case(0, *low), _case(1, *high)], _postprocessing(0.2, 0.6), BY_VOLUME)


def test_each_fold_gets_the_threshold_that_is_best_on_the_others() -> None:
    choice = _disagreeing()
    assert choice.threshold == 0.2
    assert choice.volume_f1.nested == {0: 0.6, 1: 0.2}
    nested = choice.volume_f1.nested_performance
    # Fold 0 at 0.6 is missed twice; fold 1 at 0.2 has 1 voxel of 3: Dice 0.5. F1 = 2/(2+2).
    assert nested is not None
    assert (nested.mean_dice_of_detected, nested.f1, nested.score) == pytest.approx((0.5, 0.5, 0.5))
    assert nested.score < choice.volume_f1.candidates[0.2].score


def test_one_fold_has_no_nested_choice() -> None:
    choice = choose_threshold([_case(3, (0.9,), (1,))], _postprocessing(0.5), BY_VOLUME)
    assert choice.volume_f1.nested == {}
    assert choice.volume_f1.nested_performance is None


def test_the_choice_is_plain_json() -> None:
    record = _disagreeing().to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert [each["threshold"] for each in record["candidates"]] == [0.2, 0.6]
    assert record["nested"] == {"0": 0.6, "1": 0.2}


def test_the_authors_rule_takes_overlap_and_objects_of_patients_with_residual_tumour() -> None:
    cases = [
        # Dice 2/3 at 0.2 with one object of two right; 1 at 0.5.
        _case(0, (0.9, 0.0, 0.3, 0.0), (1, 0, 0, 0)),
        # Elsewhere: found by volume, without overlap.
        _case(0, (0.0, 0.0, 0.9, 0.0), (1, 0, 0, 0)),
        # Dice 1 at 0.2, missed at 0.5.
        _case(0, (0.3, 0.0, 0.0, 0.0), (1, 0, 0, 0)),
    ]
    found = choose_threshold(cases, _postprocessing(0.2, 0.5), BY_VOLUME).authors.candidates
    low, high = found[0.2], found[0.5]
    assert (low.mean_dice, low.recall, low.precision) == pytest.approx(((2 / 3 + 0 + 1) / 3, 2 / 3, (0.5 + 1) / 2))
    assert low.f1 == pytest.approx(2 * 0.75 * (2 / 3) / (0.75 + 2 / 3))
    assert (high.mean_dice, high.recall, high.precision) == pytest.approx((1 / 3, 1 / 3, 1.0))
    assert high.score == pytest.approx((1 / 3 + 0.5) / 2)
    assert (low.overlapping, high.overlapping, low.patients, high.patients) == (2, 1, 3, 3)


def _false_alarms() -> list[OutOfFoldCase]:
    """A tumour that 0.2 outlines best, and four resections that show nothing from 0.5 on."""
    tumour = _case(0, (0.9, 0.3, 0.3, 0.3), (1, 1, 1, 1))
    return [tumour, *([_case(0, (0.3, 0.0, 0.0, 0.0), (0, 0, 0, 0))] * 4)]


@pytest.mark.parametrize(("rule", "threshold"), [("volume_f1", 0.5), ("authors", 0.2)])
def test_false_alarms_after_resection_count_by_volume_and_never_for_the_authors(rule: Rule, threshold: float) -> None:
    settings = _postprocessing(0.2, 0.5).model_copy(update={"rule": rule})
    choice = choose_threshold(_false_alarms(), settings, BY_VOLUME)
    assert choice.threshold == threshold
    # By volume: Dice 1 and F1 2/6 at 0.2; Dice 2/5 and F1 1 at 0.5.
    assert (choice.volume_f1.threshold, choice.authors.threshold) == (0.5, 0.2)
    alone = choose_threshold(_false_alarms()[:1], settings, BY_VOLUME)
    assert alone.authors.candidates == choice.authors.candidates
    assert alone.volume_f1.candidates != choice.volume_f1.candidates


def test_the_authors_rule_counts_objects_that_are_large_enough_to_stay() -> None:
    tiny = _case(0, (0.9, 0.0, 0.9, 0.9), (1, 0, 0, 0))
    found = choose_threshold([tiny], _postprocessing(0.5, min_component_voxels=2), BY_VOLUME).authors.candidates[0.5]
    assert (found.patients, found.score) == (0, 0.0)
    assert "no patient has residual tumour" in found.note


def test_the_authors_rule_without_overlap_counts_f1_as_zero_with_a_note() -> None:
    elsewhere = [_case(0, (0.9, 0.0), (0, 1))]
    found = choose_threshold(elsewhere, _postprocessing(0.5), BY_VOLUME).authors.candidates[0.5]
    assert (found.score, found.mean_dice, found.recall, found.f1, found.precision) == (0.0, 0.0, 0.0, None, None)
    assert "no patient with overlap" in found.note


@pytest.mark.parametrize("rule", ["volume_f1", "authors"])
def test_the_record_holds_the_scores_of_both_rules_and_what_each_would_choose(rule: Rule) -> None:
    settings = _postprocessing(0.2, 0.5).model_copy(update={"rule": rule})
    record = choose_threshold(_false_alarms(), settings, BY_VOLUME).to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    other = "authors" if rule == "volume_f1" else "volume_f1"
    assert (record["rule"], list(record["other_rules"])) == (rule, [other])
    chosen = {rule: record["threshold"], other: record["other_rules"][other]["threshold"]}
    assert chosen == {"volume_f1": 0.5, "authors": 0.2}
    for each in (record, record["other_rules"][other]):
        assert [candidate["threshold"] for candidate in each["candidates"]] == [0.2, 0.5]
        assert all(0 <= candidate["score"] <= 1 for candidate in each["candidates"])


@pytest.mark.parametrize(
    ("thresholds", "probability", "said"),
    [
        ((0.1, 0.5, 0.9), 0.95, "lowest candidate; a lower one"),  # all alike: the first
        ((0.9, 0.5, 0.1), 0.95, "highest candidate; a higher one"),
        ((0.5, 0.9, 0.1), 0.95, ""),
        ((0.1, 0.5, 1.0), 1.0, ""),  # see below: nothing is above 1
        ((0.5,), 0.95, ""),
    ],
)
def test_a_best_at_the_end_of_the_candidates_is_said(
    thresholds: tuple[float, ...], probability: float, said: str
) -> None:
    # A second voxel spoils every threshold below 1 in the case of a certain one.
    second = 0.99 if probability == 1 else 0.0
    choice = choose_threshold([_case(0, (probability, second), (1, 0))], _postprocessing(*thresholds), BY_VOLUME)
    for of_rule in (choice.volume_f1, choice.authors):
        assert said in of_rule.caution
        assert bool(of_rule.caution) == bool(said)
    assert choice.to_json()["caution"] == choice.volume_f1.caution


def test_the_published_candidates_go_on_to_the_end_of_the_scale() -> None:
    thresholds = load_study(PUBLISHED).postprocessing.thresholds
    assert thresholds == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
    assert load_study(PUBLISHED).postprocessing.rule == "volume_f1"


def test_cases_are_read_once_and_one_at_a_time() -> None:
    alive = 0

    class Counted(OutOfFoldCase):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def stream() -> Iterator[OutOfFoldCase]:
        nonlocal alive
        for _ in range(5):
            # The consumer may still hold the case before; more would mean that it keeps them.
            assert alive <= 1
            alive += 1
            yield Counted(0, _row(0.9, 0.0), _row(1, 0).astype(bool), VOXEL_ML)

    choice = choose_threshold(stream(), _postprocessing(0.5), BY_VOLUME)
    assert choice.volume_f1.candidates[0.5].patients == 5


def test_no_case_is_refused() -> None:
    with pytest.raises(ResiduaError, match="a threshold cannot be chosen: there is no out-of-fold case"):
        choose_threshold([], _postprocessing(0.5), BY_VOLUME)


# Overlap by pieces that are no objects, and objects that touch nothing: the code of the article's authors calls both
# precise, and takes a Dice of less than 0.0005 for none.
@pytest.mark.parametrize(
    ("found", "recall", "precision"),
    [
        ({2: 0.95}, 1.0, 1.0),
        ({2: 0.95, **dict.fromkeys(range(60, 63), 0.95)}, 1.0, 1.0),
        (dict.fromkeys([*range(2, 5), *range(60, 63)], 0.95), 1.0, 0.5),
        ({3999: 0.95}, 0.0, None),
    ],
    ids=["no object", "an object elsewhere", "one of two objects", "a Dice that rounds to nothing"],
)
def test_the_authors_rule_has_a_score_for_every_overlap(
    found: dict[int, float], recall: float, precision: float | None
) -> None:
    probability, reference = np.zeros((8000, 1, 1)), np.zeros((8000, 1, 1), dtype=bool)
    probability[list(found), 0, 0] = list(found.values())
    reference[slice(1000, 5000) if 3999 in found else slice(0, 6)] = True
    settings = _postprocessing(0.1, 0.5, min_component_voxels=3)
    measured = measure([OutOfFoldCase(0, probability, reference, VOXEL_ML)], settings, "objects")
    chosen = choose_of(measured, settings, BY_VOLUME).authors
    assert [(each.recall, each.precision) for each in chosen.candidates.values()] == [(recall, precision)] * 2
    assert not any(np.isnan(each.score) for each in chosen.candidates.values())


def test_a_patient_without_a_predicted_object_hides_no_better_candidate() -> None:
    reference = _row(*[1] * 6, *[0] * 6)
    probability = _row(*[0.75] * 6, *[0.35] * 6)
    pieces = _row(*[0.95] * 2, *[0] * 10)
    settings = _postprocessing(0.1, 0.5, min_component_voxels=3)
    cases = [OutOfFoldCase(fold, each, reference > 0, VOXEL_ML) for fold, each in enumerate((probability, pieces))]
    assert choose_of(measure(cases, settings, "objects"), settings, BY_VOLUME).authors.threshold == 0.5


def test_candidates_are_those_at_which_the_stored_map_of_a_model_is_cut_rightly() -> None:
    assert THRESHOLD_STEPS == MEMBER_LEVELS
    assert _postprocessing(0.005, 0.1, 0.295, 0.57, 0.995, 1.0).thresholds[0] == 0.005
    for wrong in (0.999, 0.0051, 0.333):
        with pytest.raises(ValueError, match=f"{wrong} is no multiple of 0.005, the step in which the map of each"):
            _postprocessing(0.5, wrong)
