"""The inter-rater study: consensus, Jaccard scores and comparisons, from masks of a few voxels and simulated raters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from cohort_tables import snapshot
from residua.cohort.checks.rater_headers import check_rater_headers
from residua.cohort.table.rater_table import Expertise, Rating
from residua.errors import DamagedStageError, ResiduaError
from residua.images.volumes import Grid, Image, load_mask, save
from residua.publishing.publish import stage
from residua.raters.compare import compare_raters
from residua.raters.consensus import consensus
from residua.raters.rate import rate_all
from residua.settings.classification import Classification
from whole_tables import load_raters, read_patients

GRID = Grid((6, 5, 4), np.diag([10.0, 10.0, 10.0, 1.0]), "LPS")  # a voxel is 1 ml
CLASSIFICATION = Classification(residual_tumor_ml=0.9, min_overlap_dice=0.0)
EXPERTISES: dict[str, Expertise] = {"expert1": "expert", "novice1": "novice", "novice2": "novice"}


def voxels(*values: float) -> NDArray[np.float32]:
    """``values`` in a row along x, zero elsewhere."""
    data = np.zeros(GRID.shape, dtype=np.float32)
    data[: len(values), 2, 1] = values
    return data


# --- consensus --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 4), (8, 5)], ids=lambda number: str(number)
)
def test_more_than_half_of_the_raters_agree(raters: int, needed: int) -> None:
    # Voxel k is annotated by the first k raters.
    masks = [np.arange(raters + 1) > rater for rater in range(raters)]
    np.testing.assert_array_equal(consensus(masks), np.arange(raters + 1) >= needed)


# --- scores -----------------------------------------------------------------------------------------------------------


def write_mask(path: Path, data: NDArray[Any], grid: Grid = GRID) -> str:
    save(Image(data, grid), path)
    return str(path)


def publish(folder: Path, **masks: NDArray[Any]) -> str:
    """The manifest of a published folder of masks by patient."""
    manifest = folder / "manifest.json"
    with stage(manifest) as part:
        for patient, data in masks.items():
            write_mask(part / f"{patient}.nii.gz", data > 0.5)
    return str(manifest)


def drawn(folder: Path, patient: str, **masks: NDArray[Any]) -> list[Rating]:
    """A patient's ratings, in the order given."""
    files = {rater: write_mask(folder / "raters" / rater / f"{patient}.nii.gz", mask) for rater, mask in masks.items()}
    return [Rating(patient, rater, EXPERTISES[rater], file) for rater, file in files.items()]


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    """What ``rate_all`` is given: AMS1 has tumour for everybody, AMS2 for novice1 alone, AMS3 for no rater."""
    standards = {"AMS1": voxels(1, 1), "AMS2": voxels(), "AMS3": voxels(1)}
    return {
        "ratings": [
            *drawn(tmp_path, "AMS1", expert1=voxels(1, 1, 1), novice1=voxels(0, 1, 1), novice2=voxels(0, 0, 1)),
            *drawn(tmp_path, "AMS2", expert1=voxels(), novice1=voxels(1)),
            *drawn(tmp_path, "AMS3", expert1=voxels(), novice1=voxels(), novice2=voxels()),
        ],
        "references": {p: write_mask(tmp_path / f"{p}.nii.gz", mask) for p, mask in standards.items()},
        "segmentations": {
            ("nnunet", "B"): publish(tmp_path / "nnunet", AMS1=voxels(1, 1), AMS2=voxels(), AMS3=voxels(0, 1)),
            ("agunet", "A"): publish(tmp_path / "A", AMS1=voxels(), AMS2=voxels(), AMS3=voxels()),
            ("agunet", "B"): publish(tmp_path / "B", AMS1=voxels(1, 1, 1), AMS2=voxels(), AMS3=voxels(1, 1)),
        },
        "metrics": [],
        "choice": {"nnunet": "B", "agunet": "B"},
        "classification": CLASSIFICATION,
    }


def jaccard(scores: pd.DataFrame, patient: str, reference: str) -> dict[str, float]:
    rows = scores[(scores["patient"] == patient) & (scores["reference"] == reference)]
    return dict(zip(rows["scorer"], rows["jaccard"], strict=True))


def test_every_scorer_is_compared_with_both_references(study: dict[str, Any]) -> None:
    scores, _ = rate_all(**study)
    # The consensus of AMS1 is voxels 1 and 2, annotated by 2 and by 3 of 3; the reference standard is voxels 0 and 1.
    # Models have no vote, or voxel 0 would have 3 of 5.
    assert jaccard(scores, "AMS1", "reference_standard") == pytest.approx(
        {"expert1": 2 / 3, "novice1": 1 / 3, "novice2": 0, "nnunet": 1, "agunet": 2 / 3, "consensus": 1 / 3}
    )
    assert jaccard(scores, "AMS1", "consensus") == pytest.approx(
        {
            "expert1": 2 / 3,
            "novice1": 1,
            "novice2": 1 / 2,
            "nnunet": 1 / 3,
            "agunet": 2 / 3,
            "reference_standard": 1 / 3,
        }
    )


def test_two_empty_masks_have_no_score_and_a_rater_who_did_not_rate_has_no_row(study: dict[str, Any]) -> None:
    scores, _ = rate_all(**study)
    # One of two raters saw tumour in AMS2, which is not more than half: the consensus is empty too.
    for reference, other in (("reference_standard", "consensus"), ("consensus", "reference_standard")):
        found = jaccard(scores, "AMS2", reference)
        assert list(found) == ["expert1", "novice1", "nnunet", "agunet", other]
        assert found.pop("novice1") == 0
        assert all(math.isnan(score) for score in found.values())


def test_a_case_is_positive_under_the_reference_in_use(study: dict[str, Any]) -> None:
    scores, _ = rate_all(**study)
    per_case = scores.groupby(["patient", "reference"])[["reference_ml", "positive"]].first()
    assert scores.groupby(["patient", "reference"])["positive"].nunique().eq(1).all()
    assert per_case["reference_ml"].to_dict() == pytest.approx(
        {
            ("AMS1", "reference_standard"): 2,
            ("AMS1", "consensus"): 2,
            ("AMS2", "reference_standard"): 0,
            ("AMS2", "consensus"): 0,
            ("AMS3", "reference_standard"): 1,
            ("AMS3", "consensus"): 0,
        }
    )
    assert {case for case, positive in per_case["positive"].items() if positive} == {
        ("AMS1", "reference_standard"),
        ("AMS1", "consensus"),
        ("AMS3", "reference_standard"),
    }
    compared = compare_raters(scores, {}, 0.05)
    expert1 = compared[(compared["arch"] == "nnunet") & (compared["against"] == "expert1")].set_index("reference")
    assert expert1["n_model"].to_dict() == expert1["n_other"].to_dict() == {"reference_standard": 2, "consensus": 1}


def test_rows_name_the_scorer_and_undefined_is_null_in_the_file(tmp_path: Path, study: dict[str, Any]) -> None:
    scores, _ = rate_all(**study)
    first = scores[(scores["patient"] == "AMS1") & (scores["reference"] == "consensus")]
    kinds = dict(zip(first["scorer"], first["kind"], strict=True))
    assert kinds == {**EXPERTISES, "nnunet": "model", "agunet": "model", "reference_standard": "reference"}
    assert dict(zip(first["scorer"], first["inputs"], strict=True)) == {
        **dict.fromkeys(kinds),
        "nnunet": "B",
        "agunet": "B",
    }
    scores.to_parquet(tmp_path / "scores.parquet", index=False)
    table = pq.read_table(tmp_path / "scores.parquet")
    # AMS2 against either reference: expert1, two models and the other reference. AMS3's consensus is empty like both
    # novices and expert1; its models are not.
    assert table["jaccard"].null_count == 2 * 4 + 3
    assert table.column_names == [
        *("patient", "reference", "scorer", "kind", "inputs", "reference_ml", "positive", "jaccard")
    ]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "scores.parquet"), scores)


def measured(folder: Path, inputs: str, validation: float, test: float) -> str:
    """Measurements of AGU-Net with one Dice on each split."""
    cases = [("validation", 0, "STO1", validation), ("validation", 1, "GOT1", validation), ("test", None, "AMS1", test)]
    rows = [
        {"arch": "agunet", "inputs": inputs, "split": split, "fold": fold, "patient": patient, "dice": dice}
        for split, fold, patient, dice in cases
    ]
    frame = pd.DataFrame(rows).assign(reference_ml=1.0, predicted_ml=1.0).astype({"fold": "Int64"})
    frame.to_parquet(folder / f"{inputs}.parquet", index=False)
    return str(folder / f"{inputs}.parquet")


@pytest.mark.parametrize("best", ["A", "B"])
def test_inputs_left_to_the_results_are_the_best_out_of_fold(tmp_path: Path, study: dict[str, Any], best: str) -> None:
    metrics = [measured(tmp_path, inputs, 0.8 if inputs == best else 0.7, 0.1 * (inputs != best)) for inputs in "AB"]
    scores, _ = rate_all(**{**study, "metrics": metrics, "choice": {"nnunet": "B", "agunet": "out_of_fold"}})
    models = scores[scores["kind"] == "model"]
    assert set(zip(models["scorer"], models["inputs"], strict=True)) == {("nnunet", "B"), ("agunet", best)}
    assert jaccard(scores, "AMS1", "reference_standard")["agunet"] == pytest.approx({"A": 0, "B": 2 / 3}[best])


def refused(study: Mapping[str, Any], folder: Path) -> str:
    """The message with which ``study`` is refused, having changed no file."""
    before = snapshot(folder)
    with pytest.raises(ResiduaError) as raised:
        rate_all(**study)
    assert snapshot(folder) == before
    return str(raised.value)


def test_unusable_masks_are_reported_at_once(tmp_path: Path, study: dict[str, Any]) -> None:
    labels, probability, broken = (Path(study["ratings"][index].mask) for index in (0, 3, 4))
    write_mask(labels, voxels(1, 2, 4))
    write_mask(probability, voxels(0.7))
    broken.write_bytes(b"")
    title, *lines = refused(study, tmp_path).splitlines()
    assert title == "These raters' masks cannot be used (3 to correct):"
    only = "a mask holds only 0 and 1, but this one also"
    assert lines[0].startswith(f"  patient AMS1, mask, {labels}: {only} 2, 4: ")
    assert lines[1].startswith(f"  patient AMS2, mask, {probability}: {only} 0.7, as a map of probabilities does: ")
    assert lines[2].startswith(f"  patient AMS2, mask, {broken}: the file is empty (0 bytes): ")


def test_a_mask_on_another_grid_is_refused_with_patient_and_rater(tmp_path: Path, study: dict[str, Any]) -> None:
    write_mask(Path(study["ratings"][1].mask), voxels(1), Grid(GRID.shape, np.diag([5.0, 10.0, 10.0, 1.0])))
    told = refused(study, tmp_path)
    assert told.startswith("patient AMS1: the mask of novice1: shape (6, 5, 4) and spacing 5x10x10 mm do not match")


def test_a_reference_standard_on_another_grid_than_the_models_is_refused(tmp_path: Path, study: dict[str, Any]) -> None:
    shifted = GRID.affine.copy()
    shifted[0, 3] = 3.0
    elsewhere = Grid(GRID.shape, shifted)
    study["ratings"] = [each for each in study["ratings"] if each.patient == "AMS1"]
    for each in study["ratings"]:
        write_mask(Path(each.mask), voxels(1), elsewhere)
    write_mask(Path(study["references"]["AMS1"]), voxels(1, 1), elsewhere)
    assert "patient AMS1: the mask of nnunet: " in refused(study, tmp_path)


def test_damaged_masks_of_a_model_are_not_scored(tmp_path: Path, study: dict[str, Any]) -> None:
    (tmp_path / "nnunet" / "AMS3.nii.gz").write_bytes(b"damaged")
    with pytest.raises(DamagedStageError, match=r"nnunet: 1 file.* AMS3\.nii\.gz\. Rebuild with: rm "):
        rate_all(**study)


# --- comparisons ------------------------------------------------------------------------------------------------------


def scored(
    scores: Mapping[str, Mapping[str, float]], reference: str = "consensus", positive: bool = True
) -> pd.DataFrame:
    """Rows like those of ``rate_all`` from the scores of each scorer by patient; "nnunet" is a model."""
    kinds = {**EXPERTISES, "nnunet": "model", "reference_standard": "reference"}
    return pd.DataFrame(
        [
            {
                "patient": patient,
                "reference": reference,
                "scorer": scorer,
                "kind": kinds[scorer],
                "inputs": "B" if scorer == "nnunet" else None,
                "reference_ml": 1.0,
                "positive": positive,
                "jaccard": score,
            }
            for scorer, by_patient in scores.items()
            for patient, score in by_patient.items()
        ]
    )


def against(compared: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Each row by whom the model is compared with."""
    return {row["against"]: row for row in compared.to_dict("records")}


def test_a_groups_score_is_the_mean_of_its_raters_who_rated_the_patient(tmp_path: Path) -> None:
    scores = scored(
        {
            "novice1": {"AMS1": 0.2, "AMS2": 0.6},
            "novice2": {"AMS1": 0.4},
            "expert1": {"AMS1": 0.9, "AMS3": 0.7},
            "nnunet": {"AMS1": 0.5, "AMS2": 0.5, "AMS3": 0.8},
            "reference_standard": {"AMS1": 1.0, "AMS2": 1.0, "AMS3": 1.0},
        }
    )
    found = against(compare_raters(scores, {}, 0.05))
    assert list(found) == ["novice1", "novice2", "expert1", "novices", "experts", "all"]
    assert {name: row["kind"] for name, row in found.items()} == {
        **dict.fromkeys(EXPERTISES, "rater"),
        **dict.fromkeys(("novices", "experts", "all"), "group"),
    }
    assert {row["n_model"] for row in found.values()} == {3}
    assert {row["median_model"] for row in found.values()} == {0.5}
    assert [found[name]["n_other"] for name in ("novice1", "novices", "experts", "all")] == [2, 2, 2, 3]
    # novices: AMS1 (0.2 + 0.4) / 2 = 0.3, AMS2 0.6. All: AMS1 1.5 / 3 = 0.5, AMS2 0.6, AMS3 0.7.
    assert found["novices"]["median_other"] == pytest.approx(0.45)
    assert found["experts"]["median_other"] == pytest.approx(0.8)
    assert found["all"]["median_other"] == pytest.approx(0.6)
    # Pairs that the model wins against the novices: 0.5, 0.5 and 0.8 over 0.3, and 0.8 over 0.6.
    assert found["novices"]["u_statistic"] == 4


def test_clear_differences_are_significant_below_alpha_only() -> None:
    patients = [f"AMS{number}" for number in range(4)]
    scores = scored(
        {
            "novice1": dict(zip(patients, (0.1, 0.2, 0.3, 0.4), strict=True)),
            "nnunet": dict(zip(patients, (0.6, 0.7, 0.8, 0.9), strict=True)),
        }
    )
    # All 16 pairs are won; of the C(8, 4) = 70 orders two are as extreme.
    (row, *_) = compare_raters(scores, {}, 0.05).to_dict("records")
    assert (row["reference"], row["arch"], row["inputs"], row["against"]) == ("consensus", "nnunet", "B", "novice1")
    assert (row["u_statistic"], row["note"]) == (16, "")
    assert row["p_value"] == pytest.approx(2 / 70)
    assert row["significant"] is True
    assert compare_raters(scores, {}, 0.01)["significant"].tolist()[0] is False


def test_only_positive_cases_of_the_reference_in_use_are_compared() -> None:
    shared = {"novice1": {"AMS1": 0.1, "AMS2": 0.2}, "nnunet": {"AMS1": 0.3, "AMS2": 0.4}}
    negative = {"novice1": {"AMS3": math.nan}, "nnunet": {"AMS3": 0.0}}
    scores = pd.concat(
        [
            scored(shared, "reference_standard"),
            scored(negative, "reference_standard", positive=False),
            scored({**shared, "novice1": {**shared["novice1"], "AMS3": 0.3}}),
        ]
    )
    compared = compare_raters(scores, {}, 0.05)
    rows = compared[compared["against"] == "all"].set_index("reference")
    assert list(rows.index) == ["reference_standard", "consensus"]
    assert rows["n_other"].to_dict() == {"reference_standard": 2, "consensus": 3}
    assert rows["median_other"].to_dict() == pytest.approx({"reference_standard": 0.15, "consensus": 0.2})


@pytest.mark.parametrize(
    ("scores", "positive", "note", "p_value"),
    [
        ({"novice1": {"AMS1": 0.1}, "nnunet": {"AMS1": 0.2}}, False, "no case with residual tumour under this", None),
        ({"novice1": {"AMS1": 0.1}, "nnunet": {"AMS1": 0.2}}, True, "one case only", 1.0),
        (
            {"novice1": {"AMS1": 0.5, "AMS2": 0.5}, "nnunet": {"AMS1": 0.5, "AMS2": 0.5}},
            True,
            "all values equal",
            1.0,
        ),
    ],
)
def test_notes_explain_uninformative_comparisons(
    tmp_path: Path, scores: dict[str, dict[str, float]], positive: bool, note: str, p_value: float | None
) -> None:
    compared = compare_raters(scored(scores, positive=positive), {}, 0.05)
    compared.to_parquet(tmp_path / "raters.parquet", index=False)
    row = pq.read_table(tmp_path / "raters.parquet").to_pylist()[0]
    assert row["note"].startswith(note)
    assert row["p_value"] == p_value
    assert row["significant"] is (None if p_value is None else False)


def test_a_note_explains_a_group_without_ratings() -> None:
    row = against(compare_raters(scored({"novice1": {"AMS1": 0.1}, "nnunet": {"AMS1": 0.2, "AMS2": 0.3}}), {}, 0.05))
    assert row["experts"]["n_other"] == 0
    assert row["experts"]["note"].startswith("none of the cases with residual tumour was rated")
    assert pd.isna(row["experts"]["significant"])


# --- simulated raters -------------------------------------------------------------------------------------------------


def test_simulated_experts_agree_better_with_the_reference_standard_than_novices(
    micro_cohort: Path, tmp_path: Path
) -> None:
    patients = {
        each.patient: each.files
        for each in read_patients(str(micro_cohort / "cohort.tsv"), ("post_t1ce", "residual"), ())
    }
    holdout = [patient for patient in patients if patient.startswith("AMS")]
    raters = load_raters(str(micro_cohort / "raters.tsv"), holdout, [])
    assert raters.patients == tuple(holdout)
    assert check_rater_headers(raters, {patient: patients[patient]["post_t1ce"] for patient in holdout}) == []
    references = {patient: patients[patient]["residual"] for patient in holdout}
    with stage(tmp_path / "manifest.json") as part:
        for patient, file in references.items():
            save(load_mask(file), part / f"{patient}.nii.gz")
    scores, _ = rate_all(
        raters.ratings,
        references,
        {("nnunet", "B"): str(tmp_path / "manifest.json")},
        [],
        {"nnunet": "B"},
        Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0),
    )
    # Eight raters, a model and the other reference, against two references.
    assert len(scores) == len(holdout) * 2 * (8 + 1 + 1)
    standard = scores[(scores["reference"] == "reference_standard") & scores["positive"]]
    mean = standard.groupby("kind")["jaccard"].mean()
    assert mean["model"] == 1  # its masks are the reference standard
    assert mean["novice"] < mean["expert"] < 1
    compared = against(compare_raters(scores, {}, 0.05))
    assert len(compared) == 8 + 3
