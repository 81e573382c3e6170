"""The networks that are trained to do without channels: every subset of their channels that a patient may have."""

from __future__ import annotations

from itertools import product
from typing import Any

from residua.settings.channels import columns_needed
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import segmented_of_split
from residua.wiring.preparation import reference_standards

_BETWEEN = "-"


def subsets(loaded: LoadedStudy, inputs: str) -> list[tuple[str, ...]]:
    """Return the subsets of the channels of an input configuration that a patient may have, the largest first.

    Each holds the reference, a label only with the sequence on which it was drawn, and a derived channel with the
    sequences of which it is made: then, and only then.
    """
    channels = loaded.study.inputs[inputs]
    found = []
    for kept in product((True, False), repeat=len(channels)):
        given = tuple(channel for channel, is_kept in zip(channels, kept, strict=True) if is_kept)
        had = set[str]().union(*(_needed(loaded, channel) for channel in given))
        is_possible = given == tuple(channel for channel in channels if _needed(loaded, channel) <= had)
        if loaded.study.sequences.reference in given and is_possible:
            found.append(given)
    return sorted(found, key=len, reverse=True)


def _needed(loaded: LoadedStudy, channel: str) -> set[str]:
    return set(columns_needed([channel], loaded.study.derived_channels, loaded.study.labels))


def names(loaded: LoadedStudy) -> list[str]:
    """Return the names of all subsets that lack a channel, as paths have them."""
    return list(dict.fromkeys(_name(given) for _, _, given in _lacking(loaded)))


def channels_of(given: str) -> list[str]:
    """Return the channels of a subset by its name."""
    return given.split(_BETWEEN)


def references(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the manual segmentations of the hold-out's patients that a network segments."""
    return reference_standards(loaded, segmented_of_split(loaded, arch, inputs, "test"))


def compared(loaded: LoadedStudy) -> list[dict[str, Any]]:
    """Return what one table holds side by side, as builtins: a network with dropout, and those of these very channels.

    Each has ``file``, its measurements, ``arch``, ``inputs`` and ``given``, the channels.
    """
    own = {(arch, inputs, given): _measured(arch, inputs, given) for arch, inputs, given in _lacking(loaded)}
    records = []
    for inputs in loaded.study.channel_dropout:
        for given in subsets(loaded, inputs):
            same = [name for name, channels in loaded.study.inputs.items() if set(channels) == set(given)]
            for name in dict.fromkeys([inputs, *same]):
                records += [
                    {
                        "file": own.get((arch, name, given), f"results/metrics/{arch}/{name}.parquet"),
                        "arch": arch,
                        "inputs": name,
                        "given": list(given),
                    }
                    for arch in loaded.study.archs
                ]
    return records


def _lacking(loaded: LoadedStudy) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (arch, inputs, given)
        for inputs in loaded.study.channel_dropout
        for given in subsets(loaded, inputs)[1:]
        for arch in loaded.study.archs
    ]


def _name(given: tuple[str, ...]) -> str:
    return _BETWEEN.join(given)


def _measured(arch: str, inputs: str, given: tuple[str, ...]) -> str:
    return f"results/lacking/{arch}/{inputs}/{_name(given)}.parquet"
