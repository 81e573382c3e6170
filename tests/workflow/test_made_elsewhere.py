"""Predictions made elsewhere are judged as the study's own: copies of its results get its numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from studies import Study, by_rule

COPIED, MAPPED = "copied", "mapped"
LABELS = {COPIED: "Copied masks", MAPPED: "Copied maps"}
JUDGED = (
    *(f"results/metrics/{name}/B.parquet" for name in (COPIED, MAPPED)),
    *(f"results/tables/{name}.md" for name in ("table3", "table4", "intervals")),
    *(f"results/statistics/{name}.parquet" for name in ("architectures", "paired_dice")),
    "results/raters/scores.parquet",
    "results/figures/figure3.pdf",
)
"""What tells the networks of elsewhere from the study's own; the report and the figures follow from it."""


def gather(study: Study, folder: str, *stages: str) -> None:
    """Copy the images of some stages of the study into one folder beside it, as somebody else would send them."""
    (study.folder / folder).mkdir()
    for stage in stages:
        for image in sorted((study.folder / "results" / stage).glob("*.nii.gz")):
            shutil.copy(image, study.folder / folder / f"{image.name.removesuffix('.nii.gz')}_seg.nii.gz")


def with_copies(config: dict[str, Any]) -> None:
    config["elsewhere"] = {
        COPIED: {
            "label": LABELS[COPIED],
            "has_seen_patients": True,
            "kind": "masks",
            "inputs": {"B": "sent/{patient}_seg.nii.gz"},
        },
        MAPPED: {
            "label": LABELS[MAPPED],
            "has_seen_patients": "unknown",
            "kind": "probabilities",
            "threshold": "out_of_fold",
            "inputs": {"B": "maps/{patient}_seg.nii.gz"},
        },
    }


@pytest.fixture(scope="module")
def judged(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The finished study with two networks of elsewhere, whose predictions are copies of nnU-Net's with inputs B."""
    study = finished.copied(tmp_path_factory.mktemp("elsewhere") / "study")
    gather(study, "sent", "segmentations/nnunet/B/validation", "segmentations/nnunet/B/test")
    gather(study, "maps", "predictions/nnunet/B/fold0", "predictions/nnunet/B/fold1", "ensemble/nnunet/B")
    study.configure(with_copies)
    planned = by_rule(study.planned())
    assert {"take_elsewhere": 4, "choose_threshold": 1, "segment": 4, "measure": 2}.items() <= planned.items()
    assert not {"train", "predict", "ensemble", "prepare_stripped", "register"} & set(planned)
    study.run(*JUDGED)
    return study


def numbers(study: Study, arch: str, inputs: str = "B") -> pd.DataFrame:
    frame = pd.read_parquet(study.folder / f"results/metrics/{arch}/{inputs}.parquet")
    return frame.drop(columns=["arch", "inputs"])


@pytest.mark.parametrize("name", [COPIED, MAPPED])
def test_a_copy_of_the_studys_own_predictions_gets_its_numbers(judged: Study, name: str) -> None:
    own = numbers(judged, "nnunet")
    assert set(own["split"]) == {"validation", "test"}
    pd.testing.assert_frame_equal(numbers(judged, name), own)


def test_tables_and_statistics_have_equal_rows_that_say_where_they_were_made(judged: Study) -> None:
    for table in ("table3", "table4", "intervals"):
        frame = pd.read_csv(judged.folder / f"results/tables/{table}.csv", dtype=str, keep_default_na=False)
        own = frame[(frame["Input"] == "B") & (frame["Arch."] == "nnU-Net")].drop(columns="Arch.")
        assert len(own) == 2
        for label in LABELS.values():
            others = frame[frame["Arch."] == f"{label} (made elsewhere)"].drop(columns="Arch.")
            pd.testing.assert_frame_equal(others.reset_index(drop=True), own.reset_index(drop=True))
    networks = pd.read_parquet(judged.folder / "results/statistics/architectures.parquet")
    pairs = {(row.arch_1, row.arch_2): row for row in networks.itertuples()}
    assert pairs["nnunet", COPIED].p_value == 1 or pairs["nnunet", COPIED].note
    assert {("nnunet", "agunet"), ("agunet", COPIED), (COPIED, MAPPED)} <= set(pairs)
    patient_by_patient = pd.read_parquet(judged.folder / "results/statistics/paired_dice.parquet")
    alike = patient_by_patient[(patient_by_patient["arch_1"] == "nnunet") & (patient_by_patient["arch_2"] == COPIED)]
    assert alike["split"].tolist() == ["test", "validation"]
    assert (alike["mean_difference"] == 0).all()
    assert alike["note"].str.contains("not estimable").all()


def test_raters_meet_the_networks_of_elsewhere(judged: Study) -> None:
    scores = pd.read_parquet(judged.folder / "results/raters/scores.parquet")
    jaccard = {
        scorer: rows.sort_values(["patient", "reference"])["jaccard"].tolist()
        for scorer, rows in scores[scores["kind"] == "model"].groupby("scorer")
    }
    assert jaccard[COPIED] == jaccard["nnunet"]
    assert set(jaccard) == {"nnunet", "agunet", COPIED, MAPPED}


WARNINGS = (
    f"{LABELS[COPIED]} (made elsewhere): it was trained on patients of this cohort",
    f"{LABELS[MAPPED]} (made elsewhere): it is not known whether it was trained on patients",
)


def test_tables_and_figures_warn_of_patients_that_a_network_had_seen(judged: Study) -> None:
    for table in ("table3", "table4"):
        text = (judged.folder / f"results/tables/{table}.md").read_text()
        assert all(warning in text for warning in WARNINGS)
    figure = (judged.folder / "results/figures/figure3.txt").read_text()
    assert f"{LABELS[COPIED]} (made elsewhere) (inputs B)" in figure


@pytest.mark.long
def test_the_report_warns_of_patients_that_a_network_had_seen(judged: Study, tmp_path: Path) -> None:
    study = judged.copied(tmp_path / "study")
    study.run()
    text = (study.folder / "results/report/index.html").read_text()
    assert all(warning in text for warning in WARNINGS)
    assert study.planned() == []


def test_the_hold_out_never_chooses_the_threshold(judged: Study, tmp_path: Path) -> None:
    """Wrong predictions of the hold-out change its rows, and neither the threshold nor the rows of the folds."""
    study = judged.copied(tmp_path / "study")
    threshold = study.folder / f"results/segmentations/{MAPPED}/B/threshold.json"
    before, chosen = numbers(study, MAPPED), threshold.read_bytes()
    held_out = before.loc[before["split"] == "test", "patient"]
    for patient in held_out:
        file = study.folder / f"maps/{patient}_seg.nii.gz"
        image = nib.load(file)
        nib.save(nib.Nifti1Image((1 - image.get_fdata()).astype(np.float32), image.affine), file)
    assert "choose_threshold" not in by_rule(study.planned())
    study.run(f"results/metrics/{MAPPED}/B.parquet")
    assert threshold.read_bytes() == chosen
    after = numbers(study, MAPPED)
    folds = before["split"] == "validation"
    pd.testing.assert_frame_equal(after[folds], before[folds])
    assert not after[~folds]["dice"].equals(before[~folds]["dice"])


def test_a_given_threshold_needs_no_prediction_of_the_folds_and_missing_patients_are_counted(
    judged: Study, tmp_path: Path
) -> None:
    study = judged.copied(tmp_path / "study")
    held_out = json.loads((study.folder / "results/cohort/folds.json").read_text())["holdout"]
    for image in (study.folder / "maps").iterdir():
        if image.name.removesuffix("_seg.nii.gz") not in held_out[:-1]:
            image.unlink()
    study.configure(lambda config: config["elsewhere"].pop(COPIED))
    study.configure(lambda config: config["elsewhere"][MAPPED].update(threshold=0.5, has_seen_patients="no"))
    study.run(f"results/metrics/{MAPPED}/B.parquet", "results/tables/table3.md", "results/tables/table3.csv")
    rows = numbers(study, MAPPED)
    assert rows["patient"].tolist() == held_out[:-1]
    assert set(rows["split"]) == {"test"}
    note = f"inputs B: {len(held_out) - 1} of {len(held_out)} patients of the hold-out have a prediction, and 0 of"
    assert note in (study.folder / "results/tables/table3.md").read_text()
    table = pd.read_csv(study.folder / "results/tables/table3.csv")
    assert table.loc[table["Arch."] == f"{LABELS[MAPPED]} (made elsewhere)", "Data"].tolist() == ["Test"]
