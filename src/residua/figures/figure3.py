"""Draw Figure 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from residua.figures.comparison import Ranked, caption, choose_patients
from residua.figures.panels import bare, mark_sides, note, outline, scale_bar, show_slice
from residua.figures.slices import FieldOfView, busiest_level, field_around, picture, resized
from residua.figures.style import PREDICTION, REFERENCE, FigureFiles, new_figure, save_figure
from residua.figures.surfaces import composed, frame_of, layer, surface
from residua.images import volumes
from residua.images.display import tissue_of, window
from residua.publishing.publish import verified
from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs

_TILE_MM, _LEFT_MM, _TOP_MM, _GAP_MM, _PAIR_GAP_MM = 41.0, 9.0, 7.0, 1.0, 3.0
_MARGIN_MM, _SMALLEST_MM = 12.0, 60.0
_PIXELS = 480


@dataclass(frozen=True)
class _Row:
    """One row: a slice, the masks on it and in space, networks in the order of the columns."""

    ranked: Ranked
    pixels: NDArray[Any]
    pixel_mm: tuple[float, float]
    window: tuple[float, float]
    tissue: NDArray[np.bool_]
    level: int
    spacing_mm: tuple[float, float, float]
    reference: NDArray[np.bool_]
    predictions: Mapping[str, NDArray[np.bool_]]


def figure3(
    cases: pd.DataFrame,
    choice: Mapping[str, str],
    classification: Classification,
    files: Mapping[str, tuple[str, str, str]],
    manifests: Mapping[tuple[str, str], str],
    labels: Mapping[str, str],
    out: FigureFiles,
) -> None:
    """Choose hold-out patients, draw a row for each, and save the figure.

    ``cases`` are the metrics and ``choice`` the study's best input configurations for segmentation. ``files`` gives
    T1w-CE, reference standard and brain mask by patient, ``manifests`` the hold-out segmentations by network and input
    configuration, ``labels`` the names of the networks.
    """
    inputs = best_inputs(cases, choice, "segmentation", classification)
    shown = pd.concat([cases[(cases["arch"] == arch) & (cases["inputs"] == name)] for arch, name in inputs.items()])
    chosen = choose_patients(shown, classification.residual_tumor_ml)
    masks = {arch: verified(manifests[arch, name], _files_of(chosen)) for arch, name in inputs.items()}
    rows = [_row(ranked, files[ranked.patient], masks) for ranked in chosen]
    names = {arch: f"{labels.get(arch, arch)} · inputs {name}" for arch, name in inputs.items()}
    save_figure(_drawn(rows, names), caption(chosen, inputs, labels, classification.residual_tumor_ml), out)


def _files_of(chosen: Sequence[Ranked]) -> Callable[[str], bool]:
    wanted = {f"{ranked.patient}.nii.gz" for ranked in chosen}
    return lambda name: name in wanted


def _row(ranked: Ranked, files: tuple[str, str, str], masks: Mapping[str, Mapping[str, Any]]) -> _Row:
    image = volumes.load(files[0])
    reference, brain = (volumes.load_mask(file) for file in files[1:])
    predictions = {arch: volumes.load_mask(found[f"{ranked.patient}.nii.gz"]) for arch, found in masks.items()}
    level = busiest_level(reference.data)
    x, y, _ = image.grid.spacing_mm
    return _Row(
        ranked=ranked,
        pixels=picture(image.data, level),
        pixel_mm=(x, y),
        window=window(image.data, brain.data, reference.data),
        tissue=picture(tissue_of(image.data, brain.data), level),
        level=level,
        spacing_mm=image.grid.spacing_mm,
        reference=reference.data,
        predictions={arch: mask.data for arch, mask in predictions.items()},
    )


def _drawn(rows: Sequence[_Row], names: Mapping[str, str]) -> Figure:
    pair = 2 * _TILE_MM + _GAP_MM
    width = _LEFT_MM + len(names) * (pair + _PAIR_GAP_MM) - _PAIR_GAP_MM
    height = _TOP_MM + max(len(rows), 1) * (_TILE_MM + _GAP_MM)
    figure = new_figure(width, height)
    if not rows:
        figure.text(0.5, 0.5, "No hold-out patient has residual tumour", ha="center", va="center")
    for i, row in enumerate(rows):
        bottom = height - _TOP_MM - (i + 1) * _TILE_MM - i * _GAP_MM
        text = f"Patient {i + 1}\nrank {row.ranked.rank} of {row.ranked.of}"
        middle = (bottom + _TILE_MM / 2) / height
        figure.text(_LEFT_MM / 2 / width, middle, text, rotation=90, ha="center", va="center", linespacing=1.4)
        bodies = {arch: surface(mask, row.spacing_mm) for arch, mask in row.predictions.items()}
        body = surface(row.reference, row.spacing_mm)
        frame = frame_of([body, *bodies.values()])
        manual = layer(body, frame, _PIXELS)
        for j, (arch, name) in enumerate(names.items()):
            left = _LEFT_MM + j * (pair + _PAIR_GAP_MM)
            flat = _axes(figure, left, bottom, _TILE_MM)
            _draw_slice(flat, row, arch)
            solid = _axes(figure, left + _TILE_MM + _GAP_MM, bottom, _TILE_MM)
            overlap = composed(manual, layer(bodies[arch], frame, _PIXELS), (REFERENCE, PREDICTION))
            _draw_solid(solid, overlap, frame, bool(row.predictions[arch].any()))
            if i == 0:
                middle = (left + pair / 2) / width
                figure.text(middle, 1 - _TOP_MM / 2 / height, name, ha="center", va="center", fontsize=8)
    return figure


def _axes(figure: Figure, left: float, bottom: float, size: float) -> Axes:
    width, height = figure.get_size_inches() * 25.4
    return figure.add_axes((left / width, bottom / height, size / width, size / height))


def _draw_slice(axes: Axes, row: _Row, arch: str) -> None:
    reference = picture(row.reference, row.level)
    around = field_around(reference, row.pixel_mm, _MARGIN_MM)
    side = max(around.width_mm, around.height_mm, _SMALLEST_MM)
    field = resized(around, side, side)
    show_slice(axes, row.pixels, row.pixel_mm, row.window, field)
    outline(axes, reference, row.pixel_mm, REFERENCE, 1.4)
    outline(axes, picture(row.predictions[arch], row.level), row.pixel_mm, PREDICTION, 0.9)
    note(axes, 0.04, 0.04, f"Dice {100 * row.ranked.dice[arch]:.1f} %", size=7.5, ha="left", va="bottom")
    mark_sides(axes)
    scale_bar(axes, 10)
    _draw_locator(axes, row, field)


def _draw_locator(axes: Axes, row: _Row, field: FieldOfView) -> None:
    inset = axes.inset_axes((0.72, 0.66, 0.26, 0.26))
    whole = field_around(row.tissue, row.pixel_mm, 3.0)
    side = max(whole.width_mm, whole.height_mm)
    show_slice(inset, row.pixels, row.pixel_mm, row.window, resized(whole, side, side))
    corner = (field.centre_mm[0] - field.width_mm / 2, field.centre_mm[1] - field.height_mm / 2)
    inset.add_patch(Rectangle(corner, field.width_mm, field.height_mm, fill=False, edgecolor="white", linewidth=0.7))


def _draw_solid(
    axes: Axes, image: NDArray[np.uint8], frame: tuple[float, float, float, float], predicted: bool
) -> None:
    bare(axes)
    axes.set_facecolor("#f4f4f4")
    axes.imshow(image, extent=frame, aspect="equal", interpolation="antialiased")
    axes.set_xlim(frame[0], frame[1])
    axes.set_ylim(frame[2], frame[3])
    scale_bar(axes, 10, colour="#444444")
    axes.text(0.03, 0.97, "R", transform=axes.transAxes, color="#444444", fontsize=6.5, ha="left", va="top")
    axes.text(0.97, 0.97, "L", transform=axes.transAxes, color="#444444", fontsize=6.5, ha="right", va="top")
    if not predicted:
        axes.text(0.5, 0.97, "nothing segmented", transform=axes.transAxes, color="#444444", ha="center", va="top")
