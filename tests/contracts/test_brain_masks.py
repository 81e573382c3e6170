"""Every brain mask method in its own environment, on a simulated head whose brain is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations
from scipy.spatial.transform import Rotation

from environments import python_in
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.publishing.publish import read_json
from residua.quality.catalogue import judged
from residua.simulate.design import load_design
from residua.simulate.patient import simulate_patient
from residua.simulate.plan import planned

EXTRACT = """
import json, sys
from pathlib import Path
from residua.cluster.unused_imports import skip_unused_imports
skip_unused_imports()
from residua.brain.mask import mask_brains
from residua.settings.brain_mask import BrainMask
mask_brains(BrainMask.model_validate_json(sys.argv[1]), json.loads(sys.argv[2]), {}, Path(sys.argv[3]))
"""
SHAPES = """
import json, sys
from residua.cluster.unused_imports import skip_unused_imports
skip_unused_imports()
from residua.images import volumes
from residua.brain.template_shape import template_shape
print(json.dumps({file: template_shape(volumes.load_mask(file)) for file in sys.argv[1:]}))
"""


class Head:
    """A simulated post-operative head and its truth."""

    def __init__(self, folder: Path, number: int) -> None:
        design = load_design("toy")
        assignment = planned(24, design)[number]
        simulate_patient(folder, 1, assignment, design)
        self.image = folder / "images" / assignment.patient / "post_t1ce.nii.gz"
        self.brain = folder / "truth" / assignment.patient / "brain_mask.nii.gz"
        self.residual = self.image.with_name("residual.nii.gz")


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Head:
    return Head(tmp_path_factory.mktemp("head"), 5)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for masks: what else lies in one is removed."""
    folder = tmp_path / "masks"
    folder.mkdir()
    return folder


def masks_of(stack: str, settings: dict[str, Any], references: dict[str, Path], out: Path) -> dict[str, Image]:
    """The masks that a method finds for the images, in the environment of its stack; none where it finds no head."""
    paths = json.dumps({patient: str(path) for patient, path in references.items()})
    done = python_in(stack, "-c", EXTRACT, json.dumps(settings), paths, str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    return {file.name.partition(".")[0]: volumes.load_mask(file) for file in out.glob("*.nii.gz")}


def dice(mask: Image, head: Head) -> float:
    true = volumes.load_mask(head.brain)
    assert mask.grid.same_as(true.grid)
    return 2 * np.count_nonzero(mask.data & true.data) / (mask.data.sum() + true.data.sum())


def tumor_inside(mask: Image, head: Head) -> float:
    tumor = volumes.load_mask(head.residual).data
    assert tumor.any()
    return float(mask.data[tumor].mean())


def test_deepbet_finds_the_brain_however_the_image_is_stored_and_one_without_a_head_hides_no_other(
    head: Head, out: Path, tmp_path: Path
) -> None:
    stored = volumes.load(head.image)
    nothing, other = tmp_path / "nothing.nii.gz", tmp_path / "other.nii.gz"
    volumes.save(Image(np.zeros((40, 40, 40), np.float32), Grid((40, 40, 40), np.diag([4.0, 4.0, 4.0, 1.0]))), nothing)
    volumes.save(Image(stored.data, Grid(stored.grid.shape, stored.grid.affine, "PIL")), other)
    assert orientations.aff2axcodes(nib.load(other).affine) == ("P", "I", "L")
    found = masks_of("torch", {"method": "deepbet"}, {"P0": nothing, "P1": head.image, "P2": other}, out)
    problem = read_json(out / "P0.json")["problem"]
    assert (problem["check"], problem["subject"]) == ("extraction-impossible", "brain mask")
    assert problem["what"].startswith("deepbet finds no brain in the image")
    assert dice(found["P1"], head) > 0.95
    assert tumor_inside(found["P1"], head) >= 0.995
    assert np.array_equal(found["P1"].data, found["P2"].data)
    assert nib.load(out / "P2.nii.gz").affine == pytest.approx(nib.load(other).affine)
    volume_ml = read_json(out / "P1.json")["checks"]["volume_ml"]
    assert volume_ml == pytest.approx(found["P1"].data.sum() * found["P1"].grid.voxel_ml)


@pytest.mark.long
def test_hd_bet_finds_the_brain(head: Head, out: Path) -> None:
    settings = {"method": "hd-bet", "hd_bet_mode": "fast"}
    found = masks_of("hdbet", settings, {"P1": head.image}, out)["P1"]
    assert dice(found, head) > 0.95
    assert tumor_inside(found, head) >= 0.995


def test_the_brain_model_of_the_package_finds_a_brain(head: Head, out: Path) -> None:
    found = masks_of("tensorflow", {"method": "agunet"}, {"P1": head.image}, out)["P1"]
    # Real heads come out worse: docs/explanation/brain_model.md has its scores.
    assert dice(found, head) > 0.93
    assert tumor_inside(found, head) >= 0.995


def test_the_template_finds_the_brain_and_twice_the_same_wherever_the_head_lies(
    head: Head, out: Path, tmp_path: Path
) -> None:
    image = volumes.load(head.image)
    moved = image.grid.affine.copy()
    moved[:3, 3] += (70.0, -120.0, 400.0)
    volumes.save(Image(image.data, Grid(image.grid.shape, moved)), tmp_path / "moved.nii.gz")
    references = {"P1": head.image, "P2": head.image, "P3": tmp_path / "moved.nii.gz"}
    found = masks_of("core", {"method": "template"}, references, out)
    assert dice(found["P1"], head) > 0.93
    assert tumor_inside(found["P1"], head) >= 0.995
    assert np.array_equal(found["P1"].data, found["P2"].data)
    elsewhere = Image(found["P3"].data, found["P1"].grid)
    assert dice(elsewhere, head) > 0.93


def test_what_was_stripped_elsewhere_keeps_all_of_the_brain_and_its_tumor(
    head: Head, out: Path, tmp_path: Path
) -> None:
    image, brain = volumes.load(head.image), volumes.load_mask(head.brain).data
    inside = image.data[brain]
    references = {"WHOLE": head.image}
    for number, background in enumerate((0.0, -1.25, 3000.0)):
        scores = np.where(brain, (image.data - inside.mean()) / inside.std(), background)
        references[f"P{number}"] = tmp_path / f"stripped{number}.nii.gz"
        volumes.save(Image(scores.astype(np.float32), image.grid), references[f"P{number}"])
    found = masks_of("core", {"method": "stripped"}, references, out)
    for name in ("P0", "P1", "P2"):
        assert dice(found[name], head) > 0.99, name
        assert tumor_inside(found[name], head) == 1.0, name
        assert not (brain & ~found[name].data).any(), name
        assert read_json(out / f"{name}.json")["problem"] is None
    # The whole head fails alone.
    assert read_json(out / "WHOLE.json")["problem"]["check"] in ("extraction-empty", "extraction-volume")


def shaped(brain: Image, part: str) -> Image:
    """A mask without a part of the brain or with a part of the face, or a right one, its cisterns filled or not."""
    box = volumes.box_around(brain.grid, brain.data, 0.0)
    x, y, z = (
        (index - side.start) / (side.stop - side.start)
        for index, side in zip(np.indices(brain.grid.shape), box, strict=True)
    )
    mm = [(side.stop - side.start) * size for side, size in zip(box, brain.grid.spacing_mm, strict=True)]
    face = ((x - 0.5) * mm[0] / 45) ** 2 + ((y - 0.98) * mm[1] / 30) ** 2 + ((z - 0.12) * mm[2] / 35) ** 2 < 1
    cisterns = ((x - 0.5) * mm[0] / 20) ** 2 + ((y - 0.6) * mm[1] / 18) ** 2 + ((z - 0.27) * mm[2] / 18) ** 2 < 1
    faulty = {
        "right": brain.data,
        "cisterns": brain.data | cisterns,
        "no frontal lobes": brain.data & ~(y > 0.8),
        "no right frontal lobe": brain.data & ~((y > 0.72) & (x > 0.5)),
        "no temporal lobe": brain.data & ~((z < 0.42) & (x > 0.66) & (y > 0.35)),
        "no occipital lobes": brain.data & ~(y < 0.15),
        "no cerebellum": brain.data & ~((z < 0.35) & (y < 0.5)),
        "half": brain.data & (x > 0.5),
        "face": brain.data | face,
    }
    return Image(faulty[part], brain.grid)


FAULTS = (
    "no frontal lobes", "no right frontal lobe", "no temporal lobe", "no occipital lobes", "no cerebellum", "half",
    "face",
)  # fmt: skip


@pytest.mark.long
def test_the_shape_of_a_mask_tells_a_missing_lobe_and_a_face_from_a_right_mask(head: Head, tmp_path: Path) -> None:
    true = volumes.load_mask(head.brain)
    files = {part: tmp_path / f"{part}.nii.gz" for part in ("right", "cisterns", *FAULTS)}
    for part, file in files.items():
        volumes.save(shaped(true, part), file)
    # The same brain as a mask on finer slices, elsewhere and turned in space.
    turned = true.grid.affine.copy()
    turned[:3, :3] = Rotation.from_euler("xyz", [12, -8, 10], degrees=True).as_matrix() @ turned[:3, :3]
    turned[:3, 3] += (70.0, -120.0, 400.0)
    files["turned"] = tmp_path / "turned.nii.gz"
    volumes.save(Image(true.data, Grid(true.grid.shape, turned)), files["turned"])
    done = python_in("core", "-c", SHAPES, *map(str, files.values()))
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    found = {part: record[str(file)] for part, file in files.items()}
    limits = {name: judged("brain", name) for name in ("template_dice", "template_distance_mm")}

    def flagged(part: str) -> bool:
        return any(how and how.limit_broken(found[part][name]) is not None for name, how in limits.items())

    assert {part for part in found if flagged(part)} == set(FAULTS)
    assert found["turned"]["template_dice"] == pytest.approx(found["right"]["template_dice"], abs=0.01)


@pytest.fixture(scope="module")
def slabs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    check = Path(__file__).parent / "agunet_slabs_check.py"
    done = python_in("tensorflow", str(check), str(tmp_path_factory.mktemp("slabs")))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_a_slab_is_halved_along_its_height_until_four_slices_are_left(slabs: dict[str, Any]) -> None:
    assert slabs["levels"] == [[256, 192, 32], [128, 96, 16], [64, 48, 8], [32, 24, 4]]


def test_slabs_cover_the_head_are_padded_by_its_edge_and_keep_their_middle(slabs: dict[str, Any]) -> None:
    lowest, highest = slabs["range"]
    assert slabs["shape"] == slabs["mask_shape"] == [60, 50, 41]
    assert slabs["mask_type"] == "bool"
    assert 0 < lowest < highest - 0.05
    # Single and double precision meet in a network that was not trained to be smooth.
    assert slabs["largest_difference"] < 2e-3


def test_a_mask_is_what_is_above_the_cut_of_its_model(slabs: dict[str, Any]) -> None:
    low, high = slabs["cut_voxels"]
    assert slabs["cut"] == [True, True]
    assert low > 2 * high > 0


def test_the_brightness_of_a_scan_does_not_matter(slabs: dict[str, Any]) -> None:
    assert slabs["brightness"] < 1e-3


def test_brain_mask_weights_of_another_digest_or_network_are_refused(slabs: dict[str, Any]) -> None:
    assert slabs["of_another_digest"].startswith("weights.safetensors: its sha256 differs from the one in the config")
    assert slabs["missing"].startswith("nowhere.safetensors: the weights of the brain mask are missing")
    assert "do not fit the network that brain_mask.features describes" in slabs["of_another_network"]
    assert slabs["broken"].startswith("broken.safetensors: cannot be read as safetensors")
