"""Networks that judge together: what the configuration may say, what is planned, the maps, and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohort_tables import config, row, study, write_images, write_table
from residua.cohort.cohort import load_cohort
from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.publishing.notes import worded
from residua.publishing.publish import stage
from residua.report.combinations import combinations as told
from residua.segmentation.combine import average, gate
from residua.segmentation.segment_patients import segment_all
from residua.segmentation.threshold_record import threshold_record
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing
from residua.settings.study import load_study
from residua.tables.table3 import table3
from residua.tables.table4 import table4
from residua.wiring import combinations, conventions, elsewhere, patients, preparation, publication, rating, sharing
from residua.wiring.loaded import LoadedStudy

BOTH = {"gated": {"gate": "agunet", "draw": "nnunet"}, "mean": {"mean": ["nnunet", "agunet"]}}
INPUTS = {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}


# --- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"x": {"gate": "agunet"}}, "combinations.x: a gate needs who draws"),
        ({"x": {"draw": "agunet"}}, "who draws needs a gate"),
        ({"x": {"gate": "agunet", "draw": "agunet"}}, "combinations.x: agunet is named twice"),
        ({"x": {"mean": ["nnunet"]}}, "combinations.x: a mean needs two networks"),
        ({"x": {"mean": ["nnunet", "nnunet"]}}, "combinations.x.mean: nnunet stands more than once"),
        ({"x": {}}, "name the networks of a mean, or a gate and who draws"),
        ({"x": {"mean": ["nnunet", "agunet"], "gate": "agunet"}}, "one of the two"),
        ({"x": {"mean": ["nnunet", "other"]}}, "combinations.x names other, which is not one of archs"),
        ({"agunet": {"mean": ["nnunet", "agunet"]}}, "combinations.agunet has the name of a network"),
        ({**BOTH, "again": {"mean": ["agunet", "nnunet"]}}, "combinations.again is the same as mean"),
        ({"x": {"gates": "agunet", "draw": "nnunet"}}, "combinations.x.gates"),
    ],
)
def test_a_combination_that_cannot_be_is_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(ResiduaError) as error:
        study(combinations=given)
    assert what in str(error.value)


def test_a_network_that_is_not_trained_or_has_the_name_of_one_of_elsewhere_is_refused() -> None:
    with pytest.raises(ResiduaError, match=r"combinations\.gated names agunet, which is not one of archs"):
        study(archs=["nnunet"], combinations=BOTH)
    other = {"label": "Other", "has_seen_patients": "no", "kind": "masks", "inputs": {"B": "{patient}.nii.gz"}}
    with pytest.raises(ResiduaError, match=r"combinations\.mean has the name of a network"):
        study(elsewhere={"mean": other}, combinations=BOTH)


def test_a_study_without_any_is_described_as_ever() -> None:
    assert study().combinations == {}
    assert "combinations" not in study().model_dump(mode="json")


def test_a_combination_has_the_inputs_of_its_first_network_or_those_that_are_named() -> None:
    record = config(inputs=INPUTS, combinations=BOTH)
    record["statistics"]["best_inputs"]["segmentation"] = {"nnunet": "A", "agunet": "B"}
    record["statistics"]["best_inputs"]["classification"] = {"nnunet": "A", "agunet": "A", "gated": "B"}
    found = load_study(record)
    assert found.choices("segmentation") == {"nnunet": "A", "agunet": "B", "gated": "A", "mean": "A"}
    assert found.choices("classification") == {"nnunet": "A", "agunet": "A", "gated": "B", "mean": "A"}
    record["statistics"]["best_inputs"]["classification"]["gated"] = "C"
    with pytest.raises(ResiduaError, match=r"classification.gated names C, which is missing under inputs"):
        load_study(record)


# --- plan -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedStudy:
    records = [row(f"{hospital}1", hospital) for hospital in ("STO", "GOT", "PAR", "AMS")]
    write_images(tmp_path, records)
    settings = study("out_of_fold", inputs=INPUTS, combinations=BOTH)
    return LoadedStudy(settings, load_cohort(settings, write_table(tmp_path, records)))


def test_a_combination_is_a_row_like_a_network_and_is_not_trained(loaded: LoadedStudy) -> None:
    assert loaded.judged[len(loaded.models) :] == [("gated", "A"), ("gated", "B"), ("mean", "A"), ("mean", "B")]
    assert {arch for arch, _, _ in loaded.trained} == {"nnunet", "agunet"}
    assert loaded.arch_labels["gated"] == "nnU-Net gated by AGU-Net"
    assert loaded.arch_labels["mean"] == "nnU-Net + AGU-Net"
    assert "results/metrics/gated/B.parquet" in publication.metrics_files(loaded)
    assert patients.measured(loaded, "mean", "B") == patients.measured(loaded, "nnunet", "B")
    assert ("mean", "A") in publication.compared(loaded)
    assert rating.choices(loaded)["gated"] == "out_of_fold"
    assert not any("gated" in file or "mean" in file for file in sharing.descriptions(loaded))
    assert "combinations" not in sharing.settings_of_model(loaded, "nnunet", "B")
    assert "conventions" not in sharing.settings_of_model(loaded, "nnunet", "B")


def test_a_combination_is_made_of_what_its_networks_predict_from_the_same_inputs(loaded: LoadedStudy) -> None:
    folds = [
        f"results/predictions/{arch}/B/fold{fold}/manifest.json" for arch in ("nnunet", "agunet") for fold in (0, 1)
    ]
    assert combinations.maps(loaded, "mean", "B", "validation") == folds
    assert combinations.maps(loaded, "gated", "B", "validation") == folds[:2]
    assert combinations.maps(loaded, "mean", "A", "test") == [
        "results/ensemble/nnunet/A/manifest.json", "results/ensemble/agunet/A/manifest.json",
    ]  # fmt: skip
    assert combinations.gate(loaded, "gated", "A", "test") == ["results/segmentations/agunet/A/test/manifest.json"]
    assert combinations.gate(loaded, "mean", "A", "test") == []
    assert preparation.predictions_of(loaded, "gated", "A", "test") == ["results/combined/gated/A/test/manifest.json"]
    assert preparation.out_of_fold_predictions(loaded, "mean", "A") == [
        "results/combined/mean/A/validation/manifest.json"
    ]


def test_a_mean_chooses_its_threshold_out_of_fold_and_a_gate_leaves_it_to_who_draws(loaded: LoadedStudy) -> None:
    assert elsewhere.threshold_files(loaded, "mean", "A") == ["results/segmentations/mean/A/threshold.json"]
    assert elsewhere.threshold_files(loaded, "gated", "A") == ["results/segmentations/nnunet/A/threshold.json"]
    chosen = elsewhere.chosen_thresholds(loaded)
    assert ("mean", "A") in chosen
    assert ("nnunet", "A") in chosen
    assert ("gated", "A") not in chosen
    assert conventions.judging(loaded, "gated")["keeps_threshold"]
    assert not conventions.judging(loaded, "mean")["keeps_threshold"]
    # Nothing of the hold-out is among what chooses.
    files = preparation.out_of_fold_predictions(loaded, "mean", "A")
    files += preparation.validation_references(loaded, "mean", "A")
    files += combinations.maps(loaded, "mean", "A", "validation")
    assert not any("AMS" in file or "ensemble" in file or "/test/" in file for file in files)


def test_the_notes_say_how_a_combination_is_made(loaded: LoadedStudy) -> None:
    notes = worded(combinations.notes_of_combinations(loaded), {})
    assert notes[0].startswith("nnU-Net gated by AGU-Net: the mask of nnU-Net where that of AGU-Net has")
    assert notes[1].startswith("nnU-Net + AGU-Net: the mean of the probability maps")
    assert set(combinations.notes_of_combinations(loaded)) <= set(publication.table_notes(loaded))


# --- maps -------------------------------------------------------------------------------------------------------------

GRID = Grid((4, 1, 1), np.diag([5.0, 5.0, 5.0, 1.0]))  # a voxel has 0.125 ml


def published(folder: Path, **maps: list[float]) -> str:
    manifest = str(folder / "manifest.json")
    with stage(manifest) as part:
        for patient, values in maps.items():
            data = np.array(values, np.float32).reshape(GRID.shape)
            volumes.save(Image(data, GRID), part / f"{patient}.nii.gz")
    return manifest


def values_of(folder: Path, patient: str) -> list[float]:
    return [round(float(value), 3) for value in volumes.load(folder / f"{patient}.nii.gz").data.ravel()]


def test_a_mean_is_of_every_voxel_over_all_networks(tmp_path: Path) -> None:
    one = [published(tmp_path / "0", P1=[0.25, 1, 0, 0.5]), published(tmp_path / "1", P2=[0, 0, 0, 0.5], P3=[1] * 4)]
    other = [published(tmp_path / "2", P1=[0.75, 1, 0.5, 0.5], P2=[1, 0, 0, 0])]
    third = [published(tmp_path / "3", P1=[0.5, 1, 0.25, 0.5], P2=[0.5, 0, 0, 0.25])]
    out = tmp_path / "out"
    out.mkdir()
    average([one, other, third], out)
    assert values_of(out, "P1") == [0.5, 1, 0.25, 0.5]
    assert values_of(out, "P2") == [0.5, 0, 0, 0.25]
    # Only one of the networks predicts P3.
    assert not (out / "P3.nii.gz").exists()


def test_maps_on_different_grids_are_not_averaged(tmp_path: Path) -> None:
    one = published(tmp_path / "0", P1=[0.5] * 4)
    with stage(tmp_path / "1/manifest.json") as part:
        volumes.save(Image(np.zeros(GRID.shape, np.float32), Grid(GRID.shape, np.eye(4))), part / "P1.nii.gz")
    with pytest.raises(ResiduaError, match="patient P1"):
        average([[one], [str(tmp_path / "1/manifest.json")]], tmp_path)


def test_a_gate_lets_a_map_pass_where_its_mask_reaches_the_cut(tmp_path: Path) -> None:
    maps = {patient: [0.75, 0.75, 0.25, 0] for patient in ("ABOVE", "AT", "BELOW", "EMPTY", "ALONE")}
    drawn = published(tmp_path / "maps", **maps)
    decided = published(tmp_path / "masks", ABOVE=[1, 1, 1, 0], AT=[0, 0, 1, 1], BELOW=[1, 0, 0, 0], EMPTY=[0] * 4)
    out = tmp_path / "out"
    out.mkdir()
    gate([drawn], decided, 0.25, out)
    assert values_of(out, "ABOVE") == values_of(out, "AT") == [0.75, 0.75, 0.25, 0]
    assert values_of(out, "BELOW") == values_of(out, "EMPTY") == [0] * 4
    assert not (out / "ALONE.nii.gz").exists()


def test_a_gated_mask_is_that_of_the_network_that_draws_or_empty(tmp_path: Path) -> None:
    settings = Postprocessing(thresholds=(0.5,), min_component_voxels=2, connectivity=26)
    drawn = published(tmp_path / "maps", P1=[0.9, 0.9, 0, 0.9], P2=[0.9, 0.9, 0.9, 0.9])
    decided = published(tmp_path / "masks", P1=[0, 0, 1, 1], P2=[1, 0, 0, 0])
    with stage(tmp_path / "gated/manifest.json") as part:
        gate([drawn], decided, 0.25, part)
    for name, source in (("alone", drawn), ("together", str(tmp_path / "gated/manifest.json"))):
        (tmp_path / name).mkdir()
        segment_all([source], 0.5, settings, tmp_path / name)
    assert values_of(tmp_path / "together", "P1") == values_of(tmp_path / "alone", "P1") == [1, 1, 0, 0]
    assert values_of(tmp_path / "together", "P2") == [0] * 4


def test_the_threshold_of_a_mean_is_the_best_of_its_own_maps(tmp_path: Path) -> None:
    """Each network alone is best at 0.6; their mean is at 0.4."""
    drawn = {"P1": [1, 1, 0, 0], "P2": [1, 0, 0, 0]}
    for patient, values in drawn.items():
        volumes.save(Image(np.array(values).reshape(GRID.shape) > 0, GRID), tmp_path / f"{patient}.nii.gz")
    one = published(tmp_path / "one", P1=[0.7, 0.1, 0.5, 0], P2=[0.7, 0.5, 0, 0])
    other = published(tmp_path / "other", P1=[0.1, 0.7, 0, 0.5], P2=[0.7, 0, 0, 0.5])
    with stage(tmp_path / "mean/manifest.json") as part:
        average([[one], [other]], part)
    postprocessing = Postprocessing(thresholds=(0.2, 0.4, 0.6), min_component_voxels=1, connectivity=26)
    rule = Classification(residual_tumor_ml=0.1, min_overlap_dice=0)
    references = {patient: str(tmp_path / f"{patient}.nii.gz") for patient in drawn}
    chosen = {
        manifest: threshold_record([manifest], references, {0: ["P1"], 1: ["P2"]}, postprocessing, rule)[0]["threshold"]
        for manifest in (one, other, str(tmp_path / "mean/manifest.json"))
    }
    assert list(chosen.values()) == [0.6, 0.6, 0.4]


# --- report -----------------------------------------------------------------------------------------------------------


def test_the_report_sets_a_combination_beside_its_networks() -> None:
    settings = study(inputs=INPUTS, combinations={"gated": BOTH["gated"]})
    found = {"nnunet": (2.0, 2.0), "agunet": (2.0, 0.0), "gated": (2.0, 0.0)}
    dice = {"nnunet": 0.8, "agunet": 0.6, "gated": 0.8}
    rows = [
        {"arch": arch, "inputs": "A", "split": "test", "fold": None, "patient": f"P{number}",
         "reference_ml": 2.0 if number == 0 else 0.0, "predicted_ml": predicted,
         "dice": dice[arch] if number == 0 else 0.0}
        for arch, volumes_ml in found.items() for number, predicted in enumerate(volumes_ml)
    ]  # fmt: skip
    labels = {"nnunet": "nnU-Net", "agunet": "AGU-Net", "gated": "nnU-Net gated by AGU-Net"}
    finding = told(pd.DataFrame(rows), settings, labels)
    assert finding is not None
    assert finding.sentences == (
        "nnU-Net gated by AGU-Net A, hold-out: mean Dice of the patients with residual tumour 80.0 % (nnU-Net alone "
        "80.0 % and AGU-Net alone 60.0 %); balanced accuracy 100.0 % (nnU-Net alone 50.0 % and AGU-Net alone 100.0 %).",
    )
    assert told(pd.DataFrame(rows[:4]), study(inputs=INPUTS), labels) is None


@pytest.mark.parametrize(("weights", "dice"), [("with_metric", "48.0 %"), ("all_patients", "48.6 %")])
def test_out_of_fold_the_report_has_the_means_of_tables_3_and_4(weights: str, dice: str) -> None:
    record = config(inputs=INPUTS, combinations={"gated": BOTH["gated"]})
    record["statistics"]["fold_weights"] = weights
    settings = load_study(record)
    # Balanced accuracy: 100 % of two patients, 33.3 % of four, undefined in the last fold; as one set it were 65 %.
    patients_of_folds = [
        *[(0, 2.0, 2.0, 0.8), (0, 0.0, 0.0, 0.0)],
        *[(1, 2.0, 0.0, 0.0), (1, 2.0, 2.0, 0.4), (1, 2.0, 2.0, 0.2), (1, 0.0, 2.0, 0.0)],
        (2, 2.0, 2.0, 1.0),
    ]
    cases = pd.DataFrame(patients_of_folds, columns=["fold", "reference_ml", "predicted_ml", "dice"])
    cases = cases.assign(patient=[f"P{number}" for number in range(7)], inputs="A", split="validation")
    cases = cases.assign(hd95_mm=1.0, absolute_volume_error_ml=0.0)
    found = pd.concat([cases.assign(arch=arch) for arch in ("nnunet", "agunet", "gated")], ignore_index=True)
    labels = {"nnunet": "nnU-Net", "agunet": "AGU-Net", "gated": "Gated"}
    finding = told(found, settings, labels)
    assert finding is not None
    assert finding.sentences == (
        f"Gated A, out-of-fold: mean Dice of the patients with residual tumour {dice} (nnU-Net alone {dice} and "
        f"AGU-Net alone {dice}); balanced accuracy 55.6 % (nnU-Net alone 55.6 % and AGU-Net alone 55.6 %).",
    )
    tables = (
        (table3(found, settings.classification, settings.statistics, labels), "DSC-P (%)", dice),
        (table4(found, settings.classification, settings.statistics, labels), "bAcc (%)", "55.6 %"),
    )
    for table, column, mean in tables:
        assert f"{float(table.frame[column].iloc[0].text.partition('±')[0]):.1f} %" == mean
