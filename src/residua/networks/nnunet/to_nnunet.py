"""Write trained models as nnU-Net's own commands take them: a folder of results, and a zip of the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from residua.networks.exporting import Ensemble
from residua.networks.nnunet.model import load_model
from residua.networks.nnunet.plans import CONFIGURATION, DATASET_FILE, INFERENCE, PLANS_FILE
from residua.networks.nnunet.raw_names import DATASET_NUMBER, channel_names, dataset_name
from residua.publishing.archive import write_zip
from residua.publishing.publish import read_json, write_json, write_text, writing
from residua.settings.channels import told_all

PLANS_NAME, TRAINER = "nnUNetPlans", "nnUNetTrainer"
"""nnU-Net's own names, so that its commands need no -p and no -tr."""
CHECKPOINT = "checkpoint_final.pth"


def export(ensemble: Ensemble, out: Path) -> None:
    """Fulfil ``residua.networks.exporting.Export``."""
    name = dataset_name(ensemble.inputs)
    results = out / name / f"{TRAINER}__{PLANS_NAME}__{CONFIGURATION}"
    first = next(iter(ensemble.models.values()))
    plans = read_json(first / PLANS_FILE)
    inference = plans.pop(INFERENCE)
    # nnU-Net looks for every channel's entry, of which its z-score uses nothing.
    intensities: dict[str, Any] = {str(number): {} for number in range(len(ensemble.channels))}
    plans |= {
        "dataset_name": name,
        "plans_name": PLANS_NAME,
        "foreground_intensity_properties_per_channel": intensities,
    }
    dataset = {**read_json(first / DATASET_FILE), "channel_names": channel_names(ensemble.channels)}
    write_json(results / PLANS_FILE, plans)
    write_json(results / DATASET_FILE, dataset)
    for fold, folder in ensemble.models.items():
        checkpoint = _checkpoint(folder, fold, plans, dataset, inference["mirror_axes"])
        with writing(results / f"fold_{fold}" / CHECKPOINT) as beside:
            torch.save(checkpoint, beside)
    files = {file.relative_to(out).as_posix(): file for file in (out / name).rglob("*") if file.is_file()}
    with writing(out / f"{name}.zip") as beside:
        write_zip(files, beside)
    write_text(out / "README.md", _readme(ensemble, inference["tile_step"]))


def _checkpoint(
    folder: Path, fold: int, plans: dict[str, Any], dataset: dict[str, Any], mirror_axes: list[int] | None
) -> dict[str, Any]:
    """Return what nnU-Net's trainer saves; plain types only, so that it can be read as data."""
    network = load_model(folder, torch.device("cpu")).network
    return {
        # Under all names of a weight: nnU-Net loads strictly.
        "network_weights": network.state_dict(),
        "optimizer_state": None,
        "grad_scaler_state": None,
        "logging": {},
        "_best_ema": None,
        "current_epoch": 0,
        "init_args": {"plans": plans, "configuration": CONFIGURATION, "fold": fold, "dataset_json": dataset},
        "trainer_name": TRAINER,
        "inference_allowed_mirroring_axes": tuple(mirror_axes) if mirror_axes else None,
    }


def _readme(ensemble: Ensemble, tile_step: float) -> str:
    folds = list(ensemble.models)
    step = "" if tile_step == 0.5 else f" -step_size {tile_step}"
    one = f"nnUNetv2_predict -d {DATASET_NUMBER} -c {CONFIGURATION} -i IMAGES -o FOLD -f"
    each = [f"{one.replace('FOLD', f'fold{fold}')} {fold} --save_probabilities{step}" for fold in folds]
    merged = f"nnUNetv2_ensemble -i {' '.join(f'fold{fold}' for fold in folds)} -o ensemble --save_npz"
    threshold = "not chosen" if ensemble.threshold is None else f"{ensemble.threshold:g}"
    files = [
        f"| `PATIENT_{number:04d}.nii.gz` | {channel.name}{' (0 and 1)' if channel.is_label else ''} |"
        for number, channel in enumerate(ensemble.channels)
    ]
    lines = [
        f"# nnU-Net on {', '.join(channel.name for channel in ensemble.channels)}, in nnU-Net's own form",
        "",
        "Segments residual enhancing tumour on early post-operative MRI. Research only, not a medical device.",
        "",
        "Install: `nnUNetv2_install_pretrained_model_from_zip " + f"{dataset_name(ensemble.inputs)}.zip`",
        "",
        "Images, all of them on the grid of post-operative T1w-CE, registered to it, and zero outside of the brain:",
        "",
        "| file | holds |",
        "| --- | --- |",
        *files,
        "",
        *([f"Cropped to {ensemble.cropped_to}.", ""] if ensemble.region else []),
        *([told_all(ensemble.definitions).strip(), ""] if ensemble.definitions else []),
        "Predict with every fold, then average the probabilities, as the study does:",
        "",
        "```sh",
        *each,
        merged,
        "```",
        "",
        "`nnUNetv2_predict` with several folds at once averages logits instead, which gives other probabilities.",
        f"The study takes a voxel for tumour from the mean probability {threshold} on, not from 0.5 as nnU-Net does.",
        "The checkpoints are pickles, which can run code when they are loaded: pass them on only with their digests in",
        "manifest.json.",
    ]
    return "\n".join(lines) + "\n"
