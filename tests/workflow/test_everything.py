"""All that a study can have, in one run: labels among the inputs, and what stands beside the article's results.

The studies of the other tests have one or the other.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from residua.bundle.safetensors_header import shapes_in
from residua.publishing.publish import digest
from residua.report.article_settings import ARTICLE_INPUTS
from studies import Study, by_rule
from test_beside_the_article import COMBINATIONS, TARGETS, tell_survival, with_all_beside

E = ARTICLE_INPUTS["E"]
NETWORKS, FOLDS = ("nnunet", "agunet"), (0, 1)
pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

PUBLISHED = ("results/report/index.html", "results/tables/table3.csv", "results/tables/table4.csv")
CHANNELS_OF = {
    "nnunet": lambda model: list(json.loads((model / "dataset.json").read_text())["channel_names"].values()),
    "agunet": lambda model: json.loads((model / "network.json").read_text())["channels"],
}


def with_everything(config: dict[str, Any]) -> None:
    """Add the article's inputs E, of which one channel is a label, and every stage that can be switched off."""
    config["sequences"]["moving"].append("post_flair")
    config["inputs"] = {"B": config["inputs"]["B"], "E": E}
    # Of three patients, one ends the training before surgery and chooses its epoch.
    config["networks"]["agunet"].update(init="preoperative", preoperative={"epochs": 2, "stopping_fraction": 0.34})
    with_all_beside(config)


@pytest.fixture(scope="module")
def everything(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The finished study, to which all of it was added afterwards."""
    study = finished.copied(tmp_path_factory.mktemp("everything") / "study")
    tell_survival(study)
    study.configure(with_everything)
    planned = by_rule(study.planned(*TARGETS, *PUBLISHED))
    # Inputs E are new to both networks, and of inputs B AGU-Net alone starts from other weights than before.
    assert (planned["train"], planned["train_preoperative"]) == ((len(NETWORKS) + 1) * len(FOLDS), len(FOLDS))
    study.run(*TARGETS, *PUBLISHED)
    return study


def test_all_of_it_runs_and_has_nothing_to_do_afterwards(everything: Study) -> None:
    assert everything.planned(*TARGETS, *PUBLISHED) == []


def test_every_model_is_judged_by_every_convention(everything: Study) -> None:
    results = everything.folder / "results"
    conventions = pd.read_csv(results / "tables/conventions.csv")
    assert set(conventions["Convention"]) == {"this study", "authors-code-2023", "brats-lesionwise"}
    assert len(set(conventions["Arch."])) == len(NETWORKS) + len(COMBINATIONS)


def test_no_table_shows_what_is_no_number(everything: Study) -> None:
    tables = list(everything.folder.glob("results/tables/*.csv"))
    assert not [path.name for path in tables if "nan" in path.read_text(encoding="utf-8").lower().split()]


@pytest.mark.parametrize("arch", NETWORKS)
def test_the_articles_inputs_e_are_trained_by_both_networks_to_the_tables(everything: Study, arch: str) -> None:
    results = everything.folder / "results"
    for fold in FOLDS:
        model = results / f"models/{arch}/E/fold{fold}"
        assert CHANNELS_OF[arch](model) == E
    predicted = sorted((results / "ensemble" / arch / "E").glob("*.nii.gz"))
    assert predicted
    assert all(np.asarray(nib.load(path).dataobj).min() >= 0 for path in predicted)
    rows = pd.read_csv(results / "tables/table3.csv")
    assert len(rows[rows["Input"] == "E"]) == 2 * (len(NETWORKS) + len(COMBINATIONS))


def weights_of(study: Study, inputs: str, fold: int) -> Path:
    return study.folder / f"results/models/agunet/{inputs}/fold{fold}/weights.safetensors"


@pytest.mark.parametrize("fold", FOLDS)
def test_agunet_starts_from_the_scans_before_surgery_of_its_training_patients(everything: Study, fold: int) -> None:
    results = everything.folder / "results"
    selection = json.loads((results / f"preoperative/prepared/agunet/fold{fold}.json").read_text())
    split = json.loads((results / "cohort/folds.json").read_text())
    assert sorted(selection["training"]) == sorted(split["folds"][str(1 - fold)])
    assert selection["validation"] == selection["unprepared"] == []
    before, after = (shapes_in(weights_of(everything, inputs, fold)) for inputs in ("pre-operative", "B"))
    assert sorted(name for name in before if before[name] != after[name]) == ["encoder0_conv0/kernel", "scale1/kernel"]
    log = (results / f"logs/train/agunet_pre-operative_fold{fold}.log").read_text()
    assert "epoch 2/2" in log


def with_noise(study: Study, hospital: str, to: Path) -> Study:
    """A copy of the study in which the tumours before surgery of a hospital are noise within their own box."""
    other, rng = study.copied(to), np.random.default_rng(0)
    for file in sorted((other.folder / "cohort/images").glob(f"{hospital}*/pre_tumor.nii.gz")):
        image = nib.load(file)
        drawn = np.asarray(image.dataobj)
        places = np.argwhere(drawn)
        box = tuple(slice(low, high + 1) for low, high in zip(places.min(0), places.max(0), strict=True))
        noise = drawn.copy()
        noise[box] = rng.integers(0, 2, noise[box].shape)
        nib.save(nib.Nifti1Image(noise, image.affine, image.header), file)
    return other


def test_noise_in_the_hold_out_before_surgery_trains_nothing(everything: Study, tmp_path: Path) -> None:
    planned = by_rule(with_noise(everything, "AMS", tmp_path / "study").planned(*TARGETS, *PUBLISHED))
    assert planned["register_around_resection"] > 0, "the noise is seen"
    assert not {"train", "train_preoperative", "select_preoperative", "prepare_preoperative_tumor"} & set(planned)


STARTS = [f"results/models/agunet/pre-operative/fold{fold}/manifest.json" for fold in FOLDS]


def test_noise_in_a_validation_patient_before_surgery_trains_the_start_of_other_folds_alone(
    everything: Study, tmp_path: Path
) -> None:
    study = with_noise(everything, "STO", tmp_path / "study")
    assert [job["fold"] for job in study.planned(*STARTS) if job.rule == "train_preoperative"] == ["1"]


def test_noise_in_a_validation_patient_before_surgery_changes_no_weight_of_its_fold(
    everything: Study, tmp_path: Path
) -> None:
    study = with_noise(everything, "STO", tmp_path / "study")
    study.run(*STARTS)
    made = [[digest(weights_of(each, "pre-operative", fold)) for fold in FOLDS] for each in (everything, study)]
    assert [before == after for before, after in zip(*made, strict=True)] == [True, False]
