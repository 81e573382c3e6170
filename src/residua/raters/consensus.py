"""What raters agree on: the majority of all of them, or of the others of one, and STAPLE.

A rater who is judged by a consensus judges in part by the rater's own mask. Where one rater is left out in turn, nobody
is judged by a consensus in which the rater took part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from residua.raters.staple import staple

Mask = NDArray[np.bool_]

LEAVE_ONE_OUT, STAPLE, STAPLE_OF_OTHERS = "leave_one_out", "staple", "leave_one_out_staple"
OF_OTHERS = (LEAVE_ONE_OUT, STAPLE_OF_OTHERS)
"""The references that leave out the rater who is judged."""


def consensus(masks: Sequence[Mask]) -> Mask:
    """Return the voxels (x, y, z) annotated by more than half of the raters: 5 of 8, because 4 are not enough."""
    votes = np.zeros(masks[0].shape, dtype=np.int16)
    for mask in masks:
        votes += mask
    return np.asarray(2 * votes > len(masks))


_AGREED: Mapping[str, Callable[[Sequence[Mask]], Mask]] = {
    LEAVE_ONE_OUT: consensus,
    STAPLE: lambda masks: staple(masks).mask,
    STAPLE_OF_OTHERS: lambda masks: staple(masks).mask,
}


def further_references(masks: Mapping[str, Mask], names: Sequence[str]) -> Iterator[tuple[str, str, Mask]]:
    """Yield the name of each reference, the rater whom it leaves out (empty: nobody), and the mask.

    ``masks`` are those of one patient by rater. A patient with one rater has no reference of others.

    >>> masks = {"r1": np.array([True, False]), "r2": np.array([False, True])}
    >>> [(left_out, mask.tolist()) for _, left_out, mask in further_references(masks, ["leave_one_out"])]
    [('r1', [False, True]), ('r2', [True, False])]
    """
    for name in names:
        if name not in OF_OTHERS:
            yield name, "", _AGREED[name](list(masks.values()))
        elif len(masks) > 1:
            for rater in masks:
                yield name, rater, _AGREED[name]([mask for other, mask in masks.items() if other != rater])
