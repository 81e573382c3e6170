"""The models of a real study, packed: whole, the same anywhere, and without a trace of patients and places."""

from __future__ import annotations

import csv
import json
import os
from contextlib import chdir
from pathlib import Path
from tempfile import gettempdir

import pytest
from typer.testing import CliRunner

from residua.bundle.measured import require_measured
from residua.bundle.pack import bundle_study
from residua.bundle.read import read_bundle, unpack
from residua.cli import app
from residua.publishing.origins import read_origins
from residua.publishing.publish import digest, read_json, stage, verified
from residua.publishing.seals import break_seals, seal
from studies import HOUSE, Study


@pytest.mark.parametrize("arch", ["nnunet", "agunet"])
def test_a_finished_study_gives_a_bundle_of_each_network(finished: Study, tmp_path: Path, arch: str) -> None:
    written = bundle_study(finished.folder, arch, "B", tmp_path / "b.zip")
    assert read_bundle(tmp_path / "b.zip", arch) == written
    assert [channel.name for channel in written.channels] == ["post_t1ce", "post_t1"]
    assert {limit.subject for limit in written.limits} == {"brain", "post_t1ce", "post_t1"}
    assert {score.hospital for score in written.scores if score.part == "holdout"} == {None, "AMS"}
    assert {score.hospital for score in written.scores if score.part == "out_of_fold"} == {None, "STO", "GOT"}
    described = read_json(finished.folder / f"results/bundles/{arch}/B.json")
    told = written.model_dump(mode="json")
    assert all(told[name] == described[name] for name in ("calibration", "calibration_note", "limits", "scores"))
    unpack(tmp_path / "b.zip", tmp_path / "unpacked")
    for fold in written.folds:
        model = finished.folder / "results" / "models" / arch / "B" / f"fold{fold}"
        for file in (tmp_path / "unpacked" / "models" / f"fold{fold}").iterdir():
            assert file.read_bytes() == (model / file.name).read_bytes()


def test_a_copy_of_the_study_gives_the_same_bytes(finished: Study, study: Study, tmp_path: Path) -> None:
    for file in (study.folder / "results").rglob("*.json"):
        os.utime(file)
    for folder, name in ((finished.folder, "one.zip"), (study.folder, "other.zip")):
        bundle_study(folder, "nnunet", "A", tmp_path / name)
    assert digest(tmp_path / "one.zip") == digest(tmp_path / "other.zip")


@pytest.mark.parametrize("arch", ["nnunet", "agunet"])
def test_what_is_said_of_models_names_each_of_them_as_it_is(finished: Study, arch: str) -> None:
    """Through all jobs between a training and the description; else an outdated one could not be told."""
    threshold = f"results/segmentations/{arch}/B/threshold.json"
    described = f"results/bundles/{arch}/B.json"
    models = [f"results/models/{arch}/B/fold{fold}/manifest.json" for fold in (0, 1)]
    with chdir(finished.folder):
        chosen, said = read_origins(threshold), read_origins(described)
        assert chosen == {model: [digest(model)] for model in models}
        assert {origin: said[origin] for origin in (*models, threshold)} == {**chosen, threshold: [digest(threshold)]}
        assert all(digests == [digest(origin)] for origin, digests in said.items())
    assert require_measured(finished.folder, arch, "B", (0, 1), [described, threshold])


def test_a_model_that_was_trained_again_is_handed_on_in_no_form(study: Study, tmp_path: Path) -> None:
    """The training has ended and the run was interrupted: scores, masks and threshold are those of the former model."""
    with chdir(study.folder):
        fold = Path("results/models/nnunet/B/fold0")
        files = {name: file.read_bytes() for name, file in verified(fold / "manifest.json").items()}
        break_seals([f"{fold}/manifest.json"])
        with stage(fold / "manifest.json", resumes="another training") as part:
            for name, content in files.items():
                (part / name).parent.mkdir(exist_ok=True)
                (part / name).write_bytes(content + b"\n" * (name == "model_card.md"))
        seal([f"{fold}/manifest.json"])
    folder = str(study.folder)
    one = ["--arch", "nnunet", "--inputs", "B", "--study", folder]
    exports = [["export", *one, "--to", form] for form in ("nnunet", "bids")]
    for command in (["bundle", *one], *exports, ["crate", folder]):
        ran = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "out")])
        assert ran.exit_code == 1, command
        assert "is older than the model results/models/nnunet/B/fold0, which was made again" in ran.stderr
        assert not (tmp_path / "out").exists()
    bundle_study(study.folder, "nnunet", "A", tmp_path / "of_a.zip")


@pytest.mark.parametrize("arch", ["nnunet", "agunet"])
def test_no_patient_and_no_place_is_named(finished: Study, tmp_path: Path, arch: str) -> None:
    bundle_study(finished.folder, arch, "B", tmp_path / "bundle")
    with (finished.folder / "cohort" / "cohort.tsv").open(encoding="utf-8") as stream:
        patients = [row["patient"] for row in csv.DictReader(stream, delimiter="\t")]
    assert len(patients) == 6
    strangers = [*patients, str(finished.folder), str(Path.home()), gettempdir(), str(HOUSE), "results/", "cohort.tsv"]
    for file in (tmp_path / "bundle").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert [name for name in strangers if name.encode() in content] == [], file


def test_the_limits_are_of_the_patients_of_the_folds(finished: Study) -> None:
    folds = json.loads((finished.folder / "results" / "cohort" / "folds.json").read_text())
    seen = sum(len(members) for members in folds["folds"].values())
    described = json.loads((finished.folder / "results" / "bundles" / "nnunet" / "B.json").read_text())
    assert folds["holdout"]
    assert {limit["patients"] for limit in described["limits"]} == {seen}
