from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bundles import write_micro_bundle
from residua.cli import app
from residua.errors import DamagedStageError, ResiduaError
from residua.export.models import models_of_bundle, models_of_study
from residua.networks.cases import Channel
from residua.networks.exporting import Ensemble, exports_of
from residua.publishing.publish import stage, write_json
from residua.settings.networks import known_networks

HOUSE = Path(__file__).resolve().parents[2]
CHANNELS = [{"name": "post_t1ce", "is_label": False}, {"name": "pre_tumor", "is_label": True}]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Folds 0 and 1 of nnU-Net on D, trained; fold 10 too."""
    for fold in (0, 1, 10):
        write_json(tmp_path / f"results/prepared/nnunet/D/fold{fold}.json", {"channels": CHANNELS})
        with stage(tmp_path / f"results/models/nnunet/D/fold{fold}/manifest.json") as part:
            (part / "weights.safetensors").write_bytes(b"weights")
    write_json(tmp_path / "results/segmentations/nnunet/D/threshold.json", {"threshold": 0.3})
    return tmp_path


def test_the_models_of_a_study_are_those_of_every_fold_in_order(study: Path) -> None:
    found = models_of_study(study, "nnunet", "D")
    assert list(found.models) == [0, 1, 10]
    assert found.models[10] == study / "results/models/nnunet/D/fold10"
    assert found.channels == (Channel("post_t1ce", False), Channel("pre_tumor", True))
    assert found.threshold == 0.3
    assert Ensemble.from_json(found.to_json()) == found


def test_without_a_threshold_it_is_none(study: Path) -> None:
    (study / "results/segmentations/nnunet/D/threshold.json").unlink()
    assert models_of_study(study, "nnunet", "D").threshold is None


def test_a_fold_that_is_not_trained_is_named(study: Path) -> None:
    (study / "results/models/nnunet/D/fold1/manifest.json").unlink()
    with pytest.raises(ResiduaError, match=r"nnunet on D is not trained on fold 1; let the study run to its end"):
        models_of_study(study, "nnunet", "D")


def test_an_altered_weight_is_refused(study: Path) -> None:
    (study / "results/models/nnunet/D/fold0/weights.safetensors").write_bytes(b"Weights")
    with pytest.raises(DamagedStageError, match=r"missing or changed since they were made: weights.safetensors"):
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
