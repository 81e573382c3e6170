"""The space in which a patient is built: a coarse grid in RAS+ mm, smooth noise, and soft shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Field = NDArray[np.floating[Any]]
"""A float32 number at each point of the world grid (x, y, z); shapes are signed distances in mm, negative inside."""
Point = tuple[float, float, float]

LOW_MM: Point = (-90.0, -108.0, -88.0)
SIZE_MM: Point = (180.0, 216.0, 168.0)
"""Products of small primes in steps of 1, 2 and 3 mm, for fast Fourier transforms."""


@dataclass(frozen=True)
class World:
    """An isotropic grid of ``step_mm`` that contains the head and some air around it."""

    step_mm: float

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Grid points along x, y, z."""
        x, y, z = (int(size // self.step_mm) for size in SIZE_MM)
        return x, y, z

    @cached_property
    def affine(self) -> NDArray[np.float64]:
        """Affine (4x4) from grid index to RAS+ mm."""
        affine = np.diag([self.step_mm, self.step_mm, self.step_mm, 1.0])
        affine[:3, 3] = LOW_MM
        return affine

    @cached_property
    def axes(self) -> tuple[Field, Field, Field]:
        """Coordinates in mm, shaped to broadcast: (x, 1, 1), (1, y, 1), (1, 1, z)."""
        x, y, z = (
            np.float32(low) + np.arange(n, dtype=np.float32) * np.float32(self.step_mm)
            for low, n in zip(LOW_MM, self.shape, strict=True)
        )
        return x[:, None, None], y[None, :, None], z[None, None, :]

    @property
    def point_ml(self) -> float:
        """Volume of one grid point in ml."""
        return self.step_mm**3 / 1000.0

    def noise(self, rng: np.random.Generator, scale_mm: float) -> Field:
        """Draw Gaussian noise smoothed by a Gaussian of ``scale_mm``, with mean 0 and standard deviation 1.

        Near its zero crossings the value changes by about 1.2 / ``scale_mm`` per mm. It wraps around at the edges.
        """
        spectrum = fft.rfftn(rng.standard_normal(self.shape, dtype=np.float32))
        for axis, n in enumerate(self.shape):
            frequency = fft.rfftfreq(n, self.step_mm) if axis == 2 else fft.fftfreq(n, self.step_mm)
            kernel = np.exp(-2.0 * (np.pi * frequency * scale_mm) ** 2).astype(np.float32)
            spectrum *= np.expand_dims(kernel, [other for other in range(3) if other != axis])
        spectrum[0, 0, 0] = 0.0
        smooth = fft.irfftn(spectrum, s=self.shape)
        return np.asarray(smooth / smooth.std(), dtype=np.float32)

    def ellipsoid(self, centre: Point, radii: Point) -> Field:
        """Compute the signed distance in mm to an ellipsoid (Quilez' approximation, accurate near the surface)."""
        scaled = [(axis - np.float32(c)) / np.float32(r) for axis, c, r in zip(self.axes, centre, radii, strict=True)]
        first = np.sqrt(sum(s**2 for s in scaled))
        second = np.sqrt(sum((s / np.float32(r)) ** 2 for s, r in zip(scaled, radii, strict=True)))
        return np.asarray(first * (first - 1.0) / np.maximum(second, 1e-6), dtype=np.float32)

    def beyond_the_sides(self) -> Field:
        """Compute the signed distance in mm to a box inside the grid, open below, where the neck continues."""
        margin = np.float32(2.0 * self.step_mm)
        x, y, z = ((axis - axis.min() - margin, axis.max() - margin - axis) for axis in self.axes)
        return np.asarray(-np.minimum(np.minimum(np.minimum(*x), np.minimum(*y)), z[1]))

    def distance_to(self, centre: Point) -> Field:
        """Compute the distance in mm to a point."""
        return np.sqrt(sum((axis - np.float32(c)) ** 2 for axis, c in zip(self.axes, centre, strict=True)))


def joined(one: Field, other: Field, blend_mm: float) -> Field:
    """Unite two shapes, rounded over ``blend_mm`` where they meet."""
    overlap = np.clip(0.5 + 0.5 * (other - one) / np.float32(blend_mm), 0.0, 1.0)
    return np.asarray(other + (one - other) * overlap - np.float32(blend_mm) * overlap * (1.0 - overlap))


def soft(distance_mm: Field, edge_mm: float = 2.0) -> Field:
    """Return the share of a point inside a shape: 1 within, 0 outside, a ramp of ``edge_mm`` at its surface."""
    return np.asarray(np.clip(np.float32(0.5) - distance_mm / np.float32(edge_mm), 0.0, 1.0))


def shell(distance_mm: Field, inner_mm: float, outer_mm: float, edge_mm: float = 2.0) -> Field:
    """Return the share of a point between two distances from a shape's surface."""
    return soft(np.maximum(np.float32(inner_mm) - distance_mm, distance_mm - np.float32(outer_mm)), edge_mm)


def level_of_volume(distance_mm: Field, allowed: NDArray[np.bool_], points: int) -> float:
    """Return the level below which ``points`` of the allowed grid points lie (all if there are fewer)."""
    values = distance_mm[allowed]
    rank = min(max(points, 1), values.size - 1)
    return float(np.partition(values, rank)[rank])
