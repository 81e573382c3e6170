"""Where an application finds the weights of its brain masks: in a bundle, or where the user puts the authors' file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bundles import masked_by, safetensors, write_micro_bundle
from residua.bundle.names import BRAIN_WEIGHTS
from residua.cli import app
from residua.cohort import places
from residua.cohort.commands.start import weights_problems
from residua.errors import ResiduaError
from residua.inference.brain_weights import provide_brain_weights
from residua.inference.bundles import open_bundles, shared_study
from residua.inference.folder import prepare_folder
from residua.inference.request import NewPatient

MODEL = b"a model of its authors"
PATIENT = NewPatient("P1", {"post_t1ce": Path("a.nii.gz")})


@pytest.fixture(params=["b", "b.zip"])
def own(request: Any, tmp_path: Path) -> Path:
    """A bundle that brings the weights of its brain mask's network."""
    bundle: Path = tmp_path / request.param
    write_micro_bundle(bundle, study=masked_by("agunet", BRAIN_WEIGHTS, safetensors()))
    return bundle


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A bundle that names the authors' model of the brain mask."""
    write_micro_bundle(tmp_path / "r.zip", study=masked_by("raidionics", "MRI_Brain.zip", MODEL))
    return tmp_path / "r.zip"


def provide(bundle: Path) -> None:
    bundles = open_bundles([str(bundle)])
    provide_brain_weights(shared_study(bundles, "new.tsv"), bundles)


def test_the_bundles_own_weights_lie_where_the_settings_of_the_application_name_them(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    study = shared_study(open_bundles([str(own)]), "new.tsv")
    assert [problem.check for problem in weights_problems(study)] == ["weights-unusable"]
    provide(own)
    assert weights_problems(study) == []
    file = Path(places.BRAIN_WEIGHTS)
    assert [each for each in Path().rglob("*") if each.is_file()] == [file]
    assert file.read_bytes() == safetensors()
    made = file.stat().st_mtime_ns
    provide(own)
    assert file.stat().st_mtime_ns == made
    file.write_bytes(b"cut")
    provide(own)
    assert file.read_bytes() == safetensors()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (safetensors(7), "brain/weights.safetensors was changed or damaged"),
        (b"", "is no safetensors file"),
        (None, "lacks brain"),
    ],
)
def test_weights_that_are_not_the_bundles_never_reach_the_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, said: str
) -> None:
    bundle = tmp_path / "b"
    write_micro_bundle(bundle, study=masked_by("agunet", BRAIN_WEIGHTS, safetensors()))
    (bundle / BRAIN_WEIGHTS).unlink()
    if content is not None:
        (bundle / BRAIN_WEIGHTS).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResiduaError, match=said):
        provide(bundle)
    assert not Path(places.BRAIN_WEIGHTS).exists()


def test_the_settings_and_the_bundle_mean_the_same_weights(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match=r"another digest than study\.brain_mask\.weights_sha256"):
        write_micro_bundle(tmp_path / "b", study=masked_by("agunet", BRAIN_WEIGHTS, b"others"))


def test_the_authors_model_is_asked_for_in_the_folder_of_the_application(named: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = CliRunner().invoke(app, ["predict", "--bundle", str(named), "--out", str(out), "--post-t1ce", "a.nii"])
    assert ran.exit_code == 1
    said = " ".join(ran.output.split())
    assert f"{out}/MRI_Brain.zip: cannot be read (No such file or directory)" in said
    assert "bundles do not hold: put it there" in said
    assert not out.exists()


def test_a_new_folder_may_hold_the_authors_model_and_nothing_else(
    named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    (out / "MRI_Brain.zip").write_bytes(b"another")
    with pytest.raises(ResiduaError, match=r"MRI_Brain\.zip: is not the file that the bundles name"):
        provide(named)
    (out / "MRI_Brain.zip").write_bytes(MODEL)
    provide(named)
    study = shared_study(open_bundles([str(named)]), "cohort.tsv")
    assert weights_problems(study) == []
    assert prepare_folder(out, [named], [PATIENT], study) == []
    assert prepare_folder(out, [named], [PATIENT], study) == []
    (out / "config.yaml").unlink()
    with pytest.raises(ResiduaError, match="is not empty"):
        prepare_folder(out, [named], [PATIENT], study)


def test_other_brain_masks_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_micro_bundle(tmp_path / "b.zip")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    provide(tmp_path / "b.zip")
    assert list(Path().iterdir()) == []
