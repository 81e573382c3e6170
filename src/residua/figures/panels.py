"""Parts of the figures with images: a slice, outlines on it, sides and a scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from residua.figures.slices import FieldOfView

_HALO = [withStroke(linewidth=1.6, foreground="black")]


def show_slice(
    axes: Axes, pixels: NDArray[Any], pixel_mm: tuple[float, float], window: tuple[float, float], field: FieldOfView
) -> None:
    """Draw a picture in mm, so that pixels of any shape keep their proportions, and show ``field`` of it."""
    height, width = pixels.shape[0] * pixel_mm[1], pixels.shape[1] * pixel_mm[0]
    axes.set_facecolor("black")
    axes.imshow(pixels, cmap="gray", vmin=window[0], vmax=window[1], extent=(0, width, height, 0), aspect="equal")
    column, row = field.centre_mm
    axes.set_xlim(column - field.width_mm / 2, column + field.width_mm / 2)
    axes.set_ylim(row + field.height_mm / 2, row - field.height_mm / 2)
    bare(axes)


def bare(axes: Axes) -> None:
    """Remove ticks and frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def outline(axes: Axes, mask: NDArray[np.bool_], pixel_mm: tuple[float, float], colour: str, width: float) -> None:
    """Draw the border of a mask (a picture); nothing for an empty mask."""
    if not mask.any():
        return
    framed = np.pad(mask.astype(float), 1)
    rows, columns = framed.shape
    across, down = (np.arange(columns) - 0.5) * pixel_mm[0], (np.arange(rows) - 0.5) * pixel_mm[1]
    axes.contour(across, down, framed, levels=[0.5], colors=[colour], linewidths=[width])


def note(axes: Axes, x: float, y: float, text: str, size: float = 6.5, **options: Any) -> None:
    """Write white text with a dark rim at a place in fractions of the axes."""
    axes.text(x, y, text, transform=axes.transAxes, color="white", fontsize=size, path_effects=_HALO, **options)


def mark_sides(axes: Axes) -> None:
    """Write R and L of the patient in the upper corners of a slice."""
    note(axes, 0.03, 0.97, "R", ha="left", va="top")
    note(axes, 0.97, 0.97, "L", ha="right", va="top")


def scale_bar(axes: Axes, length_mm: float, colour: str = "white") -> None:
    """Draw a bar of ``length_mm`` with its length at the lower right of axes in mm.

    Both end at one place: words centred over a short bar would leave the axes.
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    end, level = right - 0.05 * (right - left), bottom + 0.05 * (top - bottom)
    axes.plot([end - length_mm, end], [level, level], color=colour, linewidth=1.5, solid_capstyle="butt")
    effects = _HALO if colour == "white" else None
    axes.text(
        end,
        level + 0.02 * (top - bottom),
        f"{length_mm:g} mm",
        color=colour,
        fontsize=5.5,
        ha="right",
        va="bottom",
        path_effects=effects,
    )
