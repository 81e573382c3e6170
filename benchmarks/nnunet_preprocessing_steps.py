"""The timed steps of benchmarks/nnunet_preprocessing.py, in nnU-Net's environment.

nnunet_preprocessing_steps.py FOLDER CASES X Y Z: makes stripped images in FOLDER, prepares them both ways for a spacing
of X, Y, Z mm, and prints one JSON list: who, the channels that were prepared for each case, CPU seconds, MiB.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

os.environ["nnUNet_raw"] = f"{sys.argv[1]}/raw"  # noqa: SIM112
os.environ["nnUNet_preprocessed"] = f"{sys.argv[1]}/preprocessed"  # noqa: SIM112
os.environ["nnUNet_results"] = f"{sys.argv[1]}/results"  # noqa: SIM112
os.environ["nnUNet_def_n_proc"] = "1"  # noqa: SIM112

import numpy as np
from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from scipy import ndimage

from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.nnunet.prepare import prepare
from residua.networks.nnunet.settings import NnUNetPreparation
from residua.preparation.cases import ChannelCase

FOLDER = Path(sys.argv[1])
CHANNELS = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_tumor")
INPUTS = {"A": (0,), "B": (0, 1), "C": (0, 1, 2), "D": (0, 1, 3, 4), "E": (0, 1, 2, 3, 4)}
BRAIN_MM = np.array([138.0, 168.0, 155.0])
STRETCHED = (0.9, 1.0, 1.1)
PATCH = (64, 64, 64)


def make_case(number: int, spacing: np.ndarray) -> None:
    """Write a brain of textured tissue in every channel, two labels and the mask; voxels differ from case to case."""
    own = spacing * STRETCHED[number % len(STRETCHED)]
    shape = tuple(int(n) for n in np.ceil(BRAIN_MM * 1.3 / own))
    grid = Grid(shape, np.diag([*own, 1.0]))  # type: ignore[arg-type]
    radius = np.sqrt((((np.indices(shape).T + 0.5) * own - BRAIN_MM * 0.65) / (BRAIN_MM / 2)) ** 2 @ np.ones(3)).T
    brain, random = radius < 1, np.random.default_rng(number)
    volumes.save(Image(brain, grid), FOLDER / f"{number}_brain.nii.gz")
    for channel in CHANNELS[:-1]:
        texture = ndimage.gaussian_filter(random.normal(size=shape), 2) * 400 + random.normal(size=shape) * 20 + 500
        stripped = np.where(brain, np.maximum(texture, 1), 0).astype(np.float32)
        volumes.save(Image(stripped, grid), FOLDER / f"{number}_{channel}.nii.gz")
    for label, size in (("pre_tumor", 0.4), ("residual", 0.2)):
        volumes.save(Image(radius < size, grid), FOLDER / f"{number}_{label}.nii.gz")


def ours(cases: int, spacing: tuple[float, ...]) -> dict[str, Any]:
    """Prepare every channel once."""
    settings, out = NnUNetPreparation(spacing_mm=spacing, patch_size=PATCH), FOLDER / "ours"  # type: ignore[arg-type]
    start = time.process_time()
    for channel in (*CHANNELS, "residual"):
        (out / channel).mkdir(parents=True)
        named = [
            ChannelCase(f"{n}", FOLDER / f"{n}_{channel}.nii.gz", FOLDER / f"{n}_brain.nii.gz") for n in range(cases)
        ]
        prepare(named, channel in ("pre_tumor", "residual"), settings, out / channel)
    return record("Residua", len(CHANNELS) + 1, time.process_time() - start, out)


def theirs(cases: int) -> list[dict[str, Any]]:
    """Plan five data sets and preprocess their cases."""
    planning, preprocessing = 0.0, 0.0
    for number, channels in enumerate(INPUTS.values(), start=1):
        name = f"Dataset{number:03d}_{list(INPUTS)[number - 1]}"
        files = write_raw(FOLDER / "raw" / name, cases, channels)
        start = spent()
        extract_fingerprints([number], num_processes=1)
        identifier = plan_experiments([number])
        planning += spent() - start
        prepared = FOLDER / "preprocessed" / name
        plans = PlansManager(str(prepared / f"{identifier}.json"))
        configuration, start = plans.get_configuration("3d_fullres"), spent()
        out = FOLDER / "theirs" / name
        out.mkdir(parents=True)
        description = json.loads((FOLDER / "raw" / name / "dataset.json").read_text())
        for case, (images, label) in files.items():
            work = DefaultPreprocessor(verbose=False)
            work.run_case_save(str(out / case), images, label, plans, configuration, description)
        preprocessing += spent() - start
    many = sum(len(channels) + 1 for channels in INPUTS.values())
    return [
        record("nnU-Net", many, preprocessing, FOLDER / "theirs"),
        {**record("its fingerprints and plans", 0, planning, FOLDER / "theirs"), "mib": 0.0},
    ]


def write_raw(folder: Path, cases: int, channels: tuple[int, ...]) -> dict[str, tuple[list[str], str]]:
    """Write a data set of links; return the images and the label of every case."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    found = {}
    for case in range(cases):
        images = [folder / "imagesTr" / f"{case}_{place:04d}.nii.gz" for place in range(len(channels))]
        for image, channel in zip(images, channels, strict=True):
            image.symlink_to(FOLDER / f"{case}_{CHANNELS[channel]}.nii.gz")
        label = folder / "labelsTr" / f"{case}.nii.gz"
        label.symlink_to(FOLDER / f"{case}_residual.nii.gz")
        found[str(case)] = ([str(image) for image in images], str(label))
    names = {str(place): "noNorm" if channel == 4 else CHANNELS[channel] for place, channel in enumerate(channels)}
    described = {"channel_names": names, "labels": {"background": 0, "tumour": 1}, "numTraining": cases}
    (folder / "dataset.json").write_text(json.dumps({**described, "file_ending": ".nii.gz"}))
    return found


def spent() -> float:
    """Return the processor seconds of this process and of those that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def record(who: str, channels: int, cpu_s: float, out: Path) -> dict[str, Any]:
    """One measurement."""
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return {"who": who, "channels": channels, "cpu_s": cpu_s, "mib": size / 2**20}


def main() -> None:
    """Make the cases, and prepare them both ways."""
    cases, spacing = int(sys.argv[2]), tuple(float(mm) for mm in sys.argv[3:6])
    for number in range(cases):
        make_case(number, np.asarray(spacing))
    rows = [ours(cases, spacing), *theirs(cases)]
    print("\n" + json.dumps(rows))


if __name__ == "__main__":
    main()
