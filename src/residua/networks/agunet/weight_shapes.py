"""The weights of AGU-Net by name and shape, without a framework: a file is judged by them before any job.

A test holds them against the layers that ``architecture`` builds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

SCALE = "scale"
"""Begins the names of the convolutions over the averaged input."""
_CLASSES = 2

Shapes = dict[str, tuple[int, ...]]


def sees_the_input(layer: str) -> bool:
    """Return whether the layer of this name is a convolution over the input, whose kernel depends on the channels."""
    return layer == "encoder0_conv0" or layer.startswith(SCALE)


def weight_shapes(channels: int, features: Sequence[int]) -> Shapes:
    """Return the shape of every weight of a network for ``channels``, by layer and name."""
    return dict([*_encoder(channels, features), *_decoder(features)])


def unfit_weights(found: Mapping[str, Sequence[int]], wanted: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the names of the ``wanted`` weights that a file does not hold, or in another shape."""
    return [name for name, shape in wanted.items() if tuple(found.get(name, ())) != tuple(shape)]


def _encoder(channels: int, features: Sequence[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from _block("encoder0", channels, features[0])
    for level in range(1, len(features)):
        inner = level < len(features) - 1
        if inner:
            yield from _convolution(f"{SCALE}{level}", 3, channels, features[level])
        yield from _block(f"encoder{level}", features[level - 1] + (features[level] if inner else 0), features[level])


def _decoder(features: Sequence[int]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for level in reversed(range(len(features) - 1)):
        name, filters, below = f"decoder{level}", features[level], features[level + 1]
        # A transposed convolution names what it gives before what it takes.
        yield f"{name}_up/kernel", (3, 3, 3, filters, below)
        yield f"{name}_up/bias", (filters,)
        yield from _normalisation(f"{name}_up_norm", filters)
        for which in ("signal", "skip"):
            yield from _convolution(f"{name}_gate_{which}", 1, filters, filters // 2)
            yield from _normalisation(f"{name}_gate_{which}_norm", filters // 2)
        yield from _convolution(f"{name}_gate", 1, 2 * (filters // 2), 1)
        yield from _normalisation(f"{name}_gate_norm", 1)
        yield from _block(name, 2 * filters, filters)
        yield from _convolution(f"head{level}", 1, filters, _CLASSES)


def _block(name: str, taken: int, filters: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for step, width in enumerate((taken, filters)):
        yield from _convolution(f"{name}_conv{step}", 3, width, filters)
        yield from _normalisation(f"{name}_norm{step}", filters)


def _convolution(name: str, size: int, taken: int, filters: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}/kernel", (size, size, size, taken, filters)
    yield f"{name}/bias", (filters,)


def _normalisation(name: str, filters: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for weight in ("gamma", "beta", "moving_mean", "moving_variance"):
        yield f"{name}/{weight}", (filters,)
