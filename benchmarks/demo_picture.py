"""The README's picture, from a finished demo. Needs matplotlib (the core environment has it).

PYTHONPATH=src .snakemake/conda/<core>/bin/python benchmarks/demo_picture.py demo docs/images/demo.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from residua.images import volumes

COLUMNS = ("T1w-CE", "T1w, registered", "reference (green), inputs A", "reference (green), inputs B")


def draw(study: Path, out: Path, patients: int = 3) -> None:
    """Axial slices of hold-out patients with residual tumour: what the networks see, and what they say."""
    metrics = {inputs: pd.read_parquet(study / f"results/metrics/nnunet/{inputs}.parquet") for inputs in "AB"}
    held_out = metrics["B"][(metrics["B"]["split"] == "test") & (metrics["B"]["reference_ml"] >= 0.175)]
    chosen = list(held_out["patient"])[:patients]
    figure, axes = plt.subplots(len(chosen), 4, figsize=(12, 3.1 * len(chosen)), squeeze=False)
    for row, patient in zip(axes, chosen, strict=True):
        draw_patient(row, study, patient, metrics)
    for axis, title in zip(axes[0], COLUMNS, strict=True):
        axis.set_title(title, fontsize=11)
    figure.tight_layout()
    figure.savefig(out, dpi=80)


def draw_patient(row: np.ndarray, study: Path, patient: str, metrics: dict[str, pd.DataFrame]) -> None:
    """One row: two sequences, then the segmentations with A and with B over the T1w-CE."""
    folder = study / "cohort/images" / patient
    contrast = volumes.load(folder / "post_t1ce.nii.gz").data
    plain = volumes.load(study / f"results/registered/{patient}/post_t1.nii.gz").data
    reference = volumes.load_mask(folder / "residual.nii.gz").data
    level = int(reference.sum(axis=(0, 1)).argmax())
    for axis, image in zip(row, (contrast, plain, contrast, contrast), strict=True):
        axis.imshow(image[:, :, level].T, cmap="gray", origin="lower", vmax=np.percentile(image, 99.7))
        axis.set_axis_off()
    for axis, inputs in zip(row[2:], "AB", strict=True):
        file = study / f"results/segmentations/nnunet/{inputs}/test/{patient}.nii.gz"
        mask = volumes.load_mask(file).data
        axis.contour(reference[:, :, level].T, [0.5], colors="lime", linewidths=1.2)
        if mask[:, :, level].any():
            axis.contour(mask[:, :, level].T, [0.5], colors="red", linewidths=1.2)
        dice = float(metrics[inputs].set_index("patient")["dice"][patient])
        axis.text(2, 2, f"Dice {dice:.2f}", color="white", fontsize=10)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
