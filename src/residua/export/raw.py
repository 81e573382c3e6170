"""Write the prepared cohort of a study as a raw data set of nnU-Net, with the folds of the study."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path

import numpy as np

from residua.errors import ResiduaError
from residua.export.loading import study_here
from residua.images import volumes
from residua.images.volumes import Image
from residua.networks.cases import Channel
from residua.networks.nnunet.raw_names import channel_names, dataset_name
from residua.preparation.derived import derive
from residua.publishing.images import by_patient
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import stage, verified, write_json, write_text
from residua.publishing.seals import require_sealed
from residua.settings.base import REFERENCE_STANDARD
from residua.settings.channels import DerivedChannel, told
from residua.wiring.faults import left_out_of_subset
from residua.wiring.files import brain_manifests, brain_mask_of, file_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import patients_of_subset
from residua.wiring.preparation import channel_records

_OF_BRAIN = np.float32(1e-20)
"""In place of zero in the brain: nnU-Net takes what is zero in all channels for outside, and this changes no mean."""


def export_cohort(study: Path, inputs: str, out: Path) -> None:
    """Write ``DatasetNNN_…`` into the new folder ``out``: training images and labels, the hold-out, and the folds.

    Raises ``ResiduaError`` when the study has not started, has no such inputs, or keeps no stripped images.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    target = out.resolve()
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=target.parent) as place, chdir(study):
        loaded = study_here(study, inputs)
        with stage(Path(place) / "exported/manifest.json") as part:
            _write(loaded, inputs, part)
        (Path(place) / "exported").rename(target)


def _write(loaded: LoadedStudy, inputs: str, part: Path) -> None:
    channels = [Channel(**record) for record in channel_records(loaded, inputs)]
    # Those with every channel: nnU-Net knows none that may be missing.
    folds = [_members(loaded, inputs, f"fold{fold}") for fold in loaded.folds]
    training = list(dict.fromkeys(patient for fold in folds for patient in fold["validation"]))
    held_out = _members(loaded, inputs, "holdout")["validation"]
    stripped = {column: _stripped(loaded, column) for channel in channels for column in channel.columns}
    folder = part / dataset_name(inputs)
    for patients, images, labels in ((training, "imagesTr", "labelsTr"), (held_out, "imagesTs", "labelsTs")):
        for place in (images, labels):
            (folder / place).mkdir(parents=True)
        for patient in patients:
            files = {column: found[patient] for column, found in stripped.items() if patient in found}
            _write_patient(loaded, patient, channels, files, folder / images)
            grid = volumes.load_grid(files[channels[0].columns[0]])
            drawn = volumes.load_mask(file_of(loaded, patient, REFERENCE_STANDARD))
            volumes.save(Image(drawn.data, grid), folder / labels / f"{patient}.nii.gz")
    write_json(folder / "splits_final.json", [{"train": f["training"], "val": f["validation"]} for f in folds])
    write_json(folder / "dataset.json", _description(loaded, inputs, channels, len(training)))
    write_text(part / "README.md", _readme(inputs, channels))


def _members(loaded: LoadedStudy, inputs: str, subset: str) -> dict[str, list[str]]:
    named = left_out_of_subset(loaded, subset)
    if missing := [file for file in named if not Path(file).is_file()]:
        raise ResiduaError(f"{missing[0]}: there is none; say who is left out: snakemake … {missing[0]}")
    require_sealed(named)
    failed, planned = left_out_in(named), patients_of_subset(loaded, loaded.study.archs[0], inputs, subset)
    return {group: [patient for patient in who if patient not in failed] for group, who in planned.items()}


def _stripped(loaded: LoadedStudy, channel: str) -> Mapping[str, Path]:
    manifests = [f"results/stripped/{channel}/{batch}/manifest.json" for batch in loaded.cohort.batches]
    if missing := [manifest for manifest in manifests if not Path(manifest).is_file()]:
        raise ResiduaError(f"{missing[0]}: there is none; make the stripped images: snakemake … {' '.join(missing)}")
    require_sealed(manifests)
    return by_patient(manifests)


def _brain_of(loaded: LoadedStudy, patient: str) -> Path:
    mask = Path(brain_mask_of(loaded, patient))
    (manifest,) = brain_manifests(loaded, [patient])
    require_sealed([manifest])
    return verified(manifest, only=lambda name: name == mask.name)[mask.name]


def _write_patient(
    loaded: LoadedStudy, patient: str, channels: Sequence[Channel], files: Mapping[str, Path], out: Path
) -> None:
    mask = _brain_of(loaded, patient)
    written = [out / f"{patient}_{number:04d}.nii.gz" for number in range(len(channels))]
    for channel, file in zip(channels, written, strict=True):
        source, *others = (files[column] for column in channel.columns)
        if channel.definition:
            derive((source, *others), mask, DerivedChannel.model_validate(channel.definition), file)
        else:
            shutil.copyfile(source, file)
    images = [volumes.load(file) for file in written]
    brain = volumes.load_mask(mask).data
    lost = brain & ~np.logical_or.reduce([image.data != 0 for image in images])
    if lost.any():
        first = Image(np.where(lost, _OF_BRAIN, images[0].data), images[0].grid)
        volumes.save(first, out / f"{patient}_0000.nii.gz")


def _description(loaded: LoadedStudy, inputs: str, channels: Sequence[Channel], training: int) -> dict[str, object]:
    return {
        "name": dataset_name(inputs),
        "description": loaded.study.title,
        "channel_names": channel_names(channels),
        "labels": {"background": 0, REFERENCE_STANDARD: 1},
        "numTraining": training,
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIOWithReorient",
    }


def _readme(inputs: str, channels: Sequence[Channel]) -> str:
    name = dataset_name(inputs)
    return f"""# {", ".join(channel.name for channel in channels)} as a raw data set of nnU-Net

Move `{name}` into the folder nnUNet_raw, and after planning its `splits_final.json` into nnUNet_preprocessed/{name}:
nnU-Net then trains and validates on the study's folds. `imagesTs` and `labelsTs` are the hold-out, which no training
and no choice may see. Images lie on the grid of post-operative T1w-CE, registered to it, and are zero outside of the
brain.{_derived(channels)}
"""


def _derived(channels: Sequence[Channel]) -> str:
    made = "; ".join(f"{channel.name}: {told(channel.definition)}" for channel in channels if channel.definition)
    return f" Computed channels: {made}." if made else ""
