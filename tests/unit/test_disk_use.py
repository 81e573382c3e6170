"""The room that a study needs on disk: against what was measured, by what is there already, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml

from cohort_tables import ROOT
from residua.cluster.memory_needs import extent_of
from residua.errors import ResiduaError
from residua.inference.bundles import shared_study
from residua.operations.disk import (
    PROBABILITY,
    SURE,
    GridSize,
    OnDisk,
    by_stage,
    free_bytes,
    missing,
    model_bytes,
    registered_bytes,
    require_space,
    stripped_bytes,
)
from residua.settings.machine import Machine
from residua.wiring import disk_use, preparation
from residua.wiring.application import LoadedApplication
from residua.wiring.disk_use import stored_by
from test_new_patients import bundle, new_patients
from test_wiring import loaded_study

FULL, SAGITTAL, TOY = GridSize(42_467_328, 10_200.0), GridSize(11_534_336, 11_534.0), GridSize(598_412, 4_954.0)
"""Grids of 512×512×162 and 256×256×176 voxels, and the mean of a cohort like toy."""
ARTICLE = GridSize(35_681_400, 9_800.0)
PUBLISHED_INPUTS = {
    "A": ["post_t1ce"],
    "B": ["post_t1ce", "post_t1"],
    "C": ["post_t1ce", "post_t1", "post_flair"],
    "D": ["post_t1ce", "post_t1", "pre_t1ce", "pre_tumor"],
    "E": ["post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_tumor"],
}


@pytest.mark.parametrize(
    ("estimate", "measured"),
    [
        (registered_bytes(FULL, 3.0), 43_718_881 + 4_108_824),
        (registered_bytes(FULL, 2.0), 43_076_607 + 14_260_369),
        (registered_bytes(SAGITTAL, 3.0), 11_762_897 + 4_509_765),
        (registered_bytes(TOY, 6.0), 724_825 + 217_288),
        (stripped_bytes(FULL), 22_959_349),
        (stripped_bytes(TOY), 795_525),
        (model_bytes((8, 16, 32)), 435_696),
    ],
)
def test_estimates_are_near_what_was_measured(estimate: float, measured: int) -> None:
    assert 1 / SURE < estimate / measured < SURE


def test_a_study_like_toy_takes_what_it_took(tmp_path: Path) -> None:
    """Inputs A and B, two networks; per patient as in a finished study of 24, of whose trainings there were 12."""
    toy = yaml.safe_load((ROOT / "tests/toy/config.yaml").read_text())
    loaded = loaded_study(tmp_path, **{key: toy[key] for key in ("inputs", "registration", "networks")})
    stored = stored_by(loaded, lambda file: TOY)
    stages = by_stage(stored)
    patients = sum(map(len, loaded.cohort.batches.values()))
    measured = {
        # Of each scan that moves.
        "registered": 1_072_708 * sum(each.stage == "registered" for each in stored) / patients,
        "stripped": 1_093_924,
        "prepared": 1_200_000,
        # 73 kB a map: one of each patient outside the hold-out, three of each within, for four models.
        "probability maps": 73_200 * 4 * (6 + 2 * 3) / 8,
        "pages": 1_290_000,
        "models": 3_738_365 / 12 * len(loaded.trained) / patients,
    }
    assert list(stages) == ["registered", "stripped", "prepared", "models", "probability maps", "pages"]
    for stage, of_one in measured.items():
        assert 1 / SURE < stages[stage] / patients / of_one < SURE, (stage, stages[stage] / patients)
    assert 1 / SURE < sum(stages.values()) / patients / sum(measured.values()) < SURE


def test_the_published_study_fits_into_a_third_of_a_terabyte(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path, records=None, inputs=PUBLISHED_INPUTS)
    stages = by_stage(stored_by(loaded, lambda file: ARTICLE))
    patients = sum(map(len, loaded.cohort.batches.values()))
    models = stages.pop("models")
    assert 180e9 < sum(stages.values()) / patients * 956 < 350e9, stages
    assert 1e9 < models / len(loaded.folds) * 5 < 10e9


def test_files_are_those_that_the_rules_make(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path)
    paths = [each.path for each in stored_by(loaded, lambda file: TOY)]
    assert len(paths) == len(set(paths))
    assert "results/registered/STO1/pre_t1ce_quality.json" in paths
    for arch, inputs in loaded.models:
        assert set(preparation.prepared_manifests(loaded, arch, inputs, "fold0")) <= set(paths)
        assert set(preparation.models_of(loaded, arch, inputs)) <= set(paths)
        for split in ("validation", "test"):
            assert set(preparation.predictions_of(loaded, arch, inputs, split)) <= set(paths)


def test_an_application_takes_room_for_its_patients_maps_and_models(tmp_path: Path) -> None:
    bundles = [bundle("B"), bundle("D")]
    table = "patient post_t1ce post_t1 pre_t1ce pre_tumor\nN1 a.nii b.nii  \nN2 a.nii b.nii c.nii d.nii\n"
    new = new_patients(tmp_path, bundles, table)
    study = shared_study(bundles, str(tmp_path / "new.tsv"))
    loaded = LoadedApplication(study, new.cohort, bundles=tuple(bundles), choices=new.choices)
    stored = stored_by(loaded, lambda file: TOY)
    paths = {each.path for each in stored}
    for arch, inputs in loaded.models:
        assert set(preparation.prepared_manifests(loaded, arch, inputs, "holdout")) <= paths
        assert set(preparation.models_of(loaded, arch, inputs)) <= paths
        assert set(preparation.predictions_of(loaded, arch, inputs, "test")) <= paths
    # A map of each model and their mean, of every patient to whom the models are applied.
    maps = {each.path: each.bytes for each in stored if each.stage == "probability maps"}
    voxels = {model: TOY.voxels * len(loaded.held_out(*model)) for model in loaded.models}
    assert maps == {
        f"results/ensemble/{arch}/{inputs}/manifest.json": PROBABILITY * voxels[arch, inputs] * (folds + 1)
        for (arch, inputs), folds in zip(loaded.models, [len(loaded.folds_of(*m)) for m in loaded.models], strict=True)
    }


@pytest.mark.parametrize("refuses", [True, False])
def test_an_application_is_refused_or_warned_by_its_own_section_of_the_machine(
    refuses: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundles = [bundle("B")]
    new = new_patients(tmp_path, bundles, "patient post_t1ce post_t1\nN1 a.nii b.nii\n")
    study = shared_study(bundles, str(tmp_path / "new.tsv"))
    loaded = LoadedApplication(study, new.cohort, bundles=tuple(bundles), choices=new.choices)
    planned = [each.path for each in stored_by(loaded, lambda file: TOY)]
    # More than any disk has.
    monkeypatch.setattr(disk_use, "PROBABILITY", 1e15)
    try:
        told = disk_use.require_room(loaded, planned, Machine(check_free_space=refuses)) or ""
    except ResiduaError as error:
        told = str(error)
    assert "are free" in told
    # What residua predict has, which takes no section of the machine.
    assert "(--out), or give fewer patients" in told
    assert "--directory" not in told
    assert ("a configuration of your own (docs/how-to/predict.md" in told) == refuses


def test_only_what_is_planned_and_absent_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").touch()
    stored = [OnDisk("stripped", name, 10.0) for name in ("there", "planned", "later")]
    assert [each.path for each in missing(stored, ["there", "planned", "other"])] == ["planned"]


@pytest.mark.parametrize(("free", "refused"), [(30e9, False), (29e9, None), (21e9, None), (19e9, True), (0, True)])
def test_too_little_room_is_told_and_far_too_little_refused(free: float, refused: bool | None, tmp_path: Path) -> None:
    needed = [OnDisk("registered", "a", 20e9), OnDisk("prepared", "b", 9e9), OnDisk("prepared", "c", 1e9)]
    if refused:
        with pytest.raises(ResiduaError, match=r"are free, and what this run makes takes about 30 GB") as raised:
            require_space(needed, tmp_path, lambda folder: int(free))
        assert f"{tmp_path}: " in str(raised.value)
        assert "registered 20 GB, prepared 10 GB" in str(raised.value)
        assert "machine: {check_free_space: false}" in str(raised.value)
    told = require_space(needed, tmp_path, lambda folder: int(free), refuses=False)
    assert (told is None) == (refused is False)


def test_the_disk_of_a_folder_that_is_not_made_yet_is_found(tmp_path: Path) -> None:
    free = free_bytes(tmp_path / "study" / "results")
    assert free > 0
    with pytest.raises(ResiduaError, match="Make room"):
        require_space([OnDisk("registered", "a", 4.0 * free)], tmp_path / "study" / "results")


@pytest.mark.parametrize(("name", "image"), [("a.nii.gz", nib.Nifti1Image), ("b.nii", nib.Nifti2Image)])
def test_the_extent_is_read_from_a_header(name: str, image: type, tmp_path: Path) -> None:
    nib.save(image(np.zeros((20, 30, 40), np.int16), np.diag([-0.5, 2.0, 1.0, 1.0])), tmp_path / name)
    assert extent_of(str(tmp_path / name)) == (24_000, 24.0)
    (tmp_path / "damaged.nii").write_bytes(b"no image")
    assert extent_of(str(tmp_path / "damaged.nii")) is None
