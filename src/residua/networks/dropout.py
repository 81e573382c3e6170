"""Train a network to do without channels: which of them a training sample lacks.

A channel that is lacking is what an image of zeros is prepared to, zero for every network, in training as for a patient
without it.
"""

from __future__ import annotations

from collections.abc import Sequence

from residua.networks.cases import Channel


def dropped(channels: Sequence[Channel], draws: Sequence[float]) -> list[int]:
    """Return the places of the channels that a sample lacks; ``draws`` hold a number from 0 to below 1 for each.

    A label goes with the sequence on which it was drawn, without which nobody can bring it to the reference, and a
    derived channel with each sequence of which it is made.

    >>> before, tumor = Channel("pre_t1ce", False, 0.5), Channel("pre_tumor", True, 0.5, "pre_t1ce")
    >>> channels = [Channel("post_t1ce", False), before, tumor]
    >>> dropped(channels, [0.0, 0.2, 0.9]), dropped(channels, [0.0, 0.9, 0.2]), dropped(channels, [0.0, 0.9, 0.9])
    ([1, 2], [2], [])
    >>> difference = Channel("gain", False, definition={"subtract": ["post_t1ce", "pre_t1ce"], "normalise": "brain"})
    >>> dropped([Channel("post_t1ce", False), before, difference], [0.0, 0.2, 0.9])
    [1, 2]
    """
    drawn = {channel.name for channel, draw in zip(channels, draws, strict=True) if draw < channel.dropout}
    return [
        place for place, channel in enumerate(channels) if {channel.name, channel.drawn_on, *channel.sources} & drawn
    ]


def drops(channels: Sequence[Channel]) -> bool:
    """Return whether a training leaves out any channel."""
    return any(channel.dropout for channel in channels)
