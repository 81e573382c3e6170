"""Build the heads on which the brain model is trained: the simulator's, with more variety than patients have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from residua.brain_model.skull_base import skull_base
from residua.images.mni152 import mni_map
from residua.simulate.anatomy import HeadModel, Layer, inside_the_brain, outside_the_brain
from residua.simulate.contrast import air, render
from residua.simulate.design import Disease
from residua.simulate.surgery import Operation, operate
from residua.simulate.template import Brain, brain_at, draw_places, pulled
from residua.simulate.world import Field, World, soft

_FLUID_MM = 5.0
"""Largest distance by which fluid around a shrunken brain moves the skull away from it."""
_SKULL_SCALES = (0.75, 1.8)
"""Of the distances outside the brain, so that skulls and scalps are thick or thin."""
_UNEVEN, _UNEVEN_MM = 0.3, 28.0
"""Standard deviation of those scales' logarithm within a head, and its scale: skulls are thin at the temples."""
_VENTRICLES_MM = (-2.0, 6.0)
"""How far fluid reaches out of the template's ventricles."""
_WIDENED = 0.4
"""Share of the heads with wide furrows."""
_T1_OF_TISSUES = (0.25, 0.62, 0.86)
"""Values of fluid, grey and white matter in the template's T1-weighted map (0-1)."""
STATES = ("whole", "before", "after")
"""A head without disease, with a tumour, and after its resection."""


@dataclass(frozen=True)
class TrainingHead:
    """A head in the world: its layers, brain and disease, and the template's T1-weighted values in its brain (0-1)."""

    world: World
    layers: list[Layer]
    brain: Brain
    operation: Operation
    t1: Field

    def picture(self, brightness: dict[str, float], state: str, real: bool) -> Field:
        """Render the head in one of ``STATES``; ``real`` takes the brain from the template's T1-weighted map."""
        picture = render(self.layers, brightness, air(self.world, brightness))
        if real:
            values = np.array([0.0, *(brightness[tissue] for tissue in ("csf", "gm", "wm"))], np.float32)
            shades = np.interp(self.t1, (0.0, *_T1_OF_TISSUES), values).astype(np.float32)
            picture += soft(self.brain.brain_mm + 1.0) * (self.t1 > 0) * (shades - picture)
        operation = self.operation
        if state == "before":
            return render(operation.before, brightness, picture)
        if state == "after":
            moved = operation.shift.pulled(render(operation.spared, brightness, picture))
            return render(operation.after, brightness, moved)
        return picture


def build_training_head(world: World, disease: Disease, rng: np.random.Generator) -> TrainingHead:
    """Build a head with a random brain, skull, scalp and ventricles, and a random tumour with its resection."""
    places, midline_mm = draw_places(world, rng)
    brain = brain_at(world, places, midline_mm)
    fluid_mm = np.float32(_FLUID_MM * rng.random() ** 3) * (1.0 + 0.3 * world.noise(rng, 30.0))
    thinned = np.exp(np.float32(_UNEVEN) * world.noise(rng, _UNEVEN_MM)) * np.float32(rng.uniform(*_SKULL_SCALES))
    around_mm = (brain.brain_mm - np.maximum(fluid_mm, 0.0)) * thinned
    # Inside the brain the distances stay as they are.
    around_mm = np.where(brain.brain_mm < 0, np.minimum(brain.brain_mm, around_mm), around_mm)
    outside = outside_the_brain(world, rng, around_mm)
    # The first fat fills the head up to its skin.
    below_the_skin = next(share for tissue, share in outside if tissue == "fat")
    layers = [*outside, *skull_base(world, rng, around_mm, below_the_skin)]
    layers += [*inside_the_brain(world, rng, brain), *_shrunken(world, rng, brain)]
    disease_in = operate(world, rng, HeadModel(layers, brain), bool(rng.random() < 0.5), disease)
    return TrainingHead(world, layers, brain, disease_in, pulled(_t1(), places))


def _shrunken(world: World, rng: np.random.Generator, brain: Brain) -> list[Layer]:
    """Return the fluid of larger ventricles, and of wider furrows in some heads."""
    ventricles = soft(brain.ventricles_mm - np.float32(rng.uniform(*_VENTRICLES_MM))) * soft(brain.brain_mm + 8.0)
    wide = rng.random() < _WIDENED
    width_mm = np.float32(rng.uniform(1.0, 2.5) if wide else -9.0)
    folds = np.abs(world.noise(rng, 5.0)) * np.float32(5.0 / 1.2) + np.maximum(-brain.brain_mm - 10.0, 0.0)
    return [("csf", ventricles), ("csf", soft(folds - width_mm) * soft(brain.brain_mm))]


@cache
def _t1() -> Field:
    return np.float32(1.0 / 255.0) * np.asanyarray(mni_map("t1").dataobj, np.float32)
