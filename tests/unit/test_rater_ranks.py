"""Consensus of the other raters, STAPLE, and where networks rank among the raters: by hand and by other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK
from numpy.typing import NDArray

from residua.cohort.table.rater_table import Expertise, Rating
from residua.images.volumes import Grid, Image, save
from residua.publishing.publish import stage
from residua.raters.consensus import consensus, further_references
from residua.raters.paired import paired_raters
from residua.raters.ranks import rater_ranks
from residua.raters.rate import FURTHER_COLUMNS, rate_all
from residua.raters.staple import staple
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.statistics.mean_interval import mean_interval
from residua.tables.html import to_html
from residua.tables.latex import to_latex
from residua.tables.render import to_csv, to_markdown
from residua.tables.supplement import supplementary_table

Mask = NDArray[np.bool_]
GRID = Grid((6, 5, 4), np.diag([10.0, 10.0, 10.0, 1.0]), "LPS")  # A voxel is 1 ml.
RULE = Classification(residual_tumor_ml=0.9, min_overlap_dice=0.0)
FURTHER = ("leave_one_out", "staple", "leave_one_out_staple")
KINDS: dict[str, Expertise] = {"e1": "expert", "n1": "novice", "n2": "novice"}


def settings(**changes: Any) -> Statistics:
    best = BestInputs(segmentation={}, classification={}, raters={})
    numbers = {"alpha": 0.05, "bootstrap_resamples": 200, "interval_sd_multiplier": 1.96, "seed": 0}
    return Statistics(**{**numbers, "best_inputs": best, "further_consensus": FURTHER, **changes})


# STAPLE


def drawn(raters: int, shape: tuple[int, ...], seed: int = 0) -> list[Mask]:
    rng, truth = np.random.default_rng(seed), np.zeros(shape, dtype=bool)
    truth[2:8, 3:8, 1:6] = True
    return [
        (truth & (rng.random(shape) < 0.6 + 0.04 * n)) | (rng.random(shape) < 0.004 * (n + 1)) for n in range(raters)
    ]


def by_voxel(masks: list[Mask], iterations: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same estimate voxel by voxel, in logarithms, and the sensitivities: Warfield's equations as printed."""
    votes = np.stack([mask.ravel() for mask in masks]).astype(float)
    weight = votes.mean(axis=0)
    prior = weight.mean()
    for _ in range(iterations):
        p = (votes * weight).sum(axis=1) / weight.sum()
        q = ((1 - votes) * (1 - weight)).sum(axis=1) / (1 - weight).sum()
        p, q = np.clip(p, 1e-300, 1 - 1e-16), np.clip(q, 1e-300, 1 - 1e-16)
        inside = np.log(prior) + votes.T @ np.log(p) + (1 - votes.T) @ np.log(1 - p)
        outside = np.log(1 - prior) + (1 - votes.T) @ np.log(q) + votes.T @ np.log(1 - q)
        weight = 1 / (1 + np.exp(np.clip(outside - inside, -700, 700)))
    return weight.reshape(masks[0].shape), p


@pytest.mark.parametrize("shape", [(12, 11, 10), (30, 25, 20)])
@pytest.mark.parametrize("raters", [2, 3, 5, 8])
def test_staple_agrees_with_simpleitk_and_with_its_equations(raters: int, shape: tuple[int, ...]) -> None:
    masks = drawn(raters, shape, raters)
    itk = SimpleITK.STAPLEImageFilter()
    itk.SetForegroundValue(1)
    map_of_itk = SimpleITK.GetArrayFromImage(
        itk.Execute([SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks])
    )
    found = staple(masks)
    assert found.sensitivity == pytest.approx(np.array(itk.GetSensitivity()), abs=1e-6)
    assert found.specificity == pytest.approx(np.array(itk.GetSpecificity()), abs=1e-6)
    np.testing.assert_array_equal(found.mask, map_of_itk > 0.5)
    weight, p = by_voxel(masks, 2000)
    assert found.sensitivity == pytest.approx(p, abs=1e-8)
    np.testing.assert_array_equal(found.mask, weight > 0.5)
    assert 0 < found.mask.sum() < found.mask.size


def test_a_rater_whom_the_others_contradict_counts_less_than_one_vote() -> None:
    """Two raters agree; the third draws elsewhere, and is out of the estimate there."""
    good, astray = np.zeros((10, 10, 10), dtype=bool), np.zeros((10, 10, 10), dtype=bool)
    good[2:5, 2:5, 2:5] = astray[6:9, 6:9, 6:9] = True
    found = staple([good, good, astray])
    np.testing.assert_array_equal(found.mask, good)
    assert found.sensitivity[2] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("raters", [1, 2, 3])
def test_staple_of_empty_masks_is_empty_and_of_one_rater_the_raters_own(raters: int) -> None:
    empty = np.zeros((3, 3, 3), dtype=bool)
    assert not staple([empty] * raters).mask.any()
    one = drawn(1, (9, 9, 9))[0]
    np.testing.assert_array_equal(staple([one]).mask, one)
    # All voxels marked by everybody, and only some of the masks empty.
    assert staple([~empty] * raters).mask.all()
    assert not np.isnan(staple([~empty, empty, empty]).mask).any()


# References without the rater who is judged


def voxels(*values: int) -> Mask:
    data = np.zeros(GRID.shape, dtype=bool)
    data[: len(values), 2, 1] = np.array(values, dtype=bool)
    return data


def test_the_consensus_of_the_others_by_hand() -> None:
    masks = {"e1": voxels(1, 1, 1), "n1": voxels(0, 1, 1), "n2": voxels(0, 0, 1)}
    found = {left_out: mask for _, left_out, mask in further_references(masks, ["leave_one_out"])}
    # Of two others both must agree.
    for rater, expected in {"e1": voxels(0, 0, 1), "n1": voxels(0, 0, 1), "n2": voxels(0, 1, 1)}.items():
        np.testing.assert_array_equal(found[rater], expected)
    np.testing.assert_array_equal(consensus(list(masks.values())), voxels(0, 1, 1))


def test_no_rater_is_judged_by_a_consensus_of_which_the_rater_is_part() -> None:
    masks = dict(zip("abcd", drawn(4, (12, 11, 10)), strict=True))
    names = ["leave_one_out", "leave_one_out_staple"]
    before = [(n, r, m) for n, r, m in further_references(masks, names)]
    poisoned = list(further_references({**masks, "b": ~masks["b"]}, names))
    for (name, rater, mask), (_, _, other) in zip(before, poisoned, strict=True):
        assert np.array_equal(mask, other) == (rater == "b"), (name, rater)


# Scores


def write(path: Path, mask: Mask) -> str:
    save(Image(mask.astype(np.float32), GRID), path)
    return str(path)


def study(folder: Path, ratings: dict[str, dict[str, Mask]], models: dict[str, Mask]) -> dict[str, Any]:
    """What ``rate_all`` is given: masks by patient and rater, and a network's masks by patient."""
    manifest = folder / "net" / "manifest.json"
    with stage(manifest) as part:
        for patient, mask in models.items():
            write(part / f"{patient}.nii.gz", mask)
    return {
        "ratings": [
            Rating(patient, rater, KINDS[rater], write(folder / f"{patient}_{rater}.nii.gz", mask))
            for patient, of in ratings.items()
            for rater, mask in of.items()
        ],
        "references": {patient: write(folder / f"{patient}.nii.gz", voxels(1, 1)) for patient in ratings},
        "segmentations": {("net", "B"): str(manifest)},
        "metrics": [],
        "choice": {"net": "B"},
        "classification": RULE,
        "further": FURTHER,
    }


def every(folder: Path, ratings: dict[str, dict[str, Mask]], models: dict[str, Mask]) -> pd.DataFrame:
    return pd.concat(rate_all(**study(folder, ratings, models)), ignore_index=True)


RATINGS = {
    "P1": {"e1": voxels(1, 1, 1), "n1": voxels(0, 1, 1), "n2": voxels(0, 0, 1)},
    "P2": {"e1": voxels(1, 1), "n1": voxels(1, 0)},
    "P3": {"n2": voxels(1, 1)},
    "P4": {"e1": voxels(), "n1": voxels()},
}
MODELS = {"P1": voxels(0, 1, 1), "P2": voxels(1, 1), "P3": voxels(1, 1), "P4": voxels(1)}


def test_scores_against_the_others_by_hand(tmp_path: Path) -> None:
    _, further = rate_all(**study(tmp_path, RATINGS, MODELS))
    assert tuple(further.columns) == FURTHER_COLUMNS
    own = further[(further["reference"] == "leave_one_out") & (further["patient"] == "P1")]
    found = {(row.left_out, row.scorer): row.jaccard for row in own.itertuples()}
    assert found == pytest.approx({
        ("e1", "e1"): 1 / 3, ("e1", "net"): 1 / 2, ("n1", "n1"): 1 / 2, ("n1", "net"): 1 / 2, ("n2", "n2"): 1 / 2,
        ("n2", "net"): 1.0,
    })  # fmt: skip
    # Two raters: the consensus of the other is the other's mask. One: there is no other.
    own = further[(further["reference"] == "leave_one_out") & (further["patient"] == "P2")]
    assert own.set_index(["left_out", "scorer"])["jaccard"].to_dict() == {
        ("e1", "e1"): 0.5, ("e1", "net"): 0.5, ("n1", "n1"): 0.5, ("n1", "net"): 1.0,
    }  # fmt: skip
    assert "P3" not in set(further.loc[further["reference"] == "leave_one_out", "patient"])
    assert not further.loc[further["patient"] == "P4", "positive"].any()


def test_the_articles_scores_are_the_same_with_and_without_further_references(tmp_path: Path) -> None:
    given = study(tmp_path, RATINGS, MODELS)
    with_further, _ = rate_all(**given)
    without, none = rate_all(**{**given, "further": ()})
    pd.testing.assert_frame_equal(with_further, without)
    assert none.empty
    assert tuple(none.columns) == FURTHER_COLUMNS


# Ranks


def test_ranks_by_hand(tmp_path: Path) -> None:
    scores = every(tmp_path, RATINGS, MODELS)
    found = rater_ranks(scores, {}, settings()).set_index(["reference", "against"])
    # Reference standard, two voxels of three: P1 net 1/3, e1 2/3, n1 1/3, n2 0: one above, one alike: 2.5 of 4.
    # P2: net 1, e1 1, n1 1/2: 1.5 of 3. P3: net 1, n2 1: 1.5 of 2. P4: net 1/2, both 0: 1 of 3.
    row = found.loc[("reference_standard", "all")]
    assert (row["n"], row["rank"]) == (4, pytest.approx((2.5 + 1.5 + 1.5 + 1) / 4))
    assert row["raters"] == pytest.approx((3 + 2 + 1 + 2) / 4)
    assert row["ahead"] == pytest.approx(100 * (1.5 / 3 + 1.5 / 2 + 0.5 / 1 + 1) / 4)
    # The others: P1 net is ahead of e1 and n2 and like n1: 1.5. P2: like e1, ahead of n1: 1.5.
    row = found.loc[("leave_one_out", "all")]
    assert (row["n"], row["rank"], row["raters"]) == (2, 1.5, 2.5)
    assert row["ahead"] == pytest.approx(100 * (2.5 / 3 + 1.5 / 2) / 2)
    row = found.loc[("leave_one_out", "novices")]
    assert (row["n"], row["rank"]) == (2, pytest.approx((1.5 + 1) / 2))


def test_the_interval_of_a_rank_is_over_patients_or_persons() -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"reference": "consensus", "patient": f"P{n}", "scorer": scorer, "kind": kind, "inputs": inputs,
         "positive": True, "jaccard": rng.random()}
        for n in range(12)
        for scorer, kind, inputs in (("r1", "novice", None), ("r2", "expert", None), ("net", "model", "B"))
    ]  # fmt: skip
    scores = pd.DataFrame(rows)
    wide = scores.pivot(index="patient", columns="scorer", values="jaccard").loc[[f"P{n}" for n in range(12)]]
    ranks = 1 + (wide["r1"] > wide["net"]).astype(float) + (wide["r2"] > wide["net"])
    whose = {f"P{n}": f"x{n % 4}" for n in range(12)}
    for persons, named in (({}, None), (whose, np.array([whose[p] for p in ranks.index]))):
        row = rater_ranks(scores, persons, settings()).set_index(["reference", "against"]).loc[("consensus", "all")]
        expected = mean_interval(ranks, 0.05, 200, 0, named)
        assert (row["rank"], row["rank_low"], row["rank_high"]) == pytest.approx(
            (expected.estimate, expected.low, expected.high)
        )


DEGENERATE: dict[str, dict[str, dict[str, Mask]]] = {
    "one rater": {"P1": {"e1": voxels(1, 1)}, "P2": {"e1": voxels(1)}},
    "two raters": {"P1": {"e1": voxels(1, 1), "n1": voxels(1)}, "P2": {"e1": voxels(1), "n1": voxels(1)}},
    "empty masks": {"P1": {"e1": voxels(), "n1": voxels()}, "P2": {"e1": voxels(), "n1": voxels()}},
    "a rater of some": {"P1": {"e1": voxels(1, 1), "n1": voxels(1)}, "P2": {"e1": voxels(1)}},
}
WORDS = {
    "one rater": "no patient was segmented by two raters, so that no other rater votes",
    "two raters": "",
    "empty masks": "no case with residual tumour under this reference",
    "a rater of some": "no interval: one patient only",
}


@pytest.mark.parametrize("kind", DEGENERATE)
def test_what_cannot_be_ranked_is_said_in_words_and_never_nan(kind: str, tmp_path: Path) -> None:
    scores = every(tmp_path, DEGENERATE[kind], {"P1": voxels(1, 1), "P2": voxels(1, 0, 1)})
    frames = {
        "rater_ranks": rater_ranks(scores, {}, settings()),
        "paired_raters": paired_raters(scores, {}, settings()),
    }
    ranks = frames["rater_ranks"]
    of_others = ranks[(ranks["reference"] == "leave_one_out") & (ranks["against"] == "all")]
    assert WORDS[kind] in of_others["note"].item()
    assert ("no rater of this group" in " ".join(ranks["note"])) == (kind == "one rater")
    for name, frame in frames.items():
        frame.to_parquet(tmp_path / "frame.parquet")
        table = supplementary_table(name, str(tmp_path / "frame.parquet"), {"net": "Net"}, settings())
        for text in (to_csv(table), to_markdown(table), to_latex(table), to_html(table)):
            assert "nan" not in text.lower()
            assert "<NA>" not in text


def test_paired_comparisons_with_the_others_take_the_network_by_the_same_reference(tmp_path: Path) -> None:
    scores = every(tmp_path, RATINGS, MODELS)
    found = paired_raters(scores, {}, settings())
    others = found[found["reference"] == "leave_one_out"].set_index("against")
    # Against e1: P1 1/2 − 1/3, P2 1/2 − 1/2. The novices: P1 mean of n1 (1/2 − 1/2) and n2 (1 − 1/2), P2 n1 (1 − 1/2).
    assert others.loc["e1", "mean_difference"] == pytest.approx((1 / 6 + 0) / 2)
    assert others.loc["novices", "mean_difference"] == pytest.approx((0.25 + 0.5) / 2)
    assert others.loc["novices", "n"] == 2
    assert set(found["reference"]) == {"reference_standard", "consensus", *FURTHER}
