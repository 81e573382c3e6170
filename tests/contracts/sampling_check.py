"""Both ways from native channels to what a network's preparation reads, in the core environment.

python sampling_check.py FOLDER: for every case of ``preparation_cases`` in FOLDER, writes ``stripped/{channel}`` (or
the reference standard as it is) and ``sampled/{arch}/{channel}``. Prints one JSON record on smoothing and on
what is refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lean_ants  # noqa: F401
import nibabel as nib
import numpy as np
import SimpleITK as sitk  # noqa: N813
from preparation_cases import CHANNELS, NETWORKS, movement, names
from skimage.transform import resize

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.scans import load_scan
from residua.images.volumes import Grid, Image
from residua.networks.registry import target_grid_of
from residua.preparation.brain_crop import Crop
from residua.preparation.cases import ChannelCase
from residua.preparation.sampling import NativeChannel, Sampling, sample, smoothed_for
from residua.preparation.strip import strip
from residua.preparation.strip_moved import WayToReference, strip_moved
from residua.registration.transforms import LABEL_INTERPOLATION, TransformFiles, resample
from residua.simulate.geometry import write_itk


def transform_of(folder: Path) -> TransformFiles:
    """The true movement, and a displacement field of zeros."""
    field = sitk.GetImageFromArray(np.zeros((3, 3, 3, 3)), isVector=True)
    field.SetSpacing((200.0, 200.0, 200.0))
    field.SetOrigin((-200.0, -200.0, -200.0))
    sitk.WriteImage(field, str(folder / "warp.nii.gz"))
    write_itk(movement(), folder / "affine.tfm")
    return TransformFiles(folder / "affine.tfm", folder / "warp.nii.gz")


def both_ways(folder: Path) -> dict[str, bool]:
    """Strip the channels of one case on the reference grid, and sample them for every network.

    Returns for each scan that moves whether it is stripped as the whole registered image would be, to the bit.
    """
    brain, found = folder / "brain.nii.gz", transform_of(folder)
    alike = {}
    for channel, is_label in CHANNELS.items():
        file = folder / f"{channel}.nii.gz"
        transform = found if channel.startswith("moving") else None
        in_brain = channel != "residual"
        registered = file
        if transform:
            moving = volumes.load(file)
            how = LABEL_INTERPOLATION if is_label else "linear"
            registered = folder / "registered" / file.name
            volumes.save(resample(volumes.load_grid(folder / "reference.nii.gz"), moving, transform, how), registered)
        if transform and not is_label:
            alike |= stripped_alike(folder, channel, transform)
        elif in_brain:
            strip(ChannelCase("P1", registered, brain), folder / "stripped" / file.name)
        for arch, settings in NETWORKS.items():
            case = NativeChannel("P1", file, brain, transform)
            out = folder / "sampled" / arch / file.name
            sample(case, target_grid_of(arch, settings), Sampling(is_label, in_brain, "linear"), out)
    return alike


def stripped_alike(folder: Path, channel: str, transform: TransformFiles) -> dict[str, bool]:
    """Whether a moving scan is stripped as it would be from the float32 image that each interpolation gives."""
    brain, reference, file = (folder / f"{name}.nii.gz" for name in ("brain", "reference", channel))
    found = {}
    for how in ("lanczosWindowedSinc", "linear"):
        whole, expected = folder / "whole" / f"{how}.nii.gz", folder / "whole" / f"stripped_{how}.nii.gz"
        volumes.save(resample(volumes.load_grid(reference), load_scan(file), transform, how), whole)
        strip(ChannelCase("P1", whole, brain), expected)
        made = folder / "stripped" / file.name
        strip_moved(ChannelCase("P1", file, brain), WayToReference(reference, transform, how), made)
        one, other = (nib.load(path) for path in (made, expected))
        found[how] = np.array_equal(one.dataobj, other.dataobj) and np.array_equal(one.affine, other.affine)
    return found


def smoothing() -> dict[str, object]:
    """Noise on a grid that becomes coarser along x and finer along y, against skimage's resize."""
    grid = Grid((60, 20, 30), np.diag([1.0, 2.0, 1.5, 1.0]))
    noise = Image(np.random.default_rng(0).normal(size=grid.shape).astype(np.float32), grid)
    shape = (20, 24, 30)
    target = Crop(grid, (slice(0, 60), slice(0, 20), slice(0, 30))).divided(shape)
    found = resample(target, smoothed_for(target, noise), None, "linear").data
    expected = resize(noise.data, shape, order=1, mode="edge", anti_aliasing=True)
    turned = Image(noise.data.transpose(1, 0, 2), Grid((20, 60, 30), grid.affine[:, [1, 0, 2, 3]]))
    straight, back = smoothed_for(target, noise).data, smoothed_for(target, turned).data.transpose(1, 0, 2)
    return {
        "error": float(np.abs(found - expected).max()),
        "without": float(np.abs(resample(target, noise, None, "linear").data - expected).max()),
        "untouched": smoothed_for(grid, noise) is noise,
        "turned": float(np.abs(straight - back).max()),
    }


def refusals(folder: Path) -> list[str]:
    """What is said of a scan with a hole in the brain, and of a label that is on no known grid."""
    brain, head = folder / "brain.nii.gz", volumes.load(folder / "reference.nii.gz")
    hole, elsewhere = folder / "hole.nii.gz", folder / "moving_label.nii.gz"
    head.data[tuple(n // 2 for n in head.data.shape)] = np.nan
    volumes.save(head, hole)
    said = []
    for file, is_label in ((hole, False), (elsewhere, True)):
        case, how = NativeChannel("P1", file, brain, None), Sampling(is_label, True, "linear")
        try:
            sample(case, target_grid_of("nnunet", NETWORKS["nnunet"]), how, folder / "refused.nii.gz")
        except ResiduaError as error:
            said.append(str(error).replace(str(folder), "FOLDER"))
    return [*said, *(path.name for path in folder.glob("refused*"))]


if __name__ == "__main__":
    alike = {name: both_ways(Path(sys.argv[1]) / name) for name in names()}
    record = {**smoothing(), "stripped_alike": alike, "refused": refusals(Path(sys.argv[1]) / names()[0])}
    print("\n" + json.dumps(record))
