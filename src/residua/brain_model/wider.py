"""Put the weights of a network into one with more filters in each level, which answers as it did.

Chen et al. 2016 (Net2Net) copy filters for this. Here the new filters keep their random weights, and what reads them
begins with zeros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from residua.networks.agunet.weight_shapes import SCALE, weight_shapes
from residua.networks.agunet.weights import Arrays

_LAYER = re.compile(rf"({SCALE}|encoder|decoder|head)(\d+)(\w*)/(\w+)")


def narrower_filters(arrays: Arrays, features: Sequence[int]) -> tuple[int, ...] | None:
    """Return the filters of each level of ``arrays``, if they are those of a narrower network of as many levels.

    No level of it has more filters than ``features`` say, and one has fewer.
    """
    blocks = (arrays.get(f"encoder{level}_conv0/bias", np.empty(0)) for level in range(len(features)))
    filters = tuple(block.size for block in blocks)
    fewer = all(few <= many for few, many in zip(filters, features, strict=True)) and filters != tuple(features)
    found = {name: array.shape for name, array in arrays.items()}
    return filters if fewer and found == weight_shapes(1, filters) else None


def widened(initial: Arrays, arrays: Arrays, features: Sequence[int], filters: Sequence[int]) -> Arrays:
    """Return the weights ``arrays`` of a network of ``filters`` inside the ``initial`` ones of one of ``features``."""
    return {name: _widened(name, initial[name], arrays[name], features, filters) for name in initial}


def _widened(
    name: str, initial: NDArray[np.float32], narrow: NDArray[np.float32], many: Sequence[int], few: Sequence[int]
) -> NDArray[np.float32]:
    wide = np.array(initial)
    if not name.endswith("/kernel"):
        wide[: narrow.size] = narrow
        return wide
    places = list(_places(name, many, few))
    if "_up/" in name:
        # A transposed convolution names what it gives before what it takes.
        wide[..., : narrow.shape[3], :] = 0.0
        wide[..., : narrow.shape[3], places] = narrow
    else:
        wide[..., : narrow.shape[4]] = 0.0
        wide[..., places, : narrow.shape[4]] = narrow
    return wide


def _places(name: str, many: Sequence[int], few: Sequence[int]) -> Iterator[int]:
    """Yield where the tensors of the narrow network lie among those that a convolution takes."""
    begins = 0
    for level, share in _taken(name, len(many)):
        count, of = (1, 1) if level is None else (few[level] // share, many[level] // share)
        yield from range(begins, begins + count)
        begins += of


def _taken(name: str, levels: int) -> list[tuple[int | None, int]]:
    """Return of which levels a convolution takes tensors, and which share of them (1 / n); None is the volume."""
    found = _LAYER.fullmatch(name)
    assert found, name
    kind, level, step = found[1], int(found[2]), found[3]
    above: int | None = level - 1 if level else None
    if kind == SCALE:
        return [(None, 1)]
    if kind == "encoder" and step == "_conv0":
        inner = 0 < level < levels - 1
        return [(level, 1), (above, 1)] if inner else [(above, 1)]
    if kind == "decoder" and step == "_up":
        return [(level + 1, 1)]
    if kind == "decoder" and step == "_gate":
        return [(level, 2), (level, 2)]
    if kind == "decoder" and step == "_conv0":
        return [(level, 1), (level, 1)]
    return [(level, 1)]
