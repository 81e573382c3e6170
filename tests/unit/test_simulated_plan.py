"""Who is simulated: designs and plans."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import islice
from pathlib import Path

import nibabel.orientations as orientations
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort_tables import ROOT
from residua.errors import ResiduaError
from residua.images.volumes import Grid
from residua.simulate.cohort import simulate_cohort
from residua.simulate.design import load_design
from residua.simulate.geometry import draw_grid
from residua.simulate.plan import in_proportion, planned

DESIGNS = ROOT / "src/residua/simulate/designs"
TOY, TABLE1 = load_design("toy"), load_design("table1")


def test_toy_plan_gives_every_fold_patients_with_and_without_residual_tumor() -> None:
    plan = planned(24, TOY)
    counts = {"AMS": 8, "STO": 3, "GRO": 2, "MIL": 2, "SFR": 3, "PAR": 3, "GOT": 3}
    assert Counter(each.hospital for each in plan) == counts
    assert sum(each.residual_tumor for each in plan if each.hospital == "AMS") == 5
    for hospital in counts:
        assert {each.residual_tumor for each in plan if each.hospital == hospital} == {True, False}


def test_table1_plan_has_the_patient_numbers_of_the_article() -> None:
    with open(ROOT / "src/residua/article/table1.csv", encoding="utf-8", newline="") as stream:
        article = {row["hospital"]: (int(row["patients"]), int(row["rt"])) for row in csv.DictReader(stream)}
    plan = planned(956, TABLE1)
    complete = [each for each in plan if not each.lacking]
    patients = Counter(each.hospital for each in complete)
    residual = Counter(each.hospital for each in complete if each.residual_tumor)
    assert {hospital: (patients[hospital], residual[hospital]) for hospital in patients} == article
    assert len(complete) == 956
    assert len(plan) == 956 + 150
    assert len({each.patient for each in plan}) == len({each.number for each in plan}) == len(plan)
    assert Counter(each.hospital for each in plan if each.rated) == {"AMS": 20}
    assert {sequence for each in plan for sequence in each.lacking} == {
        "post_t1ce",
        "post_t1",
        "post_flair",
        "pre_t1ce",
    }


def test_every_part_of_the_plan_has_its_share_of_every_hospital() -> None:
    plan = [each for each in planned(240, TABLE1) if not each.lacking]
    for name, hospital in TABLE1.hospitals.items():
        expected = hospital.patients * 240 / 956
        assert abs(sum(each.hospital == name for each in plan) - expected) < 1.5


@given(st.integers(1, 400), st.integers(1, 400))
@settings(max_examples=25)
def test_larger_plan_begins_with_the_smaller_one(few: int, more: int) -> None:
    few, more = sorted((few, more))
    assert planned(more, TABLE1)[: len(planned(few, TABLE1))] == planned(few, TABLE1)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 60), min_size=1).filter(lambda each: sum(each.values()) > 0))
def test_in_proportion_gives_exact_shares(shares: dict[str, int]) -> None:
    dealt = Counter(islice(in_proportion(shares), sum(shares.values())))
    assert dealt == {name: share for name, share in shares.items() if share}


@pytest.mark.parametrize(("like", "patients"), [("toy", 23), ("micro", 5)])
def test_too_few_patients_are_rejected(tmp_path: Path, like: str, patients: int) -> None:
    with pytest.raises(ResiduaError, match=f"at least {patients + 1} patients, not {patients}"):
        simulate_cohort(tmp_path / "out", patients=patients, like=like)
    assert not (tmp_path / "out").exists()


def as_stored(grid: Grid) -> tuple[list[int], list[float]]:
    """Shape and spacing along the axes of the file."""
    ras, stored = (orientations.axcodes2ornt(tuple(codes)) for codes in ("RAS", grid.stored_as))
    order = np.argsort(orientations.ornt_transform(ras, stored)[:, 0])
    return [grid.shape[axis] for axis in order], [grid.spacing_mm[axis] for axis in order]


def test_table1_grids_are_within_the_ranges_of_the_article() -> None:
    shapes, spacings, weights = [], [], []
    for hospital in TABLE1.hospitals.values():
        for scanner in hospital.scanners:
            shape, spacing = as_stored(draw_grid(np.random.default_rng(0), scanner.post_t1ce))
            shapes.append(shape)
            spacings.append(spacing)
            weights.append(hospital.patients * scanner.share / sum(each.share for each in hospital.scanners))
    for low, high, each in zip((128, 42, 17), (896, 896, 512), np.transpose(shapes), strict=True):
        assert low <= each.min()
        assert each.max() <= high
    for low_mm, high_mm, spacing in zip((0.26, 0.26, 0.49), (1.2, 5.0, 7.2), np.transpose(spacings), strict=True):
        assert low_mm - 1e-6 <= spacing.min()
        assert spacing.max() <= high_mm + 1e-6
    # On average the article's images have [430, 461, 180] voxels of [0.67, 0.64, 1.96] mm.
    assert np.allclose(np.average(shapes, axis=0, weights=weights), [430, 461, 180], rtol=0.3)
    assert np.allclose(np.average(spacings, axis=0, weights=weights), [0.67, 0.64, 1.96], rtol=0.2)


def test_design_can_be_a_file(tmp_path: Path) -> None:
    record = yaml.safe_load((DESIGNS / "micro.yaml").read_text())
    record["lacking"], record["least_patients"] = 8, 1
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(record, sort_keys=False))
    table = simulate_cohort(tmp_path / "out", patients=2, like=str(tmp_path / "mine.yaml"))
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["patient"] for row in rows] == ["STO001", "STOX001", "GOT001", "GOTX001"]
    assert [row["post_t1"] for row in rows[:2]] == ["images/STO001/post_t1.nii.gz", ""]
    assert rows[3]["post_flair"] == ""
    assert rows[3]["post_t1"]
    assert sorted(path.name for path in (tmp_path / "out/images/STOX001").iterdir()) == [
        *("post_flair.nii.gz", "post_t1ce.nii.gz", "pre_t1ce.nii.gz", "pre_tumor.nii.gz", "residual.nii.gz"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"world_mm": -1}, "world_mm: Input should be greater than 0"),
        ({"wrold_mm": 2.0}, "wrold_mm: unknown key; see docs/explanation/simulator.md for the known keys"),
        ({"raters_hospital": "XYZ"}, "raters_hospital is not a hospital of the design: XYZ"),
        ({"hospitals": {}}, "hospitals: Dictionary should have at least 1 item"),
    ],
)
def test_errors_of_a_design_are_reported(tmp_path: Path, change: dict[str, object], said: str) -> None:
    record = yaml.safe_load((DESIGNS / "micro.yaml").read_text()) | change
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(record))
    with pytest.raises(ResiduaError, match=r"mine.yaml has \d problem\(s\)") as raised:
        load_design(str(tmp_path / "mine.yaml"))
    assert said in str(raised.value)


@pytest.mark.parametrize("text", ["a: [", "- a", "just words"])
def test_design_that_is_not_yaml_is_reported(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ResiduaError, match=r"is not YAML with keys|cannot be read as YAML"):
        load_design(str(tmp_path / "mine.yaml"))


def test_unknown_design_is_reported_with_the_known_ones() -> None:
    with pytest.raises(ResiduaError, match="no design 'tabel1': name one of micro, table1, toy, or a YAML file"):
        load_design("tabel1")
