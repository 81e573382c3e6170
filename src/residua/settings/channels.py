"""Settings of the channels that networks see: those that are computed, and what input configurations may name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from residua.settings.base import REFERENCE_STANDARD, Column, Distinct, Frozen
from residua.settings.columns import CONTRACT


class DerivedChannel(Frozen):
    """A channel that is computed from two sequences, where both lie on one grid and hold the brain alone."""

    subtract: Annotated[Distinct[Column], Field(min_length=2, max_length=2)] = Field(
        description="Two sequences: the second is subtracted from the first. A patient without one of them is without "
        "the channel."
    )
    normalise: Literal["brain", "none"] = Field(
        default="brain",
        description="brain: each sequence first gets mean 0 and standard deviation 1 over the voxels of the brain "
        "mask; none: values are subtracted as they are.",
    )

    def told(self, named: Callable[[str], str] = str) -> str:
        """Say how the channel is made; ``named`` words a sequence.

        >>> DerivedChannel(subtract=("post_t1ce", "post_t1"), normalise="none").told()
        'post_t1ce minus post_t1'
        """
        first, second = map(named, self.subtract)
        how = ", each first with mean 0 and standard deviation 1 within the brain mask"
        return f"{first} minus {second}{how if self.normalise == 'brain' else ''}"


Derived = Mapping[str, DerivedChannel]


def told(definition: Mapping[str, Any]) -> str:
    """Say how a derived channel is made that is described by builtins."""
    return DerivedChannel.model_validate(definition).told()


def told_all(definitions: Mapping[str, Mapping[str, Any]]) -> str:
    """Say in one sentence how derived channels are made, with a space behind it; nothing where there are none.

    >>> told_all({"gain": {"subtract": ["post_t1ce", "post_t1"], "normalise": "none"}})
    'Compute gain: post_t1ce minus post_t1. '
    """
    made = "; ".join(f"{name}: {told(definition)}" for name, definition in definitions.items())
    return f"Compute {made}. " if made else ""


def unusable_derived(
    derived: Derived, images: Sequence[str], labels: Sequence[str], others: Sequence[str]
) -> list[str]:
    """Return what is wrong with derived channels: names that are taken, and sources that are no sequences.

    ``others`` are further columns of the cohort table that the configuration names.
    """
    taken = {
        **dict.fromkeys((*CONTRACT, *others), "a column of the cohort table with a meaning of its own"),
        **dict.fromkeys(labels, "a label"),
        **dict.fromkeys(images, "a sequence"),
    }
    problems = [
        f"derived_channels.{name} has the name of {taken[name]}; give the channel another name"
        for name in derived
        if name in taken
    ]
    kinds = {**dict.fromkeys(derived, "another derived channel"), **dict.fromkeys(labels, "a label")}
    for name, channel in derived.items():
        kind_of = {**kinds, name: "the channel itself"}
        problems += [
            f"derived_channels.{name} subtracts {source}, which is {kind_of.get(source, 'not a sequence')}; "
            f"name two of the sequences ({', '.join(images)})"
            for source in channel.subtract
            if source not in images
        ]
    return problems


def columns_needed(channels: Iterable[str], derived: Derived, drawn_on: Mapping[str, str]) -> list[str]:
    """Return the columns of the cohort table that a patient must have for some channels.

    A derived channel needs the sequences of which it is made. A label needs the sequence on which it was drawn, as
    ``drawn_on`` says: the registration of that sequence brings it to the grid of the reference.

    >>> columns_needed(["post_t1ce", "pre_tumor"], {}, {"pre_tumor": "pre_t1ce"})
    ['post_t1ce', 'pre_tumor', 'pre_t1ce']
    """
    needed: list[str] = []
    for channel in channels:
        needed += derived[channel].subtract if channel in derived else [channel]
        needed += [drawn_on[channel]] if channel in drawn_on else []
    return needed


def unusable_inputs(inputs: Mapping[str, Sequence[str]], known: Sequence[str]) -> list[str]:
    """Return what is wrong with input configurations; ``known`` are all channels that they can name."""
    problems = []
    for name, channels in inputs.items():
        problems += [
            f"input configuration {name} names {c}, which is not a sequence, label or derived channel"
            for c in channels
            if c not in known
        ]
        if not channels:
            problems.append(f"input configuration {name} must name at least one channel")
        if REFERENCE_STANDARD in channels:
            problems.append(f"input configuration {name} names {REFERENCE_STANDARD}, the reference standard; remove it")
    return problems


def undroppable(dropped: Iterable[str], inputs: Mapping[str, Sequence[str]], reference: str) -> list[str]:
    """Return what is wrong with the input configurations whose networks are trained to do without channels."""
    problems = [
        f"channel_dropout names {name}, which is missing under inputs" for name in dropped if name not in inputs
    ]
    problems += [
        f"channel_dropout.{name}: the input configuration needs {reference}, which is never left out, and others"
        for name in dropped
        if name in inputs and not {reference} < set(inputs[name])
    ]
    return problems
