"""What the figures show and say; how they are drawn is tested in the environment that can draw."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from residua.figures import agreement, comparison, examples
from residua.figures.slices import busiest_level, field_around, picture
from residua.images import volumes
from residua.images.display import tissue_of, window
from residua.images.volumes import Grid, Image
from residua.raters.labels import rater_labels
from residua.words import listed, name_of

GRID = Grid((4, 5, 6), np.diag([2.0, 1.0, 1.0, 1.0]))


def test_a_slice_has_the_patients_right_at_the_left_and_anterior_at_the_top() -> None:
    volume = np.zeros((4, 5, 6))
    volume[3, 4, 2] = 1  # RAS+: right, anterior.
    shown = picture(volume, 2)
    assert shown.shape == (5, 4)
    assert np.argwhere(shown).tolist() == [[0, 0]]
    assert not picture(volume, 1).any()


def test_a_slice_keeps_no_volume_in_memory() -> None:
    assert picture(np.zeros((4, 5, 6)), 0).base is None


def test_the_busiest_slice_is_the_one_with_the_most_tumour_the_lowest_of_equals() -> None:
    mask = np.zeros((4, 5, 6), dtype=bool)
    assert busiest_level(mask) == 3
    mask[0, :2, 4] = mask[0, :2, 1] = mask[0, 0, 0] = True
    assert busiest_level(mask) == 1


def test_grey_values_are_those_of_the_head_whatever_surrounds_it() -> None:
    volume = np.zeros((10, 10, 10), dtype=np.float32)
    volume[2:8, 2:8, 2:8] = np.linspace(100, 200, 216).reshape(6, 6, 6)
    assert int(tissue_of(volume).sum()) == 216
    low, high = window(volume, volume > 0)
    assert (low, high) == window(volume)
    assert 100 < low < 103
    assert 198 < high <= 200
    low, high = window(np.zeros((3, 3, 3), dtype=np.float32))
    assert low < high


def head_of_brain(background: float, scores: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A brain with a bright tumour, and both masks; whether its values are scores around 0 or grey values."""
    rng = np.random.default_rng(4)
    brain = np.zeros((24, 24, 24), dtype=bool)
    brain[4:20, 4:20, 4:20] = True
    tumor = np.zeros_like(brain)
    tumor[10:13, 10:13, 10:13] = True
    values = rng.normal(0, 1, brain.shape) + 6.0 * tumor
    shown = values if scores else 500 + 100 * values
    return np.where(brain, shown, background).astype(np.float32), brain, tumor


@pytest.mark.parametrize(
    ("background", "scores"), [(0.0, False), (0.0, True), (-1.1, True), (-1000.0, True), (30.0, True), (4000.0, False)]
)
def test_the_brain_keeps_its_shades_whatever_the_background_is(background: float, scores: bool) -> None:
    volume, brain, tumor = head_of_brain(background, scores)
    healthy = brain & ~tumor
    for low, high in (window(volume, brain, tumor), window(volume, tumor=tumor)):
        assert ((volume[healthy] > low) & (volume[healthy] < high)).mean() > 0.97
        # Not all of a tumour is white: it keeps shades of its own.
        assert (volume[tumor] < high).mean() > 0.9
    tissue = tissue_of(volume, brain)
    assert tissue[brain].all()
    assert not tissue[~brain].any()


def test_white_stays_where_no_tumour_is_brighter_and_values_that_are_not_finite_count_nowhere() -> None:
    volume, brain, tumor = head_of_brain(-1.1, scores=True)
    dark = volume - 12 * tumor
    assert window(dark, brain, tumor) == window(dark, brain)
    damaged = volume.copy()
    damaged[5, 5, 5], damaged[6, 6, 6] = np.nan, np.inf
    assert np.allclose(window(damaged, brain), window(volume, brain), atol=0.05)
    assert window(volume, np.zeros_like(brain)) == window(volume)


def test_a_field_is_in_mm_for_pixels_of_any_shape() -> None:
    shown = np.zeros((10, 10), dtype=bool)
    shown[2:4, 5:9] = True  # Rows 2 and 3, columns 5 to 8.
    field = field_around(shown, (0.5, 3.0), margin_mm=1.0)
    assert field.centre_mm == (3.5, 9.0)
    assert (field.width_mm, field.height_mm) == (4.0, 8.0)
    assert field_around(np.zeros((4, 4), dtype=bool), (1.0, 1.0), 0.0).width_mm == 4.0


def save_mask(path: Path, voxels: int) -> str:
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[0, :voxels, 3] = True
    volumes.save(Image(mask, GRID), path)
    return str(path)


def candidate(hospital: str, residual: str, **outlines: str) -> examples.Candidate:
    return examples.Candidate(hospital, {"post_t1ce": "none"}, residual, "none", outlines)


def test_each_hospital_shows_its_candidate_with_the_most_tumour(tmp_path: Path) -> None:
    masks = {n: save_mask(tmp_path / f"{n}.nii.gz", n) for n in (0, 2, 4)}
    offered = [candidate("B", masks[2]), candidate("A", masks[0]), candidate("B", masks[4]), candidate("B", masks[4])]
    shown = examples.choose_examples(offered)
    assert [e.candidate.hospital for e in shown] == ["B", "A"]
    assert shown[0].candidate is offered[2]
    assert shown[0].level == 3
    assert shown[0].residual_ml == pytest.approx(4 * 2 / 1000)
    assert shown[1].residual_ml == 0


def test_a_study_without_a_complete_patient_has_a_caption_that_says_so() -> None:
    shown = examples.choose_examples([])
    said = examples.caption(shown, ["post_t1ce", "post_flair"], {"post_t1ce": "residual"}, candidates=0)
    assert said == (
        "Figure 1. No patient of the study has every sequence (post-operative T1w-CE and post-operative FLAIR)."
    )


def test_a_label_that_is_missing_is_not_outlined(tmp_path: Path) -> None:
    only = candidate("A", "x", post_t1ce=save_mask(tmp_path / "mask.nii.gz", 3))
    assert int(examples.outline_of(only, "post_t1ce", GRID.shape).sum()) == 3
    assert not examples.outline_of(only, "pre_t1ce", GRID.shape).any()


def test_the_caption_of_figure_1_states_patients_contents_and_orientation(tmp_path: Path) -> None:
    shown = examples.choose_examples([candidate("STO", save_mask(tmp_path / "secret.nii.gz", 5))])
    said = examples.caption(
        shown, ["post_t1ce", "post_t1", "pre_t1ce"], {"post_t1ce": "residual", "post_t1": "residual"}, candidates=3
    )
    assert "one patient of one hospital (n = 1; Patient 1: STO, 0.01 ml of residual tumour)" in said
    assert "(residual tumour on post-operative T1w-CE and post-operative T1w)" in said
    assert "percentiles 1 and 99.5" in said
    assert "patient's right (R) is at the left" in said
    assert "secret" not in said


def cases_of(dice: dict[str, list[float]], reference_ml: list[float] | None = None) -> pd.DataFrame:
    patients = len(next(iter(dice.values())))
    volumes = reference_ml or [1.0] * patients
    return pd.DataFrame(
        [
            {
                "arch": arch,
                "inputs": "B",
                "split": "test",
                "patient": f"P{i}",
                "dice": value,
                "reference_ml": volumes[i],
            }
            for arch, values in dice.items()
            for i, value in enumerate(values)
        ]
    )


def test_four_patients_are_chosen_by_rank_of_the_mean_over_the_networks() -> None:
    # Means: P0 .50, P1 .70, P2 .30, P3 .60, P4 .40, P5 .20, P6 .10; thirds of ranks 1 to 7 are 3 and 5.
    one = [0.6, 0.9, 0.3, 0.5, 0.4, 0.2, 0.1]
    other = [0.4, 0.5, 0.3, 0.7, 0.4, 0.2, 0.1]
    chosen = comparison.choose_patients(cases_of({"a": one, "b": other}), 0.175)
    assert [(c.patient, c.rank, c.of) for c in chosen] == [("P1", 1, 7), ("P0", 3, 7), ("P2", 5, 7), ("P6", 7, 7)]
    assert chosen[0].dice == {"a": 0.9, "b": 0.5}


def test_fewer_patients_are_all_shown_and_only_positive_ones_of_the_test_set() -> None:
    cases = cases_of({"a": [0.1, 0.9, math.nan]}, [1.0, 0.175, 0.1])
    validation = cases.assign(split="validation", patient="V")
    chosen = comparison.choose_patients(pd.concat([cases, validation]), 0.175)
    assert [c.patient for c in chosen] == ["P1", "P0"]
    assert comparison.choose_patients(cases.assign(reference_ml=0.0), 0.175) == []


def test_a_patient_whom_one_network_did_not_segment_is_not_shown() -> None:
    cases = cases_of({"a": [0.9, 0.2, 0.5], "b": [0.8, 0.4, 0.6]})
    partly = cases[~((cases["arch"] == "b") & (cases["patient"] == "P0"))]
    chosen = comparison.choose_patients(partly, 0.175)
    assert [(c.patient, c.rank, c.of) for c in chosen] == [("P2", 1, 2), ("P1", 2, 2)]


def test_equal_patients_keep_their_order() -> None:
    chosen = comparison.choose_patients(cases_of({"a": [0.5] * 5}), 0.175)
    assert [c.patient for c in chosen] == ["P0", "P1", "P3", "P4"]


def test_the_caption_of_figure_3_states_inputs_n_and_ranks_and_names_no_patient() -> None:
    chosen = comparison.choose_patients(cases_of({"nnunet": [0.1, 0.9, 0.5]}), 0.175)
    said = comparison.caption(chosen, {"nnunet": "B"}, {"nnunet": "nnU-Net"}, 0.175)
    assert "nnU-Net (inputs B)" in said
    assert "among n = 3: ranks 1, 2 and 3" in said
    assert "at least 0.175 ml" in said
    assert "P0" not in said
    assert "No patient of the hold-out set" in comparison.caption([], {"nnunet": "B"}, {}, 0.175)


def scores() -> pd.DataFrame:
    rows = []
    for reference, other in (("consensus", "reference_standard"), ("reference_standard", "consensus")):
        scorers = [
            ("nnunet", "model", "C"),
            (other, "reference", None),
            ("zed", "expert", None),
            ("amy", "expert", None),
        ]
        for scorer, kind, inputs in [*scorers, ("bob", "novice", None)]:
            for patient, (positive, jaccard) in enumerate([(True, 0.5), (True, math.nan), (False, 0.9), (True, 0.25)]):
                rows.append(
                    {"reference": reference, "scorer": scorer, "kind": kind, "inputs": inputs, "patient": f"P{patient}",
                     "positive": positive, "jaccard": jaccard}
                )  # fmt: skip
    return pd.DataFrame(rows)


def test_raters_come_first_and_are_numbered_instead_of_named() -> None:
    shown = agreement.panels(scores(), {"nnunet": "nnU-Net"})
    assert list(shown) == ["reference_standard", "consensus"]
    labels = ["Novice 1", "Expert 1", "Expert 2", "nnU-Net C"]
    assert [scored.label for scored in shown["reference_standard"]] == [*labels, "Consensus"]
    assert [scored.label for scored in shown["consensus"]] == [*labels, "Reference\nstandard"]
    assert rater_labels(scores()) == {"bob": "Novice 1", "zed": "Expert 1", "amy": "Expert 2"}


def test_only_positive_cases_with_a_jaccard_are_shown() -> None:
    shown = agreement.panels(scores(), {})
    assert all(scored.jaccard.tolist() == [0.5, 0.25] for scorers in shown.values() for scored in scorers)
    said = agreement.caption(shown, 0.175)
    assert "reference standard: n = 2; consensus of the raters: n = 2" in said
    assert not any(name in said for name in ("bob", "zed", "amy"))


def test_columns_have_names_and_unknown_ones_keep_theirs() -> None:
    assert (name_of("pre_t1ce"), name_of("post_t2")) == ("pre-operative T1w-CE", "post t2")
    assert [listed(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
