"""The overlap of two masks in space: their surfaces by marching cubes, translucent, lit from the upper left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from scipy import sparse
from skimage.measure import marching_cubes

Frame = tuple[float, float, float, float]
"""A square in the view: left, right, bottom and top in mm."""

_ELEVATION_DEGREES, _TURN_DEGREES = 20.0, 25.0
_LIGHT = np.array([-0.5, 0.7, 0.5]) / np.linalg.norm([-0.5, 0.7, 0.5])
"""Towards the light, along right, up and the viewer."""
_SUPERSAMPLING = 2
_STEP_PIXELS = 0.7
"""Distance of the points by which a triangle is drawn: less than a pixel, so that none is missed."""


@dataclass(frozen=True)
class Surface:
    """A mesh as the viewer sees it: points (n, 3) in mm right, up and near, normals (n, 3) and triangles (m, 3)."""

    points_mm: NDArray[np.float64]
    normals: NDArray[np.float64]
    faces: NDArray[np.int_]


def surface(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> Surface:
    """Return the surface of a mask (x, y, z in RAS+), seen from the front and above; empty for an empty mask.

    The patient's right is at the left, as in the slices. No component is lost: only the mesh is smoothed.
    """
    if not mask.any():
        return Surface(np.empty((0, 3)), np.empty((0, 3)), np.empty((0, 3), dtype=int))
    framed = np.pad(mask, 1).astype(np.float32)
    # "ascent": corners counter-clockwise as seen from outside, so that normals point outwards.
    vertices, faces, _, _ = marching_cubes(framed, 0.5, spacing=spacing_mm, gradient_direction="ascent")
    points = _smoothed(vertices.astype(np.float64), faces) @ _view().T
    of_faces = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], of_faces)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Surface(points, normals, faces)


def _view() -> NDArray[np.float64]:
    """Return the rotation from RAS+ to right, up and towards the viewer, who faces the patient."""
    turn, lift = np.deg2rad(_TURN_DEGREES), np.deg2rad(_ELEVATION_DEGREES)
    facing = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
    about_up = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    about_right = np.array([[1, 0, 0], [0, np.cos(lift), -np.sin(lift)], [0, np.sin(lift), np.cos(lift)]])
    return np.asarray(about_right @ about_up @ facing)


def _smoothed(vertices: NDArray[np.float64], faces: NDArray[np.int_], rounds: int = 8) -> NDArray[np.float64]:
    """Smooth as Taubin (1995): vertices move to the mean of their neighbours and back, which keeps the volume."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    links = sparse.coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(vertices),) * 2).tocsr()
    links.data[:] = 1.0
    neighbours = np.maximum(links.sum(axis=1), 1)[:, None]
    for _ in range(rounds):
        for share in (0.5, -0.53):
            vertices = vertices + share * (links @ vertices / neighbours - vertices)
    return vertices


def frame_of(surfaces: Sequence[Surface], margin: float = 0.16) -> Frame:
    """Return a square around all surfaces, with a margin on each side; 10 mm wide without surfaces."""
    points = np.concatenate([shape.points_mm[:, :2] for shape in surfaces])
    if not len(points):
        return -5.0, 5.0, -5.0, 5.0
    low, high = points.min(axis=0), points.max(axis=0)
    (across, up), half = (low + high) / 2, max((high - low).max(), 1.0) * (0.5 + margin)
    return float(across - half), float(across + half), float(up - half), float(up + half)


@dataclass(frozen=True)
class Layer:
    """A surface seen through each pixel of a square image: depth (-inf: nothing), brightness and opacity."""

    depth: NDArray[np.float64]
    brightness: NDArray[np.float64]
    opacity: NDArray[np.float64]


def layer(shape: Surface, frame: Frame, pixels: int) -> Layer:
    """Render the nearest side of a surface as an image of ``frame``, the top row first."""
    size = pixels * _SUPERSAMPLING
    facing = np.clip(shape.normals[:, 2], 0, 1)
    brightness = 0.4 + 0.5 * np.clip(shape.normals @ _LIGHT, 0, 1) + 0.1 * facing
    # Like glass, a surface is denser at its rim.
    opacity = 0.45 + 0.4 * (1 - facing) ** 2
    scale = size / (frame[1] - frame[0])
    columns, rows = (shape.points_mm[:, 0] - frame[0]) * scale, (frame[3] - shape.points_mm[:, 1]) * scale
    corners = np.column_stack([columns, rows, shape.points_mm[:, 2], brightness, opacity])[shape.faces]
    points = _points_of(corners[_towards_viewer(corners)])
    pixel = np.floor(points[:, :2]).astype(np.intp)
    inside = ((pixel >= 0) & (pixel < size)).all(axis=1)
    place, points = pixel[inside, 1] * size + pixel[inside, 0], points[inside]
    order = np.argsort(points[:, 2], kind="stable")
    nearest = np.full((size * size, 3), (-np.inf, 0.0, 0.0))
    # Of several points in a pixel the last one written stays: the nearest.
    nearest[place[order]] = points[order, 2:]
    return Layer(*nearest.reshape(size, size, 3).transpose(2, 0, 1))


def _towards_viewer(corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Select triangles (m, 3, …) whose outer side faces the viewer; rows of pixels count downwards."""
    first, second = corners[:, 1, :2] - corners[:, 0, :2], corners[:, 2, :2] - corners[:, 0, :2]
    return np.asarray(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0)


def composed(lower: Layer, upper: Layer, colours: tuple[str, str]) -> NDArray[np.uint8]:
    """Compose both layers in their colours as an RGBA image; the nearer one covers the other."""
    nearer = upper.depth >= lower.depth
    painted = [(shape, np.array(to_rgb(colour))) for shape, colour in zip((lower, upper), colours, strict=True)]
    colour, alpha = np.zeros((*nearer.shape, 3)), np.zeros((*nearer.shape, 1))
    for behind in (True, False):
        for shape, rgb, on in ((*painted[0], nearer == behind), (*painted[1], nearer != behind)):
            opacity = np.where(on, shape.opacity, 0.0)[..., None]
            colour = opacity * rgb * shape.brightness[..., None] + (1 - opacity) * colour
            alpha = opacity + (1 - opacity) * alpha
    return _reduced(colour, alpha)


def _points_of(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cover triangles (m, 3, 5), whose first two values are pixels, with points (n, 5) on barycentric grids."""
    if not len(corners):
        return np.empty((0, corners.shape[-1]))
    sides = np.linalg.norm(corners[:, :, :2] - np.roll(corners[:, :, :2], 1, axis=1), axis=2).max(axis=1)
    steps = np.maximum(np.ceil(sides / _STEP_PIXELS).astype(int), 1)
    points = []
    for count in np.unique(steps):
        first, second = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
        first, second = first[first + second <= count], second[first + second <= count]
        weights = np.column_stack([first, second, count - first - second]) / count
        points.append(np.einsum("wc,tcv->twv", weights, corners[steps == count]).reshape(-1, corners.shape[-1]))
    return np.concatenate(points)


def _reduced(colour: NDArray[np.float64], alpha: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Average each square of pixels; ``colour`` is already weighted by its opacity."""
    side = colour.shape[0] // _SUPERSAMPLING
    blocks = np.concatenate([colour, alpha], axis=-1).reshape(side, _SUPERSAMPLING, side, _SUPERSAMPLING, 4)
    mean = blocks.mean(axis=(1, 3))
    rgb = mean[..., :3] / np.maximum(mean[..., 3:], 1e-6)
    return np.asarray((255 * np.concatenate([rgb, mean[..., 3:]], axis=-1)).round(), dtype=np.uint8)
