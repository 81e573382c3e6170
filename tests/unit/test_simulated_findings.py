"""What surgery leaves in simulated patients: tumour, blood, infiltration, and what resembles tumour."""

from __future__ import annotations

import numpy as np
import pytest

from residua.simulate.contrast import brightness
from residua.simulate.deposits import Deposits, Wall, lay_down
from residua.simulate.design import Disease, load_design
from residua.simulate.mimics import draw_mimics
from residua.simulate.tissues import TISSUES
from residua.simulate.world import World

LIMIT_ML = 0.175
WORLD = World(3.0)
BRAIN_MM = WORLD.ellipsoid((0.0, 0.0, 0.0), (65.0, 80.0, 60.0))
CAVITY_MM = WORLD.distance_to((38.0, 0.0, 0.0)) - np.float32(20.0)
BESIDE = np.broadcast_to(WORLD.axes[0] < 38.0, WORLD.shape)
"""The half of the cavity's wall at which the tumour was."""


def laid_down(trial: int, disease: Disease, residual_tumor: bool = True) -> Deposits:
    wall = Wall(CAVITY_MM, BESIDE, np.asarray(BRAIN_MM < -3.0))
    return lay_down(WORLD, np.random.default_rng(trial), wall, residual_tumor, 30.0, disease)


def disease(**changes: object) -> Disease:
    return load_design("toy").disease.model_copy(update=changes)


@pytest.mark.parametrize("like", ["toy", "micro", "table1"])
@pytest.mark.parametrize("tissue", ["vessel", "pia"])
def test_vessels_and_pia_enhance_as_tumor_does_and_are_dark_on_flair(like: str, tissue: str) -> None:
    for hospital in load_design(like).hospitals.values():
        for scanner in hospital.scanners:
            enhanced, plain, flair = (
                brightness(TISSUES, scanner, sequence) for sequence in ("post_t1ce", "post_t1", "post_flair")
            )
            assert 0.8 < enhanced[tissue] / enhanced["tumor"] < 1.25
            assert plain[tissue] < plain["wm"]
            assert flair[tissue] < 0.8 * flair["tumor"]
            assert flair["infiltrated"] > 1.1 * flair["oedema"]


def test_vessels_and_pia_lie_in_the_brain_or_on_it_outside_the_cavity_and_the_deposits() -> None:
    taken = np.where((CAVITY_MM > 0) & (CAVITY_MM < 6.0) & BESIDE, np.float32(1.0), np.float32(0.0))
    always = disease(vessels=(3, 3), pia_probability=1.0)
    for trial in range(4):
        (_, pia), (_, vessels) = draw_mimics(WORLD, np.random.default_rng(trial), CAVITY_MM, BRAIN_MM, taken, always)
        for share in (pia, vessels):
            assert share.max() > 0.5
            assert not (share * (CAVITY_MM < 0)).any()
            assert not (share * (BRAIN_MM > 2.0)).any()
            assert not (share * taken).any()
    never = disease(vessels=(0, 0), pia_probability=0.0)
    assert not any(
        share.any() for _, share in draw_mimics(WORLD, np.random.default_rng(0), CAVITY_MM, BRAIN_MM, taken, never)
    )


def test_blood_lies_anywhere_on_the_wall_and_residual_tumor_where_the_tumor_was() -> None:
    centres: dict[str, list[bool]] = {"residual": [], "anywhere": [], "beside": []}
    sure = {"blood_probability": 1.0, "most_pieces": 1}
    for trial in range(12):
        for place, share in (("anywhere", 1.0), ("beside", 0.0)):
            deposits = laid_down(trial, disease(blood_anywhere=share, **sure))
            assert np.abs(CAVITY_MM[deposits.blood.share > 0.5]).min() < 4.0
            for kind, extent in ((place, deposits.blood), ("residual", deposits.residual)):
                centres[kind].append(bool(np.average(BESIDE, weights=extent.share) > 0.5))
    assert 2 <= sum(centres["anywhere"]) <= 10
    assert np.mean(centres["beside"]) > 0.8
    assert np.mean(centres["residual"]) > 0.8


def test_volumes_lie_on_both_sides_of_the_limit() -> None:
    toy = disease()
    tumors = np.array([laid_down(trial, toy).residual.volume_ml for trial in range(60)])
    specks = np.array([laid_down(trial, toy, residual_tumor=False).residual.volume_ml for trial in range(60)])
    assert tumors.min() > LIMIT_ML > specks.max()
    assert 0.1 < np.mean(tumors < 0.4) < 0.35
    assert 0.1 < np.mean(specks > 0.1) < 0.5
    assert 0.3 < np.mean(specks == 0.0) < 0.7
    amounts = np.array([laid_down(trial, toy).blood.volume_ml for trial in range(60)])
    assert np.percentile(amounts[amounts > 0], 90) > 5.0 * np.percentile(amounts[amounts > 0], 10)


def test_flair_is_bright_around_residual_tumor_more_often_than_around_blood() -> None:
    toy, around = disease(blood_probability=1.0), {"residual": 0, "blood": 0}
    for trial in range(40):
        deposits = laid_down(trial, toy)
        for kind, extent in (("residual", deposits.residual), ("blood", deposits.blood)):
            around[kind] += bool(np.average(deposits.infiltrated, weights=extent.share) > 0.9)
    assert around["residual"] > around["blood"] + 8, around
    assert around["blood"] > 3, around
    none = disease(
        infiltration=toy.infiltration.model_copy(update={"tumor_probability": 0.0, "blood_probability": 0.0})
    )
    assert not laid_down(0, none).infiltrated.any()
