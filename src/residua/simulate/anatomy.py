"""Build a head: a brain in fluid, surrounded by dura, skull, fat, muscle, skin, eyes and vessels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from residua.simulate.template import Brain, build_brain
from residua.simulate.world import Field, World, joined, shell, soft

Layer = tuple[str, Field]
"""A tissue and the share of each point that it covers; later layers cover earlier ones."""


@dataclass(frozen=True)
class HeadModel:
    """The layers of a head without disease, and the brain that surgery needs."""

    layers: list[Layer]
    brain: Brain


def build_head(world: World, rng: np.random.Generator) -> HeadModel:
    """Build a head with random size, asymmetry and folds."""
    brain = build_brain(world, rng)
    outside = outside_the_brain(world, rng, brain.brain_mm)
    return HeadModel([*outside, *inside_the_brain(world, rng, brain)], brain)


def outside_the_brain(world: World, rng: np.random.Generator, brain_mm: Field) -> list[Layer]:
    """Draw what lies around a surface, given by the distances to it (mm): from fluid to skin, with eyes and airways."""
    hull = _hull(world, brain_mm)
    layers = [("skin", soft(hull)), ("fat", soft(hull + 1.5))]
    layers.append(("muscle", soft(np.maximum(hull + 6.0, 9.5 - brain_mm))))
    strands = np.abs(world.noise(rng, 7.0))
    layers.append(("fat", soft((strands - 0.40) * 6.0) * soft(np.maximum(hull + 6.0, 11.0 - brain_mm))))
    below_the_brow = soft(world.axes[2] + np.float32(8.0), 20.0)
    layers.append(("bone", soft(np.abs(world.noise(rng, 6.0)) * 5.0 - 2.0) * soft(hull + 8.0) * below_the_brow))
    for side in (-1, 1):
        layers.append(("fat", soft(world.ellipsoid((side * 30.0, 64.0, -24.0), (17.0, 19.0, 15.0)))))
        layers.append(("eye", soft(world.ellipsoid((side * 30.0, 70.0, -24.0), (11.5, 11.5, 11.5)))))
    for centre, radii in (((0.0, 60.0, -44.0), (11.0, 20.0, 18.0)), ((0.0, 28.0, -66.0), (10.0, 10.0, 26.0))):
        layers.append(("air", soft(world.ellipsoid(centre, radii) + np.float32(2.0) * world.noise(rng, 5.0))))
    thickness = np.float32(6.5) + np.float32(0.8) * world.noise(rng, 18.0)
    layers.append(("bone", soft(brain_mm - (np.float32(3.0) + thickness))))
    layers.append(("marrow", soft(np.abs(brain_mm - np.float32(6.3)) - np.float32(0.7))))
    layers.append(("dura", soft(brain_mm - np.float32(3.2))))
    layers.append(("csf", soft(brain_mm - np.float32(2.2))))
    return layers


def _hull(world: World, brain_mm: Field) -> Field:
    # The scalp is smoother than the brain below it.
    brain_mm = ndimage.gaussian_filter(brain_mm, 7.0 / world.step_mm, mode="nearest")
    face = world.ellipsoid((0.0, 42.0, -44.0), (50.0, 42.0, 48.0))
    neck = world.ellipsoid((0.0, -16.0, -84.0), (50.0, 58.0, 60.0))
    head = joined(joined(brain_mm - np.float32(13.0), face, 20.0), neck, 20.0)
    return np.maximum(head, world.beyond_the_sides())


def inside_the_brain(world: World, rng: np.random.Generator, brain: Brain) -> list[Layer]:
    """Draw matter, fluid and furrows of a brain, and the vessels on it."""
    depth_mm = -brain.brain_mm
    # Zero crossings of smooth noise are sheets, as furrows are; 1.2 / scale is the noise's slope there.
    folds = np.abs(world.noise(rng, 5.0)) * np.float32(5.0 / 1.2) + np.maximum(depth_mm - 14.0, 0.0) * np.float32(0.8)
    ribbon = soft(folds - np.float32(2.2))
    whole = soft(brain.brain_mm)
    matter = np.maximum(brain.gm + brain.wm, np.float32(1e-6))
    white = brain.wm / matter * (np.float32(1.0) - ribbon)
    furrows = soft(folds - np.maximum(1.3 - 0.1 * depth_mm, -2.0)) * whole
    matter_layers = [("csf", whole), ("gm", whole * matter), ("wm", whole * white * matter), ("csf", furrows)]
    return [*matter_layers, *_vessels(world, rng, brain)]


def _vessels(world: World, rng: np.random.Generator, brain: Brain) -> list[Layer]:
    # Where two noise sheets cross there are threads, as vessels on the brain's surface are.
    brain_mm, midline_mm = brain.brain_mm, brain.midline_mm
    threads = np.hypot(world.noise(rng, 9.0), world.noise(rng, 9.0)) * np.float32(7.5) - np.float32(1.3)
    on_the_surface = np.maximum(-brain_mm - np.float32(7.0), brain_mm - np.float32(2.0))
    top = np.maximum(np.abs(midline_mm) - np.float32(3.0), -world.axes[2] + np.float32(0.0))
    sinus = np.maximum(top, np.abs(brain_mm - np.float32(0.5)) - np.float32(2.0))
    falx = shell(midline_mm, -0.6, 0.6) * soft(brain_mm) * soft(np.float32(14.0) - world.axes[2], 6.0)
    falx = falx * soft(-brain_mm - 22.0)
    return [("dura", falx), ("vessel", soft(np.maximum(threads, on_the_surface))), ("vessel", soft(sinus))]
