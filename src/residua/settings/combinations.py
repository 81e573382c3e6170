"""Settings of rows that two or more of the study's networks make together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from residua.settings.base import Distinct, Frozen, Identifier
from residua.settings.defaults import is_default
from residua.words import listed


class Combination(Frozen):
    """Networks that judge together, each with the input configuration of the row: a mean, or a gate and who draws."""

    mean: Distinct[Identifier] = Field(
        default=(), description="Networks whose probability maps are averaged; the threshold is chosen out of fold."
    )
    gate: Identifier | None = Field(
        default=None, description="The network that decides, at its own threshold, whether there is residual tumour."
    )
    draw: Identifier | None = Field(
        default=None, description="The network whose mask is taken, at its own threshold, where there is; else none."
    )

    @property
    def archs(self) -> tuple[str, ...]:
        """Return the networks, the one first whose input configuration the row has in an experiment."""
        return self.mean or tuple(name for name in (self.draw, self.gate) if name)

    def label(self, labels: Mapping[str, str]) -> str:
        """Return what the row is called in tables and figures, from the labels of its networks.

        >>> Combination(gate="agunet", draw="nnunet").label({"agunet": "AGU-Net", "nnunet": "nnU-Net"})
        'nnU-Net gated by AGU-Net'
        """
        return (" + " if self.mean else " gated by ").join(labels[arch] for arch in self.archs)

    def in_words(self, labels: Mapping[str, str]) -> str:
        """Say how the row is made, from the labels of its networks.

        >>> Combination(mean=("agunet", "nnunet")).in_words({"agunet": "AGU-Net", "nnunet": "nnU-Net"})
        'the mean of the probability maps of AGU-Net and nnU-Net, at a threshold chosen out of fold'
        """
        names = [labels.get(arch, arch) for arch in self.archs]
        if self.mean:
            return f"the mean of the probability maps of {listed(names)}, at a threshold chosen out of fold"
        return (
            f"the mask of {names[0]} where that of {names[1]} has residual tumour, else an empty one; each with its "
            "own threshold"
        )

    @model_validator(mode="after")
    def _one_kind(self) -> Combination:
        if bool(self.mean) == bool(self.gate or self.draw):
            raise ValueError("name the networks of a mean, or a gate and who draws; one of the two")
        if len(self.archs) < 2:
            raise ValueError(
                "a mean needs two networks" if self.mean else "a gate needs who draws, and who draws needs a gate"
            )
        if self.gate == self.draw and not self.mean:
            raise ValueError(f"{self.gate} is named twice; a network that gates itself changes nothing")
        return self


Combinations = Annotated[
    dict[Identifier, Combination],
    Field(
        description="Rows that networks of archs make together, by a name of their own: {mean: [nnunet, agunet]}, or "
        "{gate: agunet, draw: nnunet}; docs/how-to/combine.md.",
        exclude_if=is_default({}),
    ),
]


def uncombinable(
    combinations: Mapping[str, Combination], trained: Iterable[str], taken: Iterable[str]
) -> Iterator[str]:
    """Name what is wrong with combinations of the networks ``trained``; ``taken`` are the names of others.

    >>> list(uncombinable({"nnunet": Combination(mean=("nnunet", "agunet"))}, ["nnunet"], ["nnunet"]))
    ['combinations.nnunet has the name of a network', 'combinations.nnunet names agunet, which is not one of archs']
    """
    known, others = set(trained), set(taken)
    for name, combination in combinations.items():
        if name in others:
            yield f"combinations.{name} has the name of a network"
        for arch in combination.archs:
            if arch not in known:
                yield f"combinations.{name} names {arch}, which is not one of archs"
        same = [other for other in combinations if _same(combinations[other], combination)]
        if same[0] != name:
            yield f"combinations.{name} is the same as {same[0]}"


def _same(one: Combination, other: Combination) -> bool:
    return (set(one.mean), one.gate, one.draw) == (set(other.mean), other.gate, other.draw)
