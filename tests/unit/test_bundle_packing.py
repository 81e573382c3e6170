"""A finished study becomes a bundle: the same bytes each time, and nothing that names a patient or a folder."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bundles import model_of, record_of, safetensors, settings_of
from residua.bundle.names import BRAIN_WEIGHTS, CARD, RECORD
from residua.bundle.pack import bundle_study
from residua.bundle.read import read_bundle
from residua.cli import app
from residua.errors import ResiduaError
from residua.publishing.publish import digest, stage, write_json
from residua.publishing.seals import seal

IDENTITY = {
    "arch": "nnunet",
    "inputs": "B",
    "channels": [{"name": "post_t1ce", "is_label": False}, {"name": "post_t1", "is_label": False}],
    "folds": [0, 1],
}
DESCRIPTION, THRESHOLD = "results/bundles/nnunet/B.json", "results/segmentations/nnunet/B/threshold.json"


def finished(folder: Path, monkeypatch: pytest.MonkeyPatch, **described: Any) -> Path:
    """A study that has trained, with its description; a training leaves more files than a prediction reads."""
    record = record_of("nnunet")
    for fold in record.folds:
        with stage(folder / "results" / "models" / "nnunet" / "B" / f"fold{fold}" / "manifest.json") as part:
            for name, content in model_of(record).items():
                (part / name).write_bytes(content)
            (part / "curve.jsonl").write_text(f'{{"patient": "STO001", "place": "{folder}"}}\n')
    monkeypatch.chdir(folder)
    write_json(THRESHOLD, record.threshold)
    write_json(DESCRIPTION, {**IDENTITY, "study": settings_of("nnunet"), **described})
    seal([THRESHOLD, DESCRIPTION])
    return folder


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return finished(tmp_path / "study", monkeypatch)


def test_a_bundle_holds_what_prediction_reads_and_no_more(study: Path, tmp_path: Path) -> None:
    record = bundle_study(study, "nnunet", "B", tmp_path / "b.zip")
    assert read_bundle(tmp_path / "b.zip") == record
    names = {"plans.json", "dataset.json", "weights.safetensors"}
    models = {f"models/fold{fold}/{name}" for fold in (0, 1) for name in names}
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert set(archive.namelist()) == {RECORD, CARD, *models}
        assert (
            archive.read(CARD).decode().startswith("# nnU-Net, inputs B: Residual glioblastoma, simulated micro cohort")
        )


def test_the_same_study_gives_the_same_bytes_anywhere_and_at_any_time(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_study(study, "nnunet", "B", tmp_path / "b.zip")
    moved = tmp_path / "moved" / "elsewhere"
    shutil.copytree(study, moved, copy_function=shutil.copy)
    for file in moved.rglob("*.json"):
        file.touch()
    monkeypatch.chdir(tmp_path)
    bundle_study(moved.relative_to(tmp_path), "nnunet", "B", Path("c.zip"))
    assert digest("c.zip") == digest("b.zip")
    bundle_study(moved, "nnunet", "B", tmp_path / "folder")
    again = {f.relative_to(tmp_path / "folder").as_posix() for f in (tmp_path / "folder").rglob("*") if f.is_file()}
    with zipfile.ZipFile("b.zip") as archive:
        assert set(archive.namelist()) == again
        assert [name for name in again if archive.read(name) != (tmp_path / "folder" / name).read_bytes()] == []


def test_nothing_names_a_patient_or_a_folder(study: Path, tmp_path: Path) -> None:
    bundle_study(study, "nnunet", "B", tmp_path / "folder")
    for file in (tmp_path / "folder").rglob("*"):
        if file.is_file():
            assert b"STO001" not in file.read_bytes()
            assert str(tmp_path).encode() not in file.read_bytes()


def test_own_weights_of_the_brain_mask_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(safetensors())
    mask = {"method": "agunet", "weights": BRAIN_WEIGHTS, "weights_sha256": digest(weights)}
    settings = {**settings_of("nnunet"), "brain_mask": mask}
    study = finished(tmp_path / "study", monkeypatch, study=settings, brain_weights=str(weights))
    bundle_study(study, "nnunet", "B", tmp_path / "folder")
    assert digest(tmp_path / "folder" / BRAIN_WEIGHTS) == digest(weights)
    assert str(tmp_path) not in (tmp_path / "folder" / RECORD).read_text()
    weights.write_bytes(safetensors(7))
    with pytest.raises(ResiduaError, match="missing or not those of the study; restore the file"):
        bundle_study(study, "nnunet", "B", tmp_path / "again")


@pytest.mark.parametrize(
    ("arch", "inputs", "said"),
    [
        ("nnunet", "E", "has no nnunet on inputs E; it has --arch nnunet --inputs B"),
        ("agunet", "B", "has no agunet on inputs B; it has --arch nnunet --inputs B"),
    ],
)
def test_another_model_than_the_study_has_is_named(
    study: Path, tmp_path: Path, arch: str, inputs: str, said: str
) -> None:
    with pytest.raises(ResiduaError, match=said):
        bundle_study(study, arch, inputs, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_a_folder_without_a_study_and_an_unfinished_one_are_told_apart(study: Path, tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="no study ran here"):
        bundle_study(tmp_path / "nowhere", "nnunet", "B", tmp_path / "b.zip")
    (study / DESCRIPTION).unlink()
    with pytest.raises(ResiduaError, match=r"has not come to .*B\.json; give its snakemake command again"):
        bundle_study(study, "nnunet", "B", tmp_path / "b.zip")


def test_a_study_that_lacks_a_model_or_a_threshold_is_refused(study: Path, tmp_path: Path) -> None:
    shutil.rmtree(study / "results" / "models" / "nnunet" / "B" / "fold1")
    with pytest.raises(ResiduaError, match=r"fold1/manifest.json: cannot be read"):
        bundle_study(study, "nnunet", "B", tmp_path / "b.zip")
    (study / THRESHOLD).unlink()
    with pytest.raises(ResiduaError, match=r"threshold.json"):
        bundle_study(study, "nnunet", "B", tmp_path / "b.zip")


@pytest.mark.parametrize("name", [DESCRIPTION, THRESHOLD, "results/models/nnunet/B/fold0/weights.safetensors"])
def test_a_file_that_changed_since_it_was_made_is_refused(study: Path, tmp_path: Path, name: str) -> None:
    content = (study / name).read_bytes()
    (study / name).write_bytes(content.replace(b"0.5", b"0.3") if name.endswith("json") else content[:-1] + b"x")
    with pytest.raises(ResiduaError, match="changed"):
        bundle_study(study, "nnunet", "B", tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_a_description_of_another_version_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = finished(tmp_path / "study", monkeypatch, surprise=1)
    with pytest.raises(ResiduaError, match=r"surprise: unknown key"):
        bundle_study(study, "nnunet", "B", tmp_path / "b.zip")


def test_the_command(study: Path, tmp_path: Path) -> None:
    arguments = ["bundle", "--study", str(study), "--arch", "nnunet", "--inputs", "B", "--out"]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "b.zip")])
    assert done.exit_code == 0, done.output
    assert "2 models of nnunet on post_t1ce, post_t1" in done.stdout
    assert "no licence is stated: set sharing.licence in the configuration before you share it" in done.stderr
    shown = CliRunner().invoke(app, [*arguments, str(tmp_path / "c"), "--json"])
    assert json.loads(shown.stdout)["arch"] == "nnunet"
    taken = CliRunner().invoke(app, [*arguments, str(tmp_path / "b.zip")])
    assert taken.exit_code == 1
    assert "b.zip: exists already" in taken.stderr
