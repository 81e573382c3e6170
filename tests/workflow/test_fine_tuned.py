"""A finished study trains some of its models again from a bundle: exactly those, once, and by the bundle's content."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from residua.bundle.pack import bundle_study
from residua.publishing.publish import digest, read_json
from studies import Study

FOLDS = ("0", "1")
MODEL = "results/models/{arch}/B/fold0"


def start_from(study: Study, arch: str, bundle: Path, sha256: str = "") -> None:
    """Let the trainings of a network on inputs B start from a bundle."""
    entry = {"file": str(bundle), "sha256": sha256 or digest(bundle)}
    study.configure(lambda config: config["networks"][arch].update(initial_bundles={"B": entry}))


def trainings(study: Study) -> set[tuple[str | None, ...]]:
    """The trainings that would run now: network, inputs, fold."""
    return {(job["arch"], job["inputs"], job["fold"]) for job in study.planned() if job.rule == "train"}


@pytest.mark.long
def test_trainings_start_from_a_bundle_once_and_go_by_its_content(study: Study, tmp_path: Path) -> None:
    arch = "agunet"
    bundle_study(study.folder, arch, "B", tmp_path / "b.zip")
    start_from(study, arch, tmp_path / "b.zip")
    assert trainings(study) == {(arch, "B", fold) for fold in FOLDS}
    model = study.folder / MODEL.format(arch=arch)
    log = study.folder / f"results/logs/train/{arch}_B_fold0.log"
    from_random = (model / "weights.safetensors").read_bytes()
    study.run(f"{MODEL.format(arch=arch)}/manifest.json")
    tuned = read_json(model / "manifest.json")
    assert (model / "weights.safetensors").read_bytes() != from_random
    assert f"starts from the model of fold 0 of the bundle {digest(tmp_path / 'b.zip')}" in log.read_text()
    assert trainings(study) == {(arch, "B", "1")}
    # The same bundle in another place: the training is planned, and finds that it has been done.
    shutil.copy(tmp_path / "b.zip", tmp_path / "moved.zip")
    start_from(study, arch, tmp_path / "moved.zip")
    study.run(f"{MODEL.format(arch=arch)}/manifest.json")
    assert read_json(model / "manifest.json") == tuned
    assert "epoch" not in log.read_text()


def test_a_bundle_that_does_not_fit_stops_the_study_before_its_trainings(study: Study, tmp_path: Path) -> None:
    bundle_study(study.folder, "nnunet", "A", tmp_path / "of_a.zip")
    start_from(study, "nnunet", tmp_path / "of_a.zip")
    assert trainings(study) == {("nnunet", "B", fold) for fold in FOLDS}
    for sha256, said in (("", "its channels are post_t1ce (image), and those of the config"), ("0" * 64, "its sha256")):
        start_from(study, "nnunet", tmp_path / "of_a.zip", sha256)
        refused = study.snakemake(f"{MODEL.format(arch='nnunet')}/manifest.json")
        assert refused.returncode != 0
        assert said in refused.stdout + refused.stderr
        assert "rule train" not in refused.stdout + refused.stderr
    (tmp_path / "of_a.zip").unlink()
    assert "there is no such file, and trainings are to start from it" in study.snakemake("--dry-run").stderr
