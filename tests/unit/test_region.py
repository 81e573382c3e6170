"""What a network sees of a patient where it is confined to a region, and what is lost outside."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.typing import NDArray

from residua.cohort.table.files import how_to_do_without, needed_columns
from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.regions import region_box
from residua.images.volumes import Grid, Image
from residua.networks.agunet.settings import AGUNetPreparation
from residua.networks.nnunet.settings import NnUNetPreparation
from residua.networks.registry import target_grid_of
from residua.networks.segresnet.settings import SegResNetPreparation
from residua.preparation.brain_crop import Crop, brain_crop, crop_to_brain
from residua.preparation.cases import ChannelCase, RegionLabel
from residua.preparation.region import focus, region_crop, sampled_grid
from residua.preparation.region_labels import sound_regions
from residua.publishing.publish import write_json
from residua.quality.measures import outside_measures
from residua.report.deviations import applying
from residua.report.networks import describe_network
from residua.report.regions import outside_regions
from residua.settings.region import Region
from residua.settings.regions import labels_of_regions, regions_of
from residua.settings.study import Study, load_study

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "tests/micro/config.yaml").read_text(encoding="utf-8"))
GRID = Grid((40, 30, 20), np.diag([1.0, 1.0, 2.0, 1.0]))
BRAIN = (slice(4, 36), slice(2, 28), slice(1, 19))
NNUNET = NnUNetPreparation(spacing_mm=(0.7, 0.7, 1.5), patch_size=(16, 16, 16))
AGUNET = AGUNetPreparation(spacing_mm=(1, 1, 1), shape=(32, 32, 16))
SEGRESNET = SegResNetPreparation(spacing_mm=(1, 1, 1))
PREPARATIONS = {"nnunet": NNUNET, "agunet": AGUNET, "segresnet": SEGRESNET}


def study_with(region: Any, arch: str = "nnunet") -> Study:
    config = deepcopy(CONFIG) | {"archs": [arch]}
    config["networks"][arch]["region"] = region
    return load_study(config)


def box(data: NDArray[np.bool_] | tuple[slice, ...]) -> NDArray[np.bool_]:
    if not isinstance(data, tuple):
        return data
    made = np.zeros(GRID.shape, dtype=bool)
    made[data] = True
    return made


def crop_of_brain() -> Crop:
    return brain_crop(Image(box(BRAIN), GRID), "the mask")


def labelled(
    folder: Path, where: tuple[slice, ...] | NDArray[np.bool_], margin_mm: float, grid: Grid = GRID
) -> RegionLabel:
    volumes.save(Image(box(where), grid), folder / "label.nii.gz")
    return RegionLabel(folder / "label.nii.gz", margin_mm)


# Where the region lies.


@pytest.mark.parametrize(
    ("label", "margin_mm", "expected"),
    [
        # Along z a voxel is 2 mm: 3 mm are two of them.
        ((slice(20, 22), slice(10, 12), slice(8, 10)), 3.0, [(17, 25), (7, 15), (6, 12)]),
        ((slice(20, 22), slice(10, 12), slice(8, 10)), 0.0, [(20, 22), (10, 12), (8, 10)]),
        # Within the brain's box at every face.
        ((slice(5, 7), slice(26, 28), slice(17, 18)), 4.0, [(4, 11), (22, 28), (15, 19)]),
        ((slice(20, 22), slice(10, 12), slice(8, 10)), 99.0, [(4, 36), (2, 28), (1, 19)]),
        # An empty label, and one whose surroundings lie outside of the brain.
        ((slice(0, 0),) * 3, 20.0, [(4, 36), (2, 28), (1, 19)]),
        ((slice(38, 40), slice(10, 12), slice(8, 10)), 1.0, [(4, 36), (2, 28), (1, 19)]),
    ],
)
def test_the_region_is_the_labels_box_and_its_margin_within_the_brains_box(
    label: tuple[slice, ...], margin_mm: float, expected: list[tuple[int, int]], tmp_path: Path
) -> None:
    brain = crop_of_brain()
    found = region_crop(brain, labelled(tmp_path, label, margin_mm))
    assert [(side.start, side.stop) for side in found.box] == expected
    assert region_box(GRID, box(label), margin_mm, brain.box) == found.box
    assert region_crop(brain, None) is brain


def test_a_label_on_another_grid_is_refused(tmp_path: Path) -> None:
    far = Grid(GRID.shape, np.diag([1.0, 1.0, 3.0, 1.0]))
    with pytest.raises(ResiduaError, match="label"):
        region_crop(crop_of_brain(), labelled(tmp_path, BRAIN, 1.0, far))


def a_case(folder: Path, region: RegionLabel | None) -> ChannelCase:
    head = np.random.default_rng(0).normal(100, 10, GRID.shape).astype(np.float32)
    volumes.save(Image(np.where(box(BRAIN), head, np.float32(0)), GRID), folder / "head.nii.gz")
    volumes.save(Image(box(BRAIN), GRID), folder / "brain.nii.gz")
    return ChannelCase("P1", folder / "head.nii.gz", folder / "brain.nii.gz", region=region)


@pytest.mark.parametrize(("arch", "preparation"), PREPARATIONS.items(), ids=PREPARATIONS)
def test_what_is_cut_out_of_the_brain_goes_back_to_its_place(arch: str, preparation: Any, tmp_path: Path) -> None:
    case = a_case(tmp_path, labelled(tmp_path, (slice(20, 22), slice(10, 12), slice(8, 10)), 3.0))
    cropped, _, brain = crop_to_brain(case)
    seen = focus(case, brain, target_grid_of(arch, preparation))
    restored = seen.crop.restore(cropped[seen.block]).data
    inside = box((slice(17, 25), slice(7, 15), slice(6, 12)))
    np.testing.assert_array_equal(restored[inside], volumes.load(case.channel).data[inside])
    assert not restored[~inside].any()


def test_without_a_region_all_is_as_it_was(tmp_path: Path) -> None:
    case = a_case(tmp_path, None)
    cropped, _, brain = crop_to_brain(case)
    for arch, preparation in PREPARATIONS.items():
        target_grid = target_grid_of(arch, preparation)
        seen = focus(case, brain, target_grid)
        assert seen.crop == brain
        assert cropped[seen.block].shape == cropped.shape
        assert sampled_grid(brain, None, target_grid).to_json() == target_grid(brain).to_json()


@pytest.mark.parametrize(("arch", "preparation"), PREPARATIONS.items(), ids=PREPARATIONS)
def test_a_sampled_channel_holds_the_brain_and_within_it_the_target_grid_of_the_region(
    arch: str, preparation: Any, tmp_path: Path
) -> None:
    target_grid, brain = target_grid_of(arch, preparation), crop_of_brain()
    region = labelled(tmp_path, (slice(6, 12), slice(9, 12), slice(6, 9)), 3.0)
    whole, wanted = sampled_grid(brain, region, target_grid), target_grid(region_crop(brain, region))
    case = ChannelCase("P1", tmp_path / "any.nii.gz", tmp_path / "brain.nii.gz", sampled=True, region=region)
    seen = focus(case, brain, target_grid)
    assert tuple(side.stop - side.start for side in seen.block) == wanted.shape
    # The first voxel of the block is that of the region's own grid.
    first = whole.affine @ [*(side.start for side in seen.block), 1]
    np.testing.assert_allclose(first, wanted.affine[:, 3], atol=1e-9)
    np.testing.assert_allclose(whole.affine[:3, :3], wanted.affine[:3, :3])
    # Every corner of the brain's box lies within the voxels of the larger grid, and no layer of them is for nothing.
    for end in ("start", "stop"):
        corner = GRID.affine @ [*(getattr(side, end) - 0.5 for side in brain.box), 1]
        index = (np.linalg.inv(whole.affine) @ corner)[:3]
        far = -0.5 - index if end == "start" else index - (np.array(whole.shape) - 0.5)
        assert (far < 1e-3).all()
        assert (far > -1).all()


def test_a_label_whose_registration_failed_confines_nobody(tmp_path: Path) -> None:
    problem = {"check": "registration-impossible", "severity": "error", "what": "w", "remedy": "r", "patient": "P2"}
    for name, found in (("P1", None), ("P2", problem)):
        write_json(tmp_path / f"{name}.json", {"problem": found})
    records = [str(tmp_path / f"{name}.json") for name in ("P1", "P2")]
    prepared = NNUNET.model_copy(update={"region": Region(label="pre_tumor", margin_mm=7)})
    found = sound_regions(["P1", "P2"], ["a.nii.gz", "b.nii.gz"], records, prepared)
    assert found == {"P1": RegionLabel(Path("a.nii.gz"), 7)}
    assert set(sound_regions(["P1", "P2"], ["a.nii.gz", "b.nii.gz"], [], prepared)) == {"P1", "P2"}
    assert sound_regions([], [], [], NNUNET) == {}


# What the configuration says.


@pytest.mark.parametrize("arch", PREPARATIONS)
def test_a_region_is_a_name_or_a_section_and_concerns_that_networks_preparation_alone(arch: str) -> None:
    short, long = study_with("pre_tumor", arch), study_with({"label": "pre_tumor", "margin_mm": 12}, arch)
    assert regions_of(short) == {arch: Region(label="pre_tumor", margin_mm=20)}
    assert regions_of(long) == {arch: Region(label="pre_tumor", margin_mm=12)}
    assert labels_of_regions(short) == ("pre_tumor",)
    assert labels_of_regions(short, ["other"]) == ()
    told = short.settings_of(arch).preparation().model_dump(mode="json")
    assert told["region"] == {"label": "pre_tumor", "margin_mm": 20}
    whole = study_with(None, arch)
    assert regions_of(whole) == {}
    assert "region" not in whole.settings_of(arch).preparation().model_dump(mode="json")
    assert "region" not in whole.settings_of(arch).model_dump(mode="json")


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("residual", "networks.nnunet.region names residual, the reference standard"),
        ("edema", "networks.nnunet.region names edema, which is missing under labels; name one of them (pre_tumor)"),
        ({"label": "pre_tumor", "margin_mm": -1}, "networks.nnunet.region.margin_mm: Input should be greater than"),
        ({"margin_mm": 5}, "networks.nnunet.region.label: Field required"),
        ({"label": "pre_tumor", "margin": 5}, "networks.nnunet.region.margin: unknown key"),
        (7, "networks.nnunet.region: "),
    ],
)
def test_a_region_that_cannot_be_is_refused(region: Any, message: str) -> None:
    with pytest.raises(ResiduaError) as refused:
        study_with(region)
    assert message in str(refused.value)


def test_plans_that_are_made_for_the_whole_brain_go_with_no_region() -> None:
    config = deepcopy(CONFIG)
    config["networks"]["nnunet"] |= {"region": "pre_tumor", "plans": "auto"}
    with pytest.raises(ResiduaError, match="plans: auto is made for the whole brain"):
        load_study(config)


def test_the_table_needs_the_label_of_a_region_although_no_channel_shows_it() -> None:
    assert "pre_tumor" in needed_columns(study_with("pre_tumor"))
    assert "pre_tumor" not in needed_columns(study_with(None))
    assert "networks.nnunet.region" in how_to_do_without(study_with("pre_tumor"), "pre_tumor")
    assert "region" not in how_to_do_without(study_with(None), "pre_tumor")


# What is lost.


def test_tumour_outside_of_the_region_is_measured_where_most_is_lost() -> None:
    tumour = box((slice(10, 20), slice(10, 11), slice(10, 11)))
    wide, narrow = (slice(0, 18), slice(0, 30), slice(0, 20)), (slice(0, 13), slice(0, 30), slice(0, 20))
    assert outside_measures(tumour, [wide, narrow], 0.5) == {"outside_region_ml": 3.5, "outside_region_percent": 70.0}
    assert outside_measures(tumour, [wide], 0.5)["outside_region_percent"] == 20.0
    assert outside_measures(np.zeros_like(tumour), [wide], 0.5) == {
        "outside_region_ml": 0.0,
        "outside_region_percent": None,
    }


def _measures(folder: Path, lost: dict[str, tuple[float, float]]) -> str:
    rows = [
        {"patient": patient, "subject": subject, "measure": name, "value": value}
        for patient, (volume, outside) in lost.items()
        for subject, name, value in (
            ("residual", "volume_ml", volume),
            ("residual", "outside_region_ml", outside),
            ("brain", "volume_ml", 1400.0),
        )
    ]
    pd.DataFrame(rows).to_parquet(folder / "quality.parquet")
    return str(folder / "quality.parquet")


def test_the_report_says_what_is_lost_in_how_many_patients(tmp_path: Path) -> None:
    study = study_with("pre_tumor")
    (told,) = outside_regions(
        study, _measures(tmp_path, {"P1": (4.0, 1.0), "P2": (1.0, 1.0), "P3": (5.0, 0.0), "P4": (0.0, 0.0)})
    )
    assert told.startswith("Of 10.0 ml residual tumour, 2.00 ml (20.0 %) lie outside")
    assert "in 2 patients of 3 with residual tumour; in 1 of them all of it" in told
    (nothing,) = outside_regions(study, _measures(tmp_path, {"P1": (4.0, 0.0)}))
    assert nothing.startswith("No residual tumour lies outside")
    assert outside_regions(study_with(None), None) == ()


@pytest.mark.parametrize("arch", PREPARATIONS)
def test_methods_and_deviations_name_the_region(arch: str) -> None:
    study, whole = study_with({"label": "pre_tumor", "margin_mm": 12}, arch), study_with(None, arch)
    text = " ".join(describe_network(study.settings_of(arch)))
    assert "cropped to the box that reaches 12 mm beyond the pre-operative tumour (where there is one)" in text
    assert "beyond" not in " ".join(describe_network(whole.settings_of(arch)))
    assert "Region of interest" in {deviation.what for deviation in applying(study)}
    assert "Region of interest" not in {deviation.what for deviation in applying(whole)}
