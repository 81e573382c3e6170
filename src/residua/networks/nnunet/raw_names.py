"""Name data sets and channels as nnU-Net's own commands expect it; this imports no framework."""

from __future__ import annotations

from collections.abc import Sequence

from residua.networks.cases import Channel

DATASET_NUMBER = 501
"""nnU-Net knows data sets by number; its documentation leaves those above 500 to users."""
NOT_NORMALISED = "noNorm"
"""nnU-Net's name of a channel that it does not normalise."""


def dataset_name(inputs: str) -> str:
    """Return the name of the data set of an input configuration.

    >>> dataset_name("B")
    'Dataset501_ResiduaB'
    """
    return f"Dataset{DATASET_NUMBER:03d}_Residua{inputs}"


def channel_names(channels: Sequence[Channel]) -> dict[str, str]:
    """Return the channels' names by number; nnU-Net chooses the normalisation by the name.

    >>> channel_names([Channel("post_t1ce", False), Channel("pre_tumor", True)])
    {'0': 'post_t1ce', '1': 'noNorm'}
    """
    return {str(number): NOT_NORMALISED if c.is_label else c.name for number, c in enumerate(channels)}
