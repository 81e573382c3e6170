"""What the models saw, and what of a new patient lies outside of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from residua.bundle.limits import limits_of, outside
from residua.bundle.record import Limit
from residua.images.volumes import Grid
from residua.quality.scan_measures import cut_percent, scan_measures

BALL = np.hypot.reduce(np.indices((40, 40, 40)) - 20) < 18
GRID = Grid((40, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))


def head() -> np.ndarray[Any, np.dtype[np.float64]]:
    values = np.random.default_rng(0).normal(100, 10, BALL.shape)
    return np.where(BALL, values, 0.0)


def measured(shown: Any, stored: Grid = GRID, brain: Any = BALL) -> dict[str, dict[str, float | None]]:
    return {
        "post_t1ce": scan_measures(stored, shown, brain),
        "brain": {"volume_ml": float(brain.sum()) / 20, "cut_percent": cut_percent(brain)},
    }


def cohort(n: int) -> pd.DataFrame:
    """Patients who differ a little in brightness, noise and voxel size."""
    rows = []
    for number in range(n):
        stored = Grid((40, 40, 40), np.diag([1.0, 1.0, 1.0 + 0.02 * number, 1.0]))
        values = head() * (1 + 0.1 * number)
        for subject, measures in measured(values, stored).items():
            rows += [
                {"patient": f"P{number}", "subject": subject, "measure": m, "value": v} for m, v in measures.items()
            ]
    return pd.DataFrame(rows)


LIMITS = limits_of(cohort(11), {f"P{n}" for n in range(11)}, ["post_t1ce"])


def broken(measures: dict[str, dict[str, float | None]]) -> set[str]:
    return {found.measure for found in outside(LIMITS, measures)}


def test_a_patient_like_those_of_the_cohort_lies_inside() -> None:
    assert broken(measured(head())) == set()
    # Another scanner's grey values do not matter: they are normalised.
    assert broken(measured(head() * 37 + 5 * BALL)) == set()


def test_coarse_slices_are_told() -> None:
    thick = Grid((40, 40, 10), np.diag([1.0, 1.0, 5.0, 1.0]))
    assert broken(measured(head(), thick)) == {"coarsest_mm", "extent_z_mm"}


def test_a_narrow_field_of_view_is_told() -> None:
    narrow = Grid((20, 40, 40), GRID.affine)
    assert broken(measured(head(), narrow)) == {"extent_x_mm"}


def test_a_small_brain_is_told() -> None:
    small = np.hypot.reduce(np.indices((40, 40, 40)) - 20) < 12
    assert "volume_ml" in broken(measured(np.where(small, head(), 0), brain=small))


def test_a_slab_of_brain_that_the_scan_lacks_is_told() -> None:
    blank = head()
    blank[:, :, 26:] = 0
    assert {"missing_percent", "grey_p01"} <= broken(measured(blank))


def test_a_slab_that_the_reference_lacks_is_told_by_the_mask() -> None:
    cut = BALL.copy()
    cut[:, :, 26:] = False
    assert {"volume_ml", "cut_percent"} <= broken(measured(np.where(cut, head(), 0), brain=cut))
    assert cut_percent(cut) > 60  # type: ignore[operator]
    assert cut_percent(BALL) < 20  # type: ignore[operator]
    assert cut_percent(np.zeros_like(BALL)) is None


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cut_is_found_on_every_side(axis: int) -> None:
    for half in (slice(0, 14), slice(26, 40)):
        cut = BALL.copy()
        cut[tuple(half if each == axis else slice(None) for each in range(3))] = False
        assert cut_percent(cut) > 60  # type: ignore[operator]


def test_a_bright_vessel_and_an_inverted_contrast_are_told() -> None:
    bright = head()
    bright[15:22, 15:22, 15:22] = 3000
    assert "grey_p99" in broken(measured(bright))
    skewed = np.where(BALL, np.exp(head() / 10), 0)
    assert broken(measured(skewed)) >= {"grey_p50"}


def test_a_constant_has_no_grey_values_and_no_brain_has_no_share() -> None:
    flat = scan_measures(GRID, BALL * 3.0, BALL)
    assert (flat["grey_p01"], flat["missing_percent"]) == (None, 0.0)
    empty = scan_measures(GRID, head(), np.zeros_like(BALL))
    assert (empty["grey_p50"], empty["missing_percent"]) == (None, None)
    assert outside(LIMITS, {"post_t1ce": empty, "brain": {}}) == []


def test_ranges_are_of_the_given_patients_and_measures_alone() -> None:
    frame = cohort(11)
    frame.loc[frame["patient"] == "P10", "value"] = 1e9
    assert limits_of(frame, {f"P{n}" for n in range(10)}, ["post_t1ce"]) == limits_of(
        cohort(10), {f"P{n}" for n in range(10)}, ["post_t1ce"]
    )
    coarsest = next(limit for limit in LIMITS if limit.measure == "coarsest_mm")
    assert (coarsest.low, coarsest.median, coarsest.high, coarsest.patients) == pytest.approx((1.0, 1.1, 1.2, 11))
    assert {limit.subject for limit in LIMITS} == {"brain", "post_t1ce"}
    assert limits_of(frame, {"P1"}, ["post_flair"])[0].subject == "brain"


def test_of_many_patients_half_a_percent_at_either_end_is_left_out() -> None:
    rows = [{"patient": f"P{n}", "subject": "brain", "measure": "volume_ml", "value": float(n)} for n in range(1000)]
    (limit,) = limits_of(pd.DataFrame(rows), {row["patient"] for row in rows}, [])
    assert (limit.low, limit.high, limit.patients) == (4.0, 995.0, 1000)
    (limit,) = limits_of(pd.DataFrame(rows[:199]), {row["patient"] for row in rows}, [])
    assert (limit.low, limit.high) == (0.0, 198.0)


def test_a_warning_says_what_and_how_far() -> None:
    (found,) = outside([Limit(subject="post_flair", measure="coarsest_mm", low=1, high=5, median=3, patients=7)],
                       {"post_flair": {"coarsest_mm": 8.0}})  # fmt: skip
    assert found.what == (
        "Post-operative FLAIR: the largest voxel size is 8.00\u00a0mm, above what the models saw in 7 patients, "
        "1.00\u00a0mm to 5.00\u00a0mm"
    )


@pytest.mark.parametrize(("value", "told"), [(1.0004, False), (0.9996, False), (1.01, True), (0.98, True)])
def test_rounded_headers_are_inside(value: float, told: bool) -> None:
    limit = Limit(subject="post_t1ce", measure="finest_mm", low=1, high=1, median=1, patients=9)
    assert bool(outside([limit], {"post_t1ce": {"finest_mm": value}})) == told


@pytest.mark.parametrize(("measure", "value"), [("cut_percent", 0.0), ("border_percent", 0.0), ("template_dice", 1.0)])
def test_better_than_what_the_models_saw_is_inside(measure: str, value: float) -> None:
    limit = Limit(subject="brain", measure=measure, low=0.4, high=0.6, median=0.5, patients=9)
    assert outside([limit], {"brain": {measure: value}}) == []
    assert len(outside([limit], {"brain": {measure: 0.1 if value else 9.0}})) == 1
