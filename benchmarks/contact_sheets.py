"""A contact sheet per hospital of a simulated cohort: each sequence and the truth, in an axial and a coronal slice.

Needs matplotlib (the core environment has it) and a cohort simulated like table1:

    residua simulate --like table1 --patients 24 --seed 1 --out build/table1
    export PYTHONPATH=src
    .snakemake/conda/<core>/bin/python benchmarks/contact_sheets.py build/table1 docs/images/contact_sheets
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.simulate.tissues import CODES
from residua.simulate.truth import true_places

SEQUENCES = {
    "pre_t1ce": "T1w-CE before surgery",
    "post_t1ce": "T1w-CE",
    "post_t1": "T1w",
    "post_flair": "FLAIR",
}
PLANES = {"axial": (0, 1, 2), "coronal": (0, 2, 1)}
COLOURS = {
    "csf": "#31465f", "gm": "#8d8d8d", "wm": "#d6d6d6", "oedema": "#7fb3d5", "cavity": "#1b1b3a", "wall": "#b08d57",
    "tumor": "#2ca02c", "blood": "#d62728", "air": "#000000", "vessel": "#ff7f0e", "dura": "#9467bd", "bone": "#4a3b32",
    "marrow": "#6b5848", "fat": "#f7dc6f", "muscle": "#7b241c", "skin": "#e5b7a0", "eye": "#5dade2",
    "necrosis": "#555555", "pia": "#f7b6d2", "infiltrated": "#98df8a",
}  # fmt: skip
LEGEND = ("tumor", "infiltrated", "blood", "cavity", "wall", "oedema", "vessel", "pia", "dura", "bone")
HALF_MM = 97.0


def draw(cohort: Path, out: Path) -> None:
    """One file per hospital: its first patient with residual tumour and all sequences."""
    rows = pd.read_csv(cohort / "cohort.tsv", sep="\t", dtype=str, keep_default_na=False)
    complete = rows[(rows[list(SEQUENCES)] != "").all(axis=1)]
    out.mkdir(parents=True, exist_ok=True)
    for hospital, patients in complete.groupby("hospital"):
        voxels = [volumes.load_mask(cohort / file).data.sum() for file in patients["residual"]]
        sheet(cohort, patients.iloc[int(np.argmax(np.array(voxels) > 0))], out / f"{hospital}.jpg")


def sheet(cohort: Path, row: pd.Series, out: Path) -> None:
    """Five columns, two planes, through the middle of what lies along the cavity."""
    truth = cohort / "truth" / row["patient"]
    remains = volumes.load_mask(cohort / row["residual"]).data | volumes.load_mask(truth / "blood.nii.gz").data
    if not remains.any():
        remains = volumes.load_mask(truth / "cavity.nii.gz").data
    reference = volumes.load_grid(cohort / row["post_t1ce"])
    levels = remains.sum(axis=(0, 1)), remains.sum(axis=(0, 2))
    middle = np.argwhere(remains).mean(axis=0)
    point = nib.affines.apply_affine(reference.affine, (middle[0], levels[1].argmax(), levels[0].argmax()))
    figure, axes = plt.subplots(
        2, 5, figsize=(12.5, 5.6), facecolor="black", gridspec_kw={"wspace": 0.02, "hspace": 0.02}
    )
    for column, (sequence, title) in zip(axes.T, SEQUENCES.items(), strict=False):
        image = volumes.load(cohort / row[sequence])
        place = point if sequence == "post_t1ce" else true_places(truth, sequence, point[None])[0]
        for axis, plane in zip(column, PLANES, strict=True):
            grey(axis, image, place, plane)
        column[0].set_title(f"{title}\n{millimetres(image.grid)}", color="white", fontsize=8)
    labels = volumes.load(truth / "tissues.nii.gz")
    for axis, plane in zip(axes[:, 4], PLANES, strict=True):
        coloured(axis, labels, point, plane)
    axes[0, 4].set_title("truth\n\non the grid of the T1w-CE", color="white", fontsize=8)
    handles = [Patch(color=COLOURS[tissue], label=tissue) for tissue in LEGEND]
    figure.legend(handles=handles, loc="lower center", fontsize=8, ncols=8, frameon=False, labelcolor="white")
    scanner = f"{row['hospital']}, simulated: {row['manufacturer']}, {row['field_strength_t']} T"
    figure.suptitle(scanner, color="white", fontsize=11, y=1.02)
    figure.savefig(out, dpi=90, bbox_inches="tight", facecolor="black", pil_kwargs={"quality": 80})
    plt.close(figure)


def cut(image: Image, point: np.ndarray, plane: str) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Return the slice of a plane nearest to a point, and where it lies around that point, in mm."""
    across, up, through = PLANES[plane]
    index = nib.affines.apply_affine(np.linalg.inv(image.grid.affine), point)
    level = int(np.clip(round(index[through]), 0, image.data.shape[through] - 1))
    picture = np.take(image.data, level, axis=through)
    ends = [
        (image.grid.spacing_mm[axis] * (-0.5 - index[axis]), image.grid.spacing_mm[axis] * (n - 0.5 - index[axis]))
        for axis, n in ((across, picture.shape[0]), (up, picture.shape[1]))
    ]
    return picture.T, (*ends[0], *ends[1])


def framed(axis: Axes, point: np.ndarray, plane: str) -> None:
    """Show the whole head, wherever the slice was taken."""
    across, up, _ = PLANES[plane]
    axis.set_xlim(-HALF_MM - point[across], HALF_MM - point[across])
    axis.set_ylim(-HALF_MM - point[up], HALF_MM - point[up])
    axis.set_facecolor("black")
    axis.set_xticks([])
    axis.set_yticks([])


def grey(axis: Axes, image: Image, point: np.ndarray, plane: str) -> None:
    """Draw a slice as a reader sees it."""
    picture, extent = cut(image, point, plane)
    bright = np.percentile(image.data[image.data > np.percentile(image.data, 60)], 99.3)
    axis.imshow(picture, cmap="gray", origin="lower", extent=extent, vmin=0, vmax=bright, interpolation="nearest")
    framed(axis, point, plane)


def coloured(axis: Axes, labels: Image, point: np.ndarray, plane: str) -> None:
    """Draw a slice of the truth."""
    picture, extent = cut(labels, point, plane)
    colours = ListedColormap(["black", *(COLOURS[tissue] for tissue in CODES)])
    axis.imshow(
        picture, cmap=colours, origin="lower", extent=extent, vmin=-0.5, vmax=len(CODES) + 0.5, interpolation="nearest"
    )
    framed(axis, point, plane)


def millimetres(grid: Grid) -> str:
    """Voxels and their sizes."""
    return "×".join(map(str, grid.shape)) + "\n" + "×".join(f"{step:.2g}" for step in grid.spacing_mm) + " mm"


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
