"""Draw what lies right under a training head's brain: orbits, sinuses, petrous bones, clivus and pituitary gland.

A skull as thick below the brain as above it, without orbits, taught the network to end the frontal lobes too early.
Places are those of the MNI152 template, brought to the world as its brain is.
"""

from __future__ import annotations

import numpy as np

from residua.simulate.anatomy import Layer
from residua.simulate.world import Field, Point, World, soft

_SHIFT_MM = (2.0, 3.5, 4.0)
"""Standard deviations of the places along x, y, z: the same brain lies higher or lower above the face."""
_SIZE = 0.10
"""Standard deviation of the sizes' logarithm."""
_ROOF_MM = (2.5, 6.0)
"""Fluid, dura and bone between the brain and an orbit or a sinus, in the units of the distances to the brain."""
_FRONTAL_SINUS, _SPHENOID_SINUS, _GLAND = 0.8, 0.8, 0.7
"""Shares of the heads that have one."""


class _Base:
    """Shapes with a head's own shift and size, between the bone on its brain and its skin."""

    def __init__(self, world: World, rng: np.random.Generator, around_mm: Field, below_the_skin: Field) -> None:
        self._world, self._rng, self._below_the_skin = world, rng, below_the_skin
        self._shift = rng.normal(0.0, _SHIFT_MM)
        self._outside_mm = np.float32(rng.uniform(*_ROOF_MM)) - around_mm

    def ellipsoid(self, centre: Point, radii: Point) -> Field:
        """Return the share of each point in an ellipsoid of about this place and size.

        It ends at the bone on the brain and at the skin.
        """
        x, y, z = (float(place) for place in np.array(centre) + self._shift)
        a, b, c = (float(radius) for radius in np.array(radii) * np.exp(self._rng.normal(0.0, _SIZE)))
        shape = self._world.ellipsoid((x, y, z), (a, b, c))
        return soft(np.maximum(shape, self._outside_mm)) * self._below_the_skin

    def strands(self, scale_mm: float, width: float) -> Field:
        """Return the share of each point in thin sheets."""
        return soft(np.abs(self._world.noise(self._rng, scale_mm)) * np.float32(5.0) - np.float32(width))


def skull_base(world: World, rng: np.random.Generator, around_mm: Field, below_the_skin: Field) -> list[Layer]:
    """Return the layers of the skull base and the orbits; they lie over the skull and under the brain.

    ``around_mm`` are the distances to the brain from which its skull was drawn, ``below_the_skin`` the share of each
    point that lies under the skin.
    """
    base = _Base(world, rng, around_mm, below_the_skin)
    layers = [*_orbits(base), *_airways(base, rng), *_middle(base, rng)]
    for side in (-1, 1):
        petrous = base.ellipsoid((side * 46.0, -14.0, -52.0), (15.0, 20.0, 13.0))
        layers += [("bone", petrous), ("air", petrous * base.strands(4.0, 1.5))]
    return layers


def _orbits(base: _Base) -> list[Layer]:
    layers: list[Layer] = []
    for side in (-1, 1):
        orbit = base.ellipsoid((side * 28.0, 57.0, -44.0), (15.0, 25.0, 15.0))
        layers += [("fat", orbit), ("muscle", orbit * base.strands(5.0, 0.8))]
        layers.append(("eye", base.ellipsoid((side * 30.0, 71.0, -46.0), (11.5, 11.5, 11.5))))
    return layers


def _airways(base: _Base, rng: np.random.Generator) -> list[Layer]:
    ethmoid = base.ellipsoid((0.0, 54.0, -46.0), (11.0, 24.0, 16.0))
    layers = [("air", ethmoid), ("muscle", ethmoid * base.strands(4.0, 0.8))]
    if rng.random() < _SPHENOID_SINUS:
        layers.append(("air", base.ellipsoid((0.0, 30.0, -50.0), (13.0, 12.0, 10.0))))
    if rng.random() < _FRONTAL_SINUS:
        layers.append(("air", base.ellipsoid((0.0, 84.0, -20.0), (22.0, 9.0, 13.0))))
    return layers


def _middle(base: _Base, rng: np.random.Generator) -> list[Layer]:
    layers = [("marrow", base.ellipsoid((0.0, 13.0, -60.0), (10.0, 8.0, 15.0)))]
    if rng.random() < _GLAND:
        layers.append(("vessel", base.ellipsoid((0.0, 24.0, -39.0), (14.0, 8.0, 6.0))))
    return layers
