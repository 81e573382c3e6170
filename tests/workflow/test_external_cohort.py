"""External validation: bundles of a finished study on labelled patients of other hospitals, by ``residua validate``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from application import CHANNELS, new_table, rows_of
from environments import build_environments
from residua.bundle.pack import bundle_study
from residua.evaluation.folders import evaluate_folders
from residua.publishing.publish import manifest_of, read_json
from studies import Study, by_rule

MODELS = (("nnunet", "A"), ("agunet", "B"))
PREDICTS = {"register", "mask_brain", "strip", "prepare_stripped", "select_cases", "ensemble", "segment", "unpack"}


@dataclass(frozen=True)
class Validated:
    """A call of ``residua validate``: the folder of its results, what it printed, and the table's rows by patient."""

    out: Path
    printed: str
    rows: dict[str, dict[str, str]]

    @property
    def record(self) -> dict[str, Any]:
        """The summary."""
        return dict(read_json(self.out / "results/validation.json"))

    def cases(self, arch: str, inputs: str) -> pd.DataFrame:
        """The measurements of a bundle."""
        return pd.read_parquet(self.out / f"results/metrics/{arch}/{inputs}.parquet")


@pytest.fixture(scope="module")
def validated(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Validated:
    """Four labelled patients of two hospitals and one without a label; one cannot be registered for inputs B."""
    folder = tmp_path_factory.mktemp("validated")
    bundles = [folder / f"{arch}-{inputs}.zip" for arch, inputs in MODELS]
    for path, model in zip(bundles, MODELS, strict=True):
        bundle_study(finished.folder, *model, path)
    columns = [*CHANNELS["B"], "brain_mask", "residual"]
    rows = rows_of(finished, ["AMS001", "AMS002", "STO001", "GOT001", "STO002"], columns)
    for row, (patient, hospital) in zip(
        rows, [("OSL1", "OSL"), ("OSL2", "OSL"), ("PAR1", "PAR"), ("PAR2", "PAR"), ("PAR3", "PAR")], strict=True
    ):
        row |= {"patient": patient, "hospital": hospital}
        row["residual"] = str(shutil.copy(row["residual"], folder / f"{patient}_residual.nii.gz"))
    rows[1]["residual"] = ""
    scan = nib.load(rows[3]["post_t1"])
    noise = np.random.default_rng(1).normal(100.0, 20.0, scan.shape).astype(np.float32)
    rows[3]["post_t1"] = str(folder / "noise.nii.gz")
    nib.save(nib.Nifti1Image(noise, scan.affine), rows[3]["post_t1"])
    build_environments()
    command = [sys.executable, "-m", "residua.cli", "validate", "--out", folder / "out", "--cores", "2"]
    command += ["--cohort", new_table(folder / "new.tsv", rows)]
    command += [argument for path in bundles for argument in ("--bundle", path)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Validated(folder / "out", done.stdout, {row["patient"]: row for row in rows})


def test_the_hold_out_of_the_study_gets_voxel_for_voxel_its_ensemble(finished: Study, validated: Validated) -> None:
    for arch, inputs in MODELS:
        for stage in (f"results/ensemble/{arch}/{inputs}", f"results/segmentations/{arch}/{inputs}/test"):
            folders = (validated.out, finished.folder)
            ours, theirs = (manifest_of(each / stage / "manifest.json")["files"] for each in folders)
            for here, there in (("OSL1", "AMS001"), ("OSL2", "AMS002")):
                assert ours[f"{here}.nii.gz"] == theirs[f"{there}.nii.gz"]


def test_every_bundle_measures_whom_it_can_and_the_others_are_named(validated: Validated) -> None:
    assert validated.cases("nnunet", "A")["patient"].tolist() == ["OSL1", "PAR1", "PAR2", "PAR3"]
    assert validated.cases("agunet", "B")["patient"].tolist() == ["OSL1", "PAR1", "PAR3"]
    record = validated.record
    assert record["measured_by"] == {"nnunet A": 4, "agunet B": 3}
    left = {each["patient"]: (each["measured_by"], each["why"]) for each in record["not_measured"]}
    assert left["OSL2"] == ([], "no reference standard")
    assert left["PAR2"][0] == ["nnunet A"]
    assert left["PAR2"][1].startswith("post_t1: ")
    assert set(left) == {"OSL2", "PAR2"}
    assert "not measured: OSL2 (OSL), predicted: no reference standard" in validated.printed


@pytest.mark.parametrize(("arch", "inputs"), MODELS)
def test_the_tables_hold_what_evaluate_finds_in_the_masks(
    validated: Validated, tmp_path: Path, arch: str, inputs: str
) -> None:
    cases = validated.cases(arch, inputs)
    for name in ("reference", "predicted"):
        (tmp_path / name).mkdir()
    for patient in cases["patient"]:
        mask = validated.out / f"results/segmentations/{arch}/{inputs}/test/{patient}.nii.gz"
        shutil.copy(mask, tmp_path / "predicted")
        shutil.copy(validated.rows[patient]["residual"], tmp_path / f"reference/{patient}.nii.gz")
    measured = evaluate_folders(tmp_path / "reference", tmp_path / "predicted").cases
    found = measured.set_index("case").loc[cases["patient"]]
    for column in ("dice", "hd95_mm", "reference_ml", "predicted_ml"):
        np.testing.assert_allclose(cases[column], found[column], rtol=1e-6)
    positive, told = (found[column].to_numpy() >= 0.175 for column in ("reference_ml", "predicted_ml"))
    table = _row(validated, "table3", arch)
    assert table["DSC-P (%)"].startswith(f"{100 * found['dice'][positive].mean():.2f}±")
    assert table["AVE (ml)"] == f"{(found['predicted_ml'] - found['reference_ml']).abs().median():.3f}"
    table = _row(validated, "table4", arch)
    assert table["Sensitivity (%)"] == f"{100 * (told & positive).sum() / positive.sum():.2f}"
    assert table["Specificity (%)"] == f"{100 * (~told & ~positive).sum() / (~positive).sum():.2f}"


def _row(validated: Validated, table: str, arch: str) -> dict[str, str]:
    rows = pd.read_csv(validated.out / f"results/tables/{table}.csv", dtype=str)
    (row,) = rows[rows["Arch."] == {"nnunet": "nnU-Net", "agunet": "AGU-Net"}[arch]].to_dict("records")
    assert row["Data"] == "Test"
    return {str(name): str(cell) for name, cell in row.items()}


def test_hospitals_and_the_bundles_own_scores_are_listed(finished: Study, validated: Validated) -> None:
    table = pd.read_csv(validated.out / "results/tables/table1.csv").set_index("Hospital")
    assert table.loc["Patients"].to_dict() == {"OSL": 2, "PAR": 3, "Total": 5}
    assert table.loc["Not annotated"].to_dict() == {"OSL": 1, "PAR": 0, "Total": 1}
    frame = pd.read_parquet(validated.out / "results/statistics/external.parquet")
    assert set(frame.loc[frame["arch"] == "nnunet", "hospital"].dropna()) == {"OSL", "PAR"}
    for arch, inputs in MODELS:
        stated = read_json(finished.folder / f"results/bundles/{arch}/{inputs}.json")["scores"]
        known = {(each["part"], each["measure"]): each for each in stated if each["hospital"] is None}
        own = frame[(frame["arch"] == arch) & frame["part"].isin(["holdout", "out_of_fold"])]
        for row in own.to_dict("records"):
            score = known[row["part"], row["measure"]]["estimate"]
            assert row["estimate"] == pytest.approx(score * (100 if row["measure"] == "dice" else 1), nan_ok=True)


def test_the_page_shows_all_tables_and_a_threshold_was_chosen_by_the_drawn(validated: Validated) -> None:
    page = (validated.out / "results/validation.html").read_text()
    assert page.count("<caption>") == 10
    assert "External validation: recalibration." in page
    drawn = set(validated.record["chose_threshold"])
    for arch, inputs in MODELS:
        everyone = validated.cases(arch, inputs)
        rest = pd.read_parquet(validated.out / f"results/recalibration/{arch}/{inputs}.parquet")
        assert set(rest["patient"]) == set(everyone["patient"]) - drawn
        chosen = read_json(validated.out / f"results/recalibration/{arch}/{inputs}/threshold.json")
        assert chosen["threshold"] in [each["threshold"] for each in chosen["candidates"]]


def test_a_label_of_the_rest_repeats_no_prediction_and_no_choice(validated: Validated, tmp_path: Path) -> None:
    copy = Study(tmp_path / "out")
    shutil.copytree(validated.out, copy.folder)
    assert copy.planned() == []
    drawn = set(validated.record["chose_threshold"])
    labels = {patient: Path(row["residual"]) for patient, row in validated.rows.items() if row["residual"]}
    for patient, is_drawn in ((min(set(labels) - drawn), False), (min(drawn), True)):
        before = labels[patient].read_bytes()
        image = nib.load(labels[patient])
        poison = np.ones(image.shape, dtype=np.uint8)
        nib.save(nib.Nifti1Image(poison, image.affine), labels[patient])
        jobs = by_rule(copy.planned())
        labels[patient].write_bytes(before)
        assert not PREDICTS & set(jobs)
        assert jobs["measure"] == len([model for model in MODELS if patient in set(validated.cases(*model)["patient"])])
        assert bool(jobs["choose_again"]) == is_drawn
        assert jobs["table3"] == jobs["summarise_validation"] == 1


def test_the_command_again_prints_the_record_and_repeats_nothing(validated: Validated) -> None:
    before = (validated.out / "results/validation.json").stat().st_mtime_ns
    command = [sys.executable, "-m", "residua.cli", "validate", "--out", str(validated.out), "--cores", "2", "--json"]
    command += ["--cohort", str(validated.out.parent / "new.tsv")]
    command += [text for arch, inputs in MODELS for text in ("--bundle", f"{validated.out.parent}/{arch}-{inputs}.zip")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {name: told[name] for name in validated.record} == validated.record
    assert (validated.out / "results/validation.json").stat().st_mtime_ns == before
