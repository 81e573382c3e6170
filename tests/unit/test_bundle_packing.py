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
from residua.publishing.origins import forget_origins, keep_origins, origins_of
from residua.publishing.publish import digest, read_json, stage, write_json
from residua.publishing.seals import break_seals, seal

IDENTITY = {
    "arch": "nnunet",
    "inputs": "B",
    "channels": [{"name": "post_t1ce", "is_label": False}, {"name": "post_t1", "is_label": False}],
    "folds": [0, 1],
}
DESCRIPTION, THRESHOLD = "results/bundles/nnunet/B.json", "results/segmentations/nnunet/B/threshold.json"
MODELS = [f"results/models/nnunet/B/fold{fold}/manifest.json" for fold in (0, 1)]
MAPS = [f"results/predictions/nnunet/B/fold{fold}/manifest.json" for fold in (0, 1)]


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
    keep_origins([THRESHOLD], origins_of(MODELS))
    keep_origins([DESCRIPTION], origins_of([THRESHOLD]))
    return folder


def train_again(model: str) -> None:
    """Publish a model as a training does, with other content."""
    files = {file.name: file.read_bytes() for file in Path(model).parent.iterdir() if file.name != "manifest.json"}
    break_seals([model])
    with stage(model) as part:
        for name, content in files.items():
            (part / name).write_bytes(content + b"another line\n" * (name == "curve.jsonl"))
    seal([model])


def predict(model: str, maps: str, says_so: bool) -> None:
    """Publish predictions as their job does; an earlier version did not keep from which models they come."""
    forget_origins([maps])
    with stage(maps, resumes=f"code-{64 * '0'}-{digest(model)}"):
        pass
    seal([maps])
    keep_origins([maps], origins_of([model]) if says_so else {})


def packed(study: Path, out: Path) -> str:
    """What the command says; its error if it fails."""
    shutil.rmtree(out, ignore_errors=True)
    chosen = ["bundle", "--study", str(study), "--arch", "nnunet", "--inputs", "B", "--out", str(out)]
    done = CliRunner().invoke(app, chosen)
    assert out.exists() == (done.exit_code == 0)
    return done.stderr


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


def test_a_model_that_was_trained_again_is_not_packed_with_what_was_measured_before(
    study: Path, tmp_path: Path
) -> None:
    assert "earlier version" not in packed(study, tmp_path / "b")
    train_again(MODELS[1])
    told = f"{study}: {DESCRIPTION} is older than the model results/models/nnunet/B/fold1, which was made again"
    assert packed(study, tmp_path / "b").startswith(told)
    # The threshold was chosen anew, and scores are still those of the former model.
    keep_origins([THRESHOLD], origins_of(MODELS))
    assert packed(study, tmp_path / "b").startswith(told)
    keep_origins([DESCRIPTION], origins_of([THRESHOLD]))
    assert "older" not in packed(study, tmp_path / "b")


def test_a_threshold_that_was_chosen_again_is_not_packed_with_the_scores_of_another(
    study: Path, tmp_path: Path
) -> None:
    write_json(THRESHOLD, {**read_json(THRESHOLD), "note": "another"})
    seal([THRESHOLD])
    told = f"{study}: {DESCRIPTION} is older than the threshold {THRESHOLD}, which was made again"
    assert packed(study, tmp_path / "b").startswith(told)


@pytest.mark.parametrize("kept", [True, False], ids=["with_predictions", "without_predictions"])
def test_a_study_of_an_earlier_version_is_packed_with_a_note(study: Path, tmp_path: Path, kept: bool) -> None:
    """It did not keep from which models scores come; predictions may have been deleted to make room."""
    forget_origins([THRESHOLD, DESCRIPTION])
    for model, maps in zip(MODELS, MAPS, strict=True) if kept else ():
        predict(model, maps, says_so=False)
    assert packed(study, tmp_path / "b").startswith("an earlier version of Residua made some results")


@pytest.mark.parametrize("says_so", [True, False], ids=["by_this_version", "by_an_earlier_one"])
def test_a_training_repeated_in_a_study_of_an_earlier_version_is_refused(
    study: Path, tmp_path: Path, says_so: bool
) -> None:
    forget_origins([THRESHOLD, DESCRIPTION])
    ensemble = "results/ensemble/nnunet/B/manifest.json"
    for model, maps in zip([*MODELS, MODELS[0]], [*MAPS, ensemble], strict=True):
        with stage(maps, resumes=f"code-{64 * '0'}-" + "-".join(map(digest, MODELS if maps == ensemble else [model]))):
            pass
    train_again(MODELS[0])
    assert "is older than the model results/models/nnunet/B/fold0" in packed(study, tmp_path / "b")
    predict(MODELS[0], MAPS[0], says_so)
    # Predicted and not yet measured: seen by the maps of the hold-out, and by what this version keeps.
    assert f"{DESCRIPTION} is older than the model" in packed(study, tmp_path / "b")
    if says_so:
        Path(ensemble).unlink()
        assert f"{DESCRIPTION} is older than the model" in packed(study, tmp_path / "b")


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
