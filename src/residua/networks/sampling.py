"""Draw training patients so that residual tumour and gross total resection are equally frequent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from residua.settings.case_sampling import SamplingCases


def has_residual(volume_ml: float, settings: SamplingCases) -> bool:
    """Return whether a prepared reference standard of this volume counts as residual tumour.

    A volume on the voxels of a network differs a little from the volume as drawn, by which patients are judged. Without
    a smallest volume, any voxel counts.
    """
    return volume_ml > 0 and volume_ml >= (settings.sampling_residual_ml or 0)


def balanced_chances(with_residual: Sequence[bool]) -> list[float]:
    """Return how probable each patient is, so that each of the two groups has one half; a group alone has all.

    >>> balanced_chances([True, False, False, True, False, False])
    [0.25, 0.125, 0.125, 0.25, 0.125, 0.125]
    >>> balanced_chances([True, True])
    [0.5, 0.5]
    """
    sizes = {group: with_residual.count(group) for group in set(with_residual)}
    return [1 / len(sizes) / sizes[group] for group in with_residual]


def balanced_epoch(with_residual: Mapping[str, bool], seed: Sequence[int]) -> list[str]:
    """Draw as many patients as there are, half of them with residual tumour; a group alone is drawn whole.

    Nobody of a group is drawn again before all of it are. Of an odd number, chance gives one more to either group.
    """
    groups = [[p for p, has in with_residual.items() if has == group] for group in (True, False)]
    drawing = np.random.default_rng([*seed, _APART])
    if not all(groups):
        return list(with_residual)
    half, odd = divmod(len(with_residual), 2)
    sizes = drawing.permutation([half + odd, half])
    return [name for group, size in zip(groups, sizes, strict=True) for name in _repeated(group, int(size), drawing)]


_APART = 1
"""Keeps these numbers apart from those of the order of the same epoch."""


def _repeated(group: Sequence[str], size: int, drawing: np.random.Generator) -> list[str]:
    rounds = [drawing.permutation(len(group)) for _ in range(-(-size // len(group)))]
    return [group[place] for place in np.concatenate(rounds)[:size]]
