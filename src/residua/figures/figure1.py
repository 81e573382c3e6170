"""Draw Figure 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from residua.figures.examples import Candidate, Example, caption, choose_examples, outline_of
from residua.figures.panels import mark_sides, outline, scale_bar, show_slice
from residua.figures.slices import FieldOfView, field_around, picture, resized
from residua.figures.style import ANNOTATION, FAINT, FigureFiles, new_figure, save_figure
from residua.images import volumes
from residua.images.display import tissue_of, window
from residua.words import title_of

_TILE_MM, _LEFT_MM, _TOP_MM, _BETWEEN_MM, _BESIDE_MM = 42.0, 9.0, 6.0, 3.5, 0.8
_MARGIN_MM = 5.0


@dataclass(frozen=True)
class _Tile:
    """One slice of one sequence."""

    pixels: NDArray[Any]
    mask: NDArray[np.bool_]
    pixel_mm: tuple[float, float]
    window: tuple[float, float]
    field: FieldOfView


def figure1(
    candidates: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    labels: Mapping[str, str],
    out: FigureFiles,
) -> None:
    """Choose one candidate of each hospital, draw a row of slices for each, and save the figure.

    ``candidates`` are the fields of ``Candidate``; ``labels`` names the label outlined on a column.
    """
    offered = [Candidate(**candidate) for candidate in candidates]
    examples = choose_examples(offered)
    rows = [[_tile(example, column) for column in columns] for example in examples]
    figure = _drawn(rows, examples, [title_of(column) for column in columns])
    save_figure(figure, caption(examples, columns, labels, len(offered)), out)


def _tile(example: Example, column: str) -> _Tile:
    image = volumes.load(example.candidate.images[column])
    x, y, _ = image.grid.spacing_mm
    brain = volumes.load_mask(example.candidate.brain).data
    tissue = picture(tissue_of(image.data, brain), example.level)
    mask = outline_of(example.candidate, column, image.data.shape)
    return _Tile(
        pixels=picture(image.data, example.level),
        mask=picture(mask, example.level),
        pixel_mm=(x, y),
        window=window(image.data, brain, mask),
        field=field_around(tissue, (x, y), _MARGIN_MM),
    )


def _drawn(rows: Sequence[Sequence[_Tile]], examples: Sequence[Example], titles: Sequence[str]) -> Figure:
    if not rows:
        figure = new_figure(_LEFT_MM + len(titles) * (_TILE_MM + _BESIDE_MM), _TILE_MM)
        figure.text(0.5, 0.5, "No patient has every sequence", ha="center", va="center")
        return figure
    # One scale for all, and one field per row, since its columns lie on one grid: that of the reference sequence.
    width, height = max(row[0].field.width_mm for row in rows), max(row[0].field.height_mm for row in rows)
    tall = _TILE_MM * height / width
    total = (_LEFT_MM + len(titles) * (_TILE_MM + _BESIDE_MM), _TOP_MM + len(rows) * (tall + _BETWEEN_MM))
    figure = new_figure(*total)
    for i, (row, example) in enumerate(zip(rows, examples, strict=True)):
        bottom = total[1] - _TOP_MM - (i + 1) * tall - i * _BETWEEN_MM
        for j, tile in enumerate(row):
            left = _LEFT_MM + j * (_TILE_MM + _BESIDE_MM)
            axes = figure.add_axes((left / total[0], bottom / total[1], _TILE_MM / total[0], tall / total[1]))
            show_slice(axes, tile.pixels, tile.pixel_mm, tile.window, resized(row[0].field, width, height))
            outline(axes, tile.mask, tile.pixel_mm, ANNOTATION, 0.9)
            if j == 0:
                mark_sides(axes)
                scale_bar(axes, 20)
            if i == 0:
                axes.set_title(titles[j], pad=3)
        middle = (bottom + tall / 2) / total[1]
        text = f"Patient {i + 1}\n{example.candidate.hospital}"
        figure.text(_LEFT_MM / 2 / total[0], middle, text, rotation=90, ha="center", va="center", linespacing=1.4)
        if i:
            level = (bottom + tall + _BETWEEN_MM / 2) / total[1]
            line = Line2D([0, 1], [level, level], color=FAINT, linewidth=0.7, linestyle=(0, (4, 3)))
            figure.add_artist(line)
    return figure
