"""The timed steps of benchmarks/preparation.py, each in the environment that its rule has.

preparation_steps.py bring FOLDER SETTINGS            core: stripped and sampled channels
preparation_steps.py prepare FOLDER SETTINGS ARCH     the network's own: what its prepare makes of them

FOLDER holds ``images/``, ``truth/`` and is written to; SETTINGS is JSON. Prints one JSON list of measurements, CPU
seconds of a step and the MiB of the files that it wrote.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"

import numpy as np

from residua.networks.registry import prepare_of, settings_of
from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip
from residua.settings.base import Frozen

SEQUENCE = "post_t1"
TRANSFORMS = ("found", "true")
READERS: dict[str, Callable[[Any, Path], Any]] = {
    "nnunet": lambda prepared, path: prepared.opened(path)[:][0].transpose(2, 1, 0),
    "agunet": lambda prepared, path: prepared.read_cube(path),
}


def timed(mode: str, step: str, arch: str | None, out: Path, work: Callable[[], None]) -> dict[str, Any]:
    """One measurement."""
    out.mkdir(parents=True, exist_ok=True)
    start = time.process_time()
    work()
    seconds = time.process_time() - start
    size = sum(file.stat().st_size for file in out.iterdir())
    return {"mode": mode, "step": step, "arch": arch, "cpu_s": seconds, "mib": size / 2**20}


def bring(folder: Path, patient: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Both modes' ways to where ``prepare`` begins, through the transform that is found and the true one."""
    from residua.images import volumes
    from residua.networks.registry import target_grid_of
    from residua.preparation.sampling import NativeChannel, Sampling, sample
    from residua.registration.register import register
    from residua.registration.transforms import TransformFiles, resample
    from residua.settings.registration import Registration

    scans, truth = folder / "images" / patient, folder / "truth" / patient
    reference, moving, brain = scans / "post_t1ce.nii.gz", scans / f"{SEQUENCE}.nii.gz", truth / "brain_mask.nii.gz"
    how = Registration(**settings["registration"]).of(before_surgery=False)
    found = TransformFiles(folder / "found.mat", folder / "found_warp.nii.gz")
    registered, quality = folder / "registered.nii.gz", folder / "quality.json"
    register(reference, moving, how, 1, registered, found, quality, patient, SEQUENCE)
    transforms = {"found": found, "true": TransformFiles(truth / f"{SEQUENCE}.tfm", no_warp(folder))}
    rows = []
    for name, transform in transforms.items():
        registered = folder / f"registered-{name}.nii.gz"
        volumes.save(
            resample(volumes.load_grid(reference), volumes.load(moving), transform, how.interpolation), registered
        )
        case = ChannelCase(patient, registered, brain)
        out = folder / name / "stripped"
        rows.append(timed("paper", "strip", None, out, partial(strip, case, out / "channel.nii.gz")))
        native = NativeChannel(patient, moving, brain, transform)
        sampling = Sampling(is_label=False, in_brain=True, interpolation=how.interpolation)
        for arch, preparation in settings["networks"].items():
            out = folder / name / "sampled" / arch
            target_grid = target_grid_of(arch, preparation_of(arch, preparation))
            work = partial(sample, native, target_grid, sampling, out / "channel.nii.gz")
            rows.append(timed("composed", "sample", arch, out, work))
    return rows


def preparation_of(arch: str, values: dict[str, Any]) -> Frozen:
    """Build the settings on which prepared channels depend."""
    return settings_of(arch).preparation_model.model_validate(values)


def no_warp(folder: Path) -> Path:
    """Write a displacement field of zeros around every head."""
    import SimpleITK as sitk  # noqa: N813

    field = sitk.GetImageFromArray(np.zeros((3, 3, 3, 3)), isVector=True)
    field.SetSpacing((200.0, 200.0, 200.0))
    field.SetOrigin((-200.0, -200.0, -200.0))
    sitk.WriteImage(field, str(folder / "no_warp.nii.gz"))
    return folder / "no_warp.nii.gz"


def prepare(folder: Path, patient: str, settings: dict[str, Any], arch: str) -> list[dict[str, Any]]:
    """Prepare both for a network; write its voxels (x, y, z) to ``{arch}-{mode}-{transform}.npy``."""
    brain, work = folder / "truth" / patient / "brain_mask.nii.gz", prepare_of(arch)
    rows = []
    for transform in TRANSFORMS:
        for mode, place in (("paper", "stripped"), ("composed", f"sampled/{arch}")):
            case = ChannelCase(patient, folder / transform / place / "channel.nii.gz", brain, mode == "composed")
            out = folder / transform / f"prepared-{arch}-{mode}"
            given = [case], False, preparation_of(arch, settings["networks"][arch]), out
            rows.append(timed(mode, "prepare", arch, out, partial(work, *given)))
            voxels = READERS[arch](import_module(f"residua.networks.{arch}.prepared"), next(out.iterdir()))
            np.save(folder / f"{arch}-{mode}-{transform}.npy", voxels)
    return rows


def main() -> None:
    """Do one of the two for every patient of the folder's ``images/``."""
    step, folder, settings = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    (patient,) = (path.name for path in (folder / "images").iterdir())
    rows = bring(folder, patient, settings) if step == "bring" else prepare(folder, patient, settings, sys.argv[4])
    print("\n" + json.dumps(rows))


if __name__ == "__main__":
    main()
