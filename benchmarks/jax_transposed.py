"""Give Keras on JAX a transposed convolution whose gradients are convolutions that a card has kernels for.

JAX writes a transposed convolution as one over an input with gaps. XLA finds no kernel for the gradient of its filters,
and takes a convolution with a window of the size of the volume: thirty times as long as PyTorch on the same card
(openxla/xla issue 34273). TensorFlow and PyTorch take the gradients of the strided convolution that it is the transpose
of, and so does this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

_AXES = ("NXYZC", "XYZIO", "NXYZC")


def transposed(volume: Any, filters: Any, strides: tuple[int, ...], padding: Sequence[tuple[int, int]]) -> Any:
    """Return the transposed convolution of a volume (batch, x, y, z, channels) with filters (x, y, z, out, in).

    ``padding`` is that of the volume with its gaps, as JAX counts it.
    """

    def strided(output: Any, with_filters: Any) -> Any:
        own = [(size - 1 - low, size - 1 - high) for size, (low, high) in zip(filters.shape, padding, strict=False)]
        return jax.lax.conv_general_dilated(output, with_filters, strides, own, dimension_numbers=_AXES)

    def forward(given: Any, with_filters: Any) -> Any:
        return jax.lax.conv_transpose(
            given, with_filters, strides, padding, dimension_numbers=_AXES, transpose_kernel=True
        )

    def backward(kept: tuple[Any, Any], gradient: Any) -> tuple[Any, Any]:
        given, with_filters = kept
        # What is linear in both: <transposed(given, filters), gradient> = <given, strided(gradient, filters)>.
        answer, of_filters = jax.vjp(lambda each: strided(gradient, each), with_filters)
        return answer, of_filters(given)[0]

    whole = jax.custom_vjp(forward)
    whole.defvjp(lambda *given: (forward(*given), given), backward)
    return whole(volume, filters)


def use_in_keras() -> None:
    """Let Keras' layers use it. Raises ``RuntimeError`` where its gradients are not those of JAX."""
    from keras.src.backend.common.backend_utils import compute_conv_transpose_padding_args_for_jax
    from keras.src.backend.jax import nn

    known = nn.conv_transpose

    def ours(
        inputs: Any,
        kernel: Any,
        strides: tuple[int, ...],
        padding: str,
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
    ) -> Any:
        if data_format == "channels_first" or np.any(np.not_equal(dilation_rate, 1)):
            raise NotImplementedError("a transposed convolution with channels first, or of filters with gaps")
        sizes = (inputs.shape, kernel.shape, strides, padding, output_padding, 1)
        gaps = compute_conv_transpose_padding_args_for_jax(*sizes)
        return transposed(nn.convert_to_tensor(inputs), nn.convert_to_tensor(kernel), tuple(strides), gaps)

    for expected, found in zip(*(_gradients(way) for way in (known, ours)), strict=True):
        if not np.allclose(expected, found, rtol=1e-4, atol=1e-4):
            raise RuntimeError("the transposed convolution of jax_transposed.py differs from that of Keras")
    nn.conv_transpose = ours


def _gradients(way: Callable[..., Any]) -> tuple[Any, Any]:
    """Return the gradients of a small volume and of filters, in all of their bits."""
    rng = np.random.default_rng(0)
    volume, filters = rng.normal(size=(2, 4, 3, 5, 6)), rng.normal(size=(3, 3, 3, 4, 6))
    weights = rng.normal(size=(2, 8, 6, 5, 4))
    with jax.default_matmul_precision("highest"):
        found = jax.grad(lambda *given: (way(*given, (2, 2, 1), "same") * weights).sum(), (0, 1))(volume, filters)
    return found[0], found[1]
