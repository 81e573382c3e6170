from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bundles import write_micro_bundle
from cohort_tables import rows, write_images, write_table
from cohort_tables import study as study_of
from residua.bundle.measured import UNRECORDED
from residua.cli import app
from residua.cohort.places import STUDY
from residua.errors import DamagedStageError, ResiduaError
from residua.export import run
from residua.export.models import models_of_bundle, models_of_study
from residua.images import volumes
from residua.images.volumes import Image
from residua.networks.cases import Channel
from residua.networks.exporting import Ensemble, exports_of
from residua.publishing.origins import forget_origins, keep_origins, origins_of
from residua.publishing.publish import stage, write_json
from residua.publishing.seals import seal
from residua.settings.networks import known_networks

HOUSE = Path(__file__).resolve().parents[2]
THRESHOLD = "results/segmentations/nnunet/D/threshold.json"
CHANNELS = [{"name": "post_t1ce", "is_label": False}, {"name": "pre_tumor", "is_label": True}]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Folds 0 and 1 of nnU-Net on D, trained; fold 10 too."""
    for fold in (0, 1, 10):
        write_json(tmp_path / f"results/prepared/nnunet/D/fold{fold}.json", {"channels": CHANNELS})
        with stage(tmp_path / f"results/models/nnunet/D/fold{fold}/manifest.json") as part:
            (part / "weights.safetensors").write_bytes(b"weights")
    write_json(tmp_path / THRESHOLD, {"threshold": 0.3})
    with chdir(tmp_path):
        models = [f"results/models/nnunet/D/fold{fold}/manifest.json" for fold in (0, 1, 10)]
        keep_origins([THRESHOLD], origins_of(models))
    return tmp_path


def test_the_models_of_a_study_are_those_of_every_fold_in_order(study: Path) -> None:
    found = models_of_study(study, "nnunet", "D")
    assert list(found.models) == [0, 1, 10]
    assert found.models[10] == study / "results/models/nnunet/D/fold10"
    assert found.channels == (Channel("post_t1ce", False), Channel("pre_tumor", True))
    assert found.threshold == 0.3
    assert Ensemble.from_json(found.to_json()) == found


def test_a_model_that_was_trained_again_is_not_exported_with_the_threshold_of_another(study: Path) -> None:
    with stage(study / "results/models/nnunet/D/fold1/manifest.json") as part:
        (part / "weights.safetensors").write_bytes(b"others!")
    with pytest.raises(ResiduaError, match=f"{THRESHOLD} is older than the model results/models/nnunet/D/fold1, which"):
        models_of_study(study, "nnunet", "D")


def test_a_threshold_of_an_earlier_version_is_exported_with_a_note(study: Path) -> None:
    with chdir(study):
        forget_origins([THRESHOLD])
    said: list[str] = []
    assert models_of_study(study, "nnunet", "D", note=said.append).threshold == 0.3
    assert said == [UNRECORDED]


def test_an_export_says_to_which_region_its_models_are_confined(study: Path) -> None:
    whole = models_of_study(study, "nnunet", "D")
    assert whole.cropped_to == "its box"
    assert "region" not in whole.facts()
    region = {"label": "pre_tumor", "margin_mm": 12.0}
    write_json(study / "results/cohort/study.json", {"networks": {"nnunet": {"region": region}, "agunet": None}})
    found = models_of_study(study, "nnunet", "D")
    assert found.facts()["region"] == region
    assert found.cropped_to == "its box and, once normalised, to the box that reaches 12 mm beyond pre_tumor"
    assert Ensemble.from_json(found.to_json()) == found


def test_models_that_were_described_keep_their_channels_and_region_whatever_the_last_start_said(study: Path) -> None:
    """A configuration may have changed since, and the trainings that follow not yet begun."""
    described = "results/bundles/nnunet/D.json"
    region = {"label": "pre_tumor", "margin_mm": 12.0}
    write_json(study / described, {"channels": CHANNELS, "study": {"networks": {"nnunet": {"region": region}}}})
    write_json(study / "results/cohort/study.json", {"networks": {"nnunet": {"region": None}}})
    write_json(study / "results/prepared/nnunet/D/fold0.json", {"channels": CHANNELS[:1]})
    with chdir(study):
        keep_origins([described], origins_of([THRESHOLD]))
    found = models_of_study(study, "nnunet", "D")
    assert found.facts()["region"] == region
    assert [channel.name for channel in found.channels] == ["post_t1ce", "pre_tumor"]
    write_json(study / THRESHOLD, {"threshold": 0.4})
    with pytest.raises(ResiduaError, match=f"{described} is older than the threshold"):
        models_of_study(study, "nnunet", "D")


def test_without_a_threshold_it_is_none(study: Path) -> None:
    (study / THRESHOLD).unlink()
    assert models_of_study(study, "nnunet", "D").threshold is None


def test_a_fold_that_is_not_trained_is_named(study: Path) -> None:
    (study / "results/models/nnunet/D/fold1/manifest.json").unlink()
    with pytest.raises(ResiduaError, match=r"nnunet on D is not trained on fold 1; let the study run to its end"):
        models_of_study(study, "nnunet", "D")


def test_an_altered_weight_is_refused(study: Path) -> None:
    (study / "results/models/nnunet/D/fold0/weights.safetensors").write_bytes(b"Weights")
    with pytest.raises(DamagedStageError, match=r"missing or changed since they were made: weights.safetensors"):
        models_of_study(study, "nnunet", "D")


@pytest.mark.parametrize("record", ["segmentations/nnunet/D/threshold.json", "prepared/nnunet/D/fold0.json"])
def test_an_altered_threshold_or_selection_is_refused(
    study: Path, record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as inside:
        inside.chdir(study)
        seal([f"results/{record}"])
    assert models_of_study(study, "nnunet", "D").threshold == 0.3
    write_json(study / "results" / record, {"threshold": 0.2, "channels": CHANNELS[::-1]})
    with pytest.raises(DamagedStageError, match=rf"results/{record}: changed or damaged since it was made"):
        models_of_study(study, "nnunet", "D")


@pytest.mark.parametrize(("arch", "inputs"), [("agunet", "D"), ("nnunet", "A"), ("unet", "D"), ("../nnunet", "D")])
def test_a_training_that_there_is_not_is_named_with_those_that_there_are(study: Path, arch: str, inputs: str) -> None:
    with pytest.raises(ResiduaError, match=rf"no training of {arch} on {inputs}; it has nnunet on D$"):
        models_of_study(study, arch, inputs)


def test_a_folder_without_a_study_says_which_folder_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="the one that holds results/"):
        models_of_study(tmp_path, "nnunet", "B")


@pytest.mark.parametrize("arch", ["nnunet", "agunet"])
def test_the_models_of_a_bundle_are_unpacked_with_its_channels_and_threshold(tmp_path: Path, arch: str) -> None:
    write_micro_bundle(tmp_path / "bundle.zip", arch)
    found = models_of_bundle(tmp_path / "bundle.zip", tmp_path / "unpacked")
    assert (found.arch, found.inputs, found.threshold) == (arch, "B", 0.5)
    assert [channel.name for channel in found.channels] == ["post_t1ce", "post_t1"]
    assert all((folder / "weights.safetensors").is_file() for folder in found.models.values())
    assert list(found.models) == [0, 1]


def export(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_a_form_that_a_network_lacks_is_refused_with_those_it_has(study: Path, tmp_path: Path) -> None:
    ran = export("--study", study, "--arch", "nnunet", "--inputs", "D", "--to", "keras", "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert ran.stderr.strip() == "--to keras: models of nnunet have no such form; there is: nnunet, onnx"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--arch", "nnunet"),
        ("--study", "."),
        ("--study", ".", "--bundle", "b.zip"),
        ("--study", ".", "--arch", "nnunet"),
    ],
)
def test_the_models_come_from_one_place(tmp_path: Path, given: tuple[str, ...]) -> None:
    ran = export(*given, "--to", "onnx", "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert ran.stderr.strip() == "give either --bundle, or --study with --arch and --inputs"


def test_what_is_there_is_not_written_over(study: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    ran = export("--study", study, "--arch", "nnunet", "--inputs", "D", "--to", "nnunet", "--out", tmp_path / "out")
    assert ran.exit_code == 1
    assert ran.stderr.strip() == f"{tmp_path / 'out'}: exists already; name a new folder"
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


def test_a_failed_export_says_all_that_its_job_said(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "\nexport_model: the weights do not fit:\n  fold 0\n  fold 1\n(log: log.txt)\nError in rule export_model"
    command = [sys.executable, "-c", f"import sys; print({said!r}, file=sys.stderr); sys.exit(1)"]
    monkeypatch.setattr(run, "_command", lambda arch, form, work: command)
    with pytest.raises(ResiduaError) as error:
        run.export_models(models_of_study(study, "nnunet", "D"), "nnunet", tmp_path / "out")
    assert str(error.value) == f"{tmp_path / 'out'}: the export failed:\nthe weights do not fit:\n  fold 0\n  fold 1"
    assert not list(tmp_path.glob("*out*"))


EXPORT_OF_A_MINUTE = """
import sys
from pathlib import Path
from residua.export import run
from residua.export import run
from residua.export.models import models_of_study

study, out = map(Path, sys.argv[1:])
work = f"import os, pathlib, time; pathlib.Path({str(study / 'pid')!r}).write_text(str(os.getpid())); time.sleep(60)"
run._command = lambda *chosen: [sys.executable, "-c", work]
run.export_models(models_of_study(study, "nnunet", "D"), "nnunet", out)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_export_that_ends_early_leaves_no_workflow_running(study: Path, tmp_path: Path, how: signal.Signals) -> None:
    arguments = [sys.executable, "-c", EXPORT_OF_A_MINUTE, str(study), str(tmp_path / "out")]
    export = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    file = study / "pid"
    wait_until(lambda: file.is_file() and file.read_text() != "")
    export.send_signal(how)
    assert export.wait(20) != 0
    wait_until(lambda: not is_running(int(file.read_text())))
    assert not (tmp_path / "out").exists()


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_every_form_has_its_environment_and_its_module() -> None:
    for arch in known_networks():
        for form in exports_of(arch).values():
            assert (HOUSE / "envs" / f"{form.environment}.yaml").is_file()
            assert (HOUSE / "src" / f"{form.module.replace('.', '/')}.py").is_file()


def test_software_that_onnx_shares_with_the_networks_has_one_version() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = [line.strip("- \n") for line in (HOUSE / f"envs/{name}.yaml").read_text().splitlines() if "==" in line]
        return dict(line.split("==") for line in lines)

    onnx = pins("onnx")
    for name in ("torch", "tensorflow"):
        shared = {package: version for package, version in pins(name).items() if package in onnx}
        assert shared == {package: onnx[package] for package in shared}
    assert onnx["keras"] == pins("tensorflow")["keras"]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A study of four patients that started, with stripped images; in one brain a voxel is zero in every channel."""
    write_images(tmp_path, rows(), enlarged=True)
    write_table(tmp_path, rows())
    settings = study_of("B", inputs={"B": ["post_t1ce", "post_t1"]}, eligibility="per_inputs")
    write_json(tmp_path / STUDY, settings.model_dump(mode="json"))
    for patient in ("STO1", "GOT1", "PAR1", "AMS1"):
        batch = f"{patient[:3]}-0"
        images = {c: volumes.load(tmp_path / f"images/{patient}_{c}.nii.gz") for c in ("post_t1ce", "post_t1")}
        grid = images["post_t1ce"].grid
        brain = np.zeros(grid.shape, bool)
        brain[2:9, 2:9, 2:9] = True
        with stage(tmp_path / f"results/brain/{batch}/manifest.json") as part:
            volumes.save(Image(brain, grid), part / f"{patient}.nii.gz")
        for channel, image in images.items():
            voxels = np.where(brain, image.data, 0).astype(np.float32)
            voxels[2, 2, 2] = 0 if patient == "GOT1" else voxels[2, 2, 2]
            with stage(tmp_path / f"results/stripped/{channel}/{batch}/manifest.json") as part:
                volumes.save(Image(voxels, grid), part / f"{patient}.nii.gz")
    return tmp_path


def test_the_prepared_cohort_becomes_a_raw_data_set_with_the_studys_folds(prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "raw"
    ran = export("--study", prepared, "--inputs", "B", "--to", "nnunet-raw", "--out", out)
    assert ran.exit_code == 0, ran.output
    folder = out / "Dataset501_ResiduaB"
    images = [f"{patient}_000{number}.nii.gz" for patient in ("GOT1", "PAR1", "STO1") for number in (0, 1)]
    assert sorted(path.name for path in (folder / "imagesTr").iterdir()) == images
    assert sorted(path.name for path in (folder / "imagesTs").iterdir()) == ["AMS1_0000.nii.gz", "AMS1_0001.nii.gz"]
    assert [path.name for path in (folder / "labelsTs").iterdir()] == ["AMS1.nii.gz"]
    assert json.loads((folder / "splits_final.json").read_text()) == [
        {"train": ["GOT1", "PAR1"], "val": ["STO1"]},
        {"train": ["STO1"], "val": ["GOT1", "PAR1"]},
    ]
    told = json.loads((folder / "dataset.json").read_text())
    assert (told["numTraining"], told["channel_names"]) == (3, {"0": "post_t1ce", "1": "post_t1"})
    label = volumes.load_mask(folder / "labelsTr/GOT1.nii.gz")
    drawn = volumes.load_mask(prepared / "images/GOT1_residual.nii.gz")
    assert label.data.any()
    assert (label.data == drawn.data).all()


def test_a_derived_channel_is_written_as_the_networks_see_it(prepared: Path, tmp_path: Path) -> None:
    definition = {"subtract": ["post_t1ce", "post_t1"], "normalise": "none"}
    settings = study_of("F", inputs={"F": ["gain", "post_t1ce"]}, derived_channels={"gain": definition})
    write_json(prepared / STUDY, settings.model_dump(mode="json"))
    ran = export("--study", prepared, "--inputs", "F", "--to", "nnunet-raw", "--out", tmp_path / "raw")
    assert ran.exit_code == 0, ran.output
    folder = tmp_path / "raw/Dataset501_ResiduaF"
    assert json.loads((folder / "dataset.json").read_text())["channel_names"] == {"0": "gain", "1": "post_t1ce"}
    assert "Computed channels: gain: post_t1ce minus post_t1." in (tmp_path / "raw/README.md").read_text()
    first, second = (
        volumes.load(prepared / f"results/stripped/{column}/STO-0/STO1.nii.gz").data
        for column in definition["subtract"]
    )
    gain = volumes.load(folder / "imagesTr/STO1_0000.nii.gz").data
    assert (first != second).any()
    np.testing.assert_array_equal(gain, first - second)
    np.testing.assert_array_equal(volumes.load(folder / "imagesTr/STO1_0001.nii.gz").data, first)


def test_a_voxel_of_the_brain_that_is_zero_everywhere_stays_brain_to_nnunet(prepared: Path, tmp_path: Path) -> None:
    export("--study", prepared, "--inputs", "B", "--to", "nnunet-raw", "--out", tmp_path / "raw")
    images = tmp_path / "raw/Dataset501_ResiduaB/imagesTr"
    there = volumes.load(images / "GOT1_0000.nii.gz").data
    assert 0 < there[2, 2, 2] < 1e-15
    assert int((there != 0).sum()) == 7**3
    stripped = prepared / "results/stripped/post_t1/GOT-0/GOT1.nii.gz"
    assert (images / "GOT1_0001.nii.gz").read_bytes() == stripped.read_bytes()


def test_a_patient_who_is_left_out_of_the_study_is_in_no_raw_data_set(prepared: Path, tmp_path: Path) -> None:
    settings = study_of("B", inputs={"B": ["post_t1ce", "post_t1"]}, eligibility="per_inputs", on_fault="exclude")
    write_json(prepared / STUDY, settings.model_dump(mode="json"))
    arguments = ("--study", prepared, "--inputs", "B", "--to", "nnunet-raw", "--out", tmp_path / "raw")
    assert "left_out/folds.json: there is none; say who is left out: snakemake" in export(*arguments).stderr
    failure = {
        "PAR1": {"hospital": "PAR", "exclusion_reason": "registration of post_t1 failed", "excluded_by": "fault"}
    }
    for side, left in (("folds", failure), ("holdout", {})):
        write_json(prepared / f"results/quality/left_out/{side}.json", left)
    with stage(prepared / "results/stripped/post_t1/PAR-0/manifest.json"):
        pass
    ran = export(*arguments)
    assert ran.exit_code == 0, ran.output
    folder = tmp_path / "raw/Dataset501_ResiduaB"
    assert {path.name[:4] for path in (folder / "imagesTr").iterdir()} == {"GOT1", "STO1"}
    assert json.loads((folder / "splits_final.json").read_text())[0] == {"train": ["GOT1"], "val": ["STO1"]}


@pytest.mark.parametrize(
    ("given", "removed", "said"),
    [
        (("--inputs", "X"), "", "no input configuration X; it has B"),
        ((), "", "--to nnunet-raw: give --study and --inputs"),
        (("--inputs", "B"), "results/cohort/study.json", "name the folder in which a study ran"),
        (("--inputs", "B"), "results/stripped/post_t1/PAR-0/manifest.json", "make the stripped images: snakemake"),
    ],
)
def test_what_a_raw_data_set_lacks_is_said(
    prepared: Path, tmp_path: Path, given: tuple[str, ...], removed: str, said: str
) -> None:
    if removed:
        (prepared / removed).unlink()
    ran = export("--study", prepared, *given, "--to", "nnunet-raw", "--out", tmp_path / "raw")
    assert ran.exit_code == 1
    assert said in ran.stderr
    assert not (tmp_path / "raw").exists()
