"""A head: brain with folds, ventricles and cerebellum, in fluid, skull, fat, muscle and skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from residua.simulate.world import Field, World, joined, shell, soft

Layer = tuple[str, Field]
"""A tissue and the share of each point that it covers; later layers cover earlier ones."""


@dataclass(frozen=True)
class Head:
    """The layers of a head without disease, and the shapes that surgery needs (signed distances in mm)."""

    layers: list[Layer]
    brain_mm: Field
    ventricles_mm: Field
    midline_mm: Field


def build_head(world: World, rng: np.random.Generator) -> Head:
    """A head with random size, asymmetry and folds."""
    width, length, height = rng.uniform(0.95, 1.03, 3)
    brain = _brain(world, rng, width, length, height)
    hull = _hull(world, brain)
    # The falx is not flat: a bend that differs from patient to patient breaks the symmetry of left and right.
    midline = world.axes[0] - np.float32(2.0) * world.noise(rng, 30.0)
    ventricles = _ventricles(world, rng, midline)
    outside = _outside_the_brain(world, rng, brain, hull)
    inside = _inside_the_brain(world, rng, brain, midline, ventricles)
    return Head([*outside, *inside, *_vessels(world, rng, brain, midline)], brain, ventricles, midline)


def _brain(world: World, rng: np.random.Generator, width: float, length: float, height: float) -> Field:
    brain: Field | None = None
    for side in (-1, 1):
        # Flat below, domed above: the lower half is a shallower ellipsoid that meets the upper at its equator.
        upper = world.ellipsoid((side * 22.0, 0.0, 10.0), (41.0 * width, 77.0 * length, 48.0 * height))
        lower = world.ellipsoid((side * 22.0, 0.0, 10.0), (41.0 * width, 77.0 * length, 32.0 * height))
        half = np.where(world.axes[2] > 10.0, upper, lower)
        lobe = world.ellipsoid((side * 40.0 * width, 14.0, -20.0), (20.0, 36.0 * length, 18.0))
        half = joined(half, lobe, 14.0)
        brain = half if brain is None else joined(brain, half, 6.0)
    assert brain is not None
    brain = joined(brain, world.ellipsoid((0.0, -42.0 * length, -32.0), (48.0 * width, 31.0, 24.0)), 18.0)
    brain = joined(brain, world.ellipsoid((0.0, -16.0, -42.0), (13.0, 15.0, 34.0)), 8.0)
    return brain + np.float32(1.5) * world.noise(rng, 22.0)


def _hull(world: World, brain: Field) -> Field:
    face = world.ellipsoid((0.0, 42.0, -44.0), (50.0, 42.0, 48.0))
    neck = world.ellipsoid((0.0, -16.0, -84.0), (50.0, 58.0, 60.0))
    return joined(joined(brain - np.float32(13.0), face, 20.0), neck, 20.0)


def _ventricles(world: World, rng: np.random.Generator, midline: Field) -> Field:
    size = rng.uniform(0.75, 1.25)
    third = np.maximum(np.abs(midline) - np.float32(2.0), world.ellipsoid((0.0, 2.0, 2.0), (8.0, 14.0, 12.0)))
    fourth = world.ellipsoid((0.0, -28.0, -32.0), (6.0, 4.0, 9.0))
    spaces = np.minimum(third, fourth)
    for side in (-1, 1):
        body = world.ellipsoid((side * 10.0, 4.0, 15.0), (5.5 * size, 30.0, 7.0 * size))
        horn = world.ellipsoid((side * 22.0, -30.0, 6.0), (6.0 * size, 18.0, 8.0 * size))
        spaces = np.minimum(spaces, joined(body, horn, 6.0))
    return np.asarray(spaces + np.float32(1.0) * world.noise(rng, 10.0))


def _outside_the_brain(world: World, rng: np.random.Generator, brain: Field, hull: Field) -> list[Layer]:
    layers = [("skin", soft(hull)), ("fat", soft(hull + 1.5)), ("muscle", soft(np.maximum(hull + 6.0, 9.5 - brain)))]
    strands = np.abs(world.noise(rng, 7.0))
    layers.append(("fat", soft((strands - 0.40) * 6.0) * soft(np.maximum(hull + 6.0, 11.0 - brain))))
    below_the_brow = soft(world.axes[2] + np.float32(8.0), 20.0)
    layers.append(("bone", soft(np.abs(world.noise(rng, 6.0)) * 5.0 - 2.0) * soft(hull + 8.0) * below_the_brow))
    for side in (-1, 1):
        layers.append(("fat", soft(world.ellipsoid((side * 30.0, 64.0, -24.0), (17.0, 19.0, 15.0)))))
        layers.append(("eye", soft(world.ellipsoid((side * 30.0, 70.0, -24.0), (11.5, 11.5, 11.5)))))
    for centre, radii in (((0.0, 60.0, -44.0), (11.0, 20.0, 18.0)), ((0.0, 28.0, -66.0), (10.0, 10.0, 26.0))):
        layers.append(("air", soft(world.ellipsoid(centre, radii) + np.float32(2.0) * world.noise(rng, 5.0))))
    thickness = np.float32(6.5) + np.float32(0.8) * world.noise(rng, 18.0)
    layers.append(("bone", soft(brain - (np.float32(3.0) + thickness))))
    layers.append(("marrow", soft(np.abs(brain - np.float32(6.3)) - np.float32(0.7))))
    layers.append(("dura", soft(brain - np.float32(3.2))))
    layers.append(("csf", soft(brain - np.float32(2.2))))
    return layers


def _inside_the_brain(
    world: World, rng: np.random.Generator, brain: Field, midline: Field, ventricles: Field
) -> list[Layer]:
    depth = -brain
    # Zero crossings of smooth noise are sheets, as sulci are; 1.2 / scale is the noise's slope there.
    folds = np.abs(world.noise(rng, 5.0)) * np.float32(5.0 / 1.2) + np.maximum(depth - 14.0, 0.0) * np.float32(0.8)
    # The fissure between the hemispheres ends at the corpus callosum.
    callosum = world.ellipsoid((0.0, 2.0, 4.0), (30.0, 36.0, 24.0))
    fissure = np.maximum(np.abs(midline), np.maximum(-callosum, np.float32(-10.0) - world.axes[2]))
    tentorium = np.abs(world.axes[2] + np.float32(14.0) - np.float32(0.15) * (world.axes[1] + 40.0))
    tentorium = np.maximum(tentorium, world.axes[1] + np.float32(26.0))
    surface = np.minimum(np.minimum(folds, fissure), np.minimum(tentorium, depth))
    cerebellum = world.axes[2] < np.minimum(-14.0 + 0.15 * (world.axes[1] + 40.0), -26.0 - world.axes[1])
    layers = [("gm", soft(brain)), ("wm", soft(np.where(cerebellum, 9.0, 3.6) - surface))]
    for side in (-1, 1):
        layers.append(("gm", soft(world.ellipsoid((side * 11.0, -8.0, 3.0), (7.5, 13.0, 8.0)))))
        layers.append(("gm", soft(world.ellipsoid((side * 24.0, 6.0, 3.0), (7.0, 18.0, 10.0)))))
    layers.append(("csf", soft(folds - np.maximum(1.3 - 0.1 * depth, -2.0)) * soft(brain)))
    layers.append(("csf", soft(np.minimum(fissure, tentorium) - np.float32(0.7)) * soft(brain)))
    layers.append(("csf", soft(ventricles)))
    return layers


def _vessels(world: World, rng: np.random.Generator, brain: Field, midline: Field) -> list[Layer]:
    # Where two noise sheets cross there are threads, as vessels on the brain's surface are.
    threads = np.hypot(world.noise(rng, 9.0), world.noise(rng, 9.0)) * np.float32(7.5) - np.float32(1.3)
    on_the_surface = np.maximum(-brain - np.float32(7.0), brain - np.float32(2.0))
    top = np.maximum(np.abs(midline) - np.float32(3.0), -world.axes[2] + np.float32(0.0))
    sinus = np.maximum(top, np.abs(brain - np.float32(0.5)) - np.float32(2.0))
    falx = shell(midline, -0.6, 0.6) * soft(brain) * soft(np.float32(14.0) - world.axes[2], 6.0) * soft(-brain - 22.0)
    return [("dura", falx), ("vessel", soft(np.maximum(threads, on_the_surface))), ("vessel", soft(sinus))]
