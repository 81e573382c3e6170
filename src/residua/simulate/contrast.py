"""How bright each tissue is on each sequence."""

from __future__ import annotations

import numpy as np

from residua.simulate.anatomy import Layer
from residua.simulate.world import Field, World

SEQUENCES = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")

#           T1w-CE  T1w   FLAIR    relative to white matter on T1w
_TISSUES = {
    "air": (0.02, 0.02, 0.02),
    "skin": (0.80, 0.70, 0.60),
    "fat": (1.45, 1.45, 1.05),
    "muscle": (0.35, 0.30, 0.30),
    "bone": (0.12, 0.12, 0.08),
    "marrow": (0.70, 0.70, 0.45),
    "eye": (0.22, 0.22, 0.10),
    "dura": (0.75, 0.35, 0.30),
    "csf": (0.20, 0.20, 0.12),
    "gm": (0.72, 0.68, 0.85),
    "wm": (1.00, 1.00, 0.68),
    "vessel": (1.50, 0.25, 0.15),
    "oedema": (0.74, 0.74, 1.35),
    "wall": (0.95, 0.80, 1.20),
    "cavity": (0.25, 0.25, 0.28),
    "necrosis": (0.38, 0.38, 0.75),
    "tumor": (1.45, 0.64, 1.05),
    "blood": (1.45, 1.40, 1.05),
}
"""Blood and tumour agree on T1w-CE and FLAIR and differ on T1w: subacute blood is bright without any contrast agent."""

_COLUMN = {"post_t1ce": 0, "post_t1": 1, "post_flair": 2, "pre_t1ce": 0}
_VARIATION = 0.04
_DEPOSIT_VARIATION = 0.12


def draw_contrast(rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """One patient's brightness by sequence and tissue; blood and tumour vary most, each by itself."""
    return {
        sequence: {
            tissue: float(values[column] * np.exp(_spread(tissue) * rng.standard_normal()))
            for tissue, values in _TISSUES.items()
        }
        for sequence, column in _COLUMN.items()
    }


def _spread(tissue: str) -> float:
    return _DEPOSIT_VARIATION if tissue in ("tumor", "blood") else _VARIATION


def draw_texture(world: World, rng: np.random.Generator) -> Field:
    """A factor near 1 that makes tissue uneven; the same on all sequences, as it is the tissue's own."""
    return np.float32(1.0) + np.float32(0.04) * world.noise(rng, 3.0) + np.float32(0.04) * world.noise(rng, 8.0)


def render(layers: list[Layer], brightness: dict[str, float], texture: Field) -> Field:
    """The scene as one sequence sees it: the layers painted over each other, from the first to the last."""
    picture = np.full_like(texture, brightness["air"])
    for tissue, share in layers:
        picture += share * (np.float32(brightness[tissue]) - picture)
    return picture * texture
