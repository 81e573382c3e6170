"""What a unit of work costs: the shipped tables, and the cost of a job by them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from residua.errors import ResiduaError

OTHERS = "*"
"""The row of all rules that have none."""


@dataclass(frozen=True)
class UnitCost:
    """What one unit of a rule's work costs; ``gpu_s`` on the card of the table's numbers."""

    unit: str
    cpu_s: float
    gpu_s: float
    memory_mb: float


@dataclass(frozen=True)
class Amount:
    """How many units a job works on, and how many of them lie in memory at a time."""

    total: float
    at_once: float


@dataclass(frozen=True)
class Cost:
    """What a job takes: processor seconds, of them what its card replaces, the card's seconds, and memory."""

    cpu_s: float
    replaced_cpu_s: float
    gpu_s: float
    memory_mb: float


@dataclass(frozen=True)
class Card:
    """A graphics card: how many times as long as the measured one it takes, and how that is known."""

    name: str
    times: float
    source: str


@cache
def unit_costs() -> dict[str, tuple[UnitCost, ...]]:
    """Return the shipped costs of every rule, or of a rule and variant as ``rule:variant``."""
    found: dict[str, tuple[UnitCost, ...]] = {}
    for row in _table("costs.csv"):
        numbers = (float(row[name] or 0) for name in ("cpu_s", "gpu_s", "memory_mb"))
        found[row["rule"]] = (*found.get(row["rule"], ()), UnitCost(row["unit"], *numbers))
    return found


def cost_of(rule: str, variant: str, amounts: Mapping[str, Amount]) -> Cost | None:
    """Return the cost of a job of a rule by the units of its work; None for a variant of which nothing is known."""
    known = unit_costs()
    costs = known.get(f"{rule}:{variant}") or known.get(rule)
    if costs is None and any(name.startswith(f"{rule}:") for name in known):
        return None
    cpu = replaced = gpu = memory = 0.0
    for each in costs or known[OTHERS]:
        amount = amounts.get(each.unit, Amount(0, 0))
        cpu += each.cpu_s * amount.total
        replaced += each.cpu_s * amount.total if each.gpu_s else 0.0
        gpu += each.gpu_s * amount.total
        memory += each.memory_mb * amount.at_once
    return Cost(cpu, replaced, gpu, memory)


def card_named(name: str) -> Card:
    """Return a card by its name. Raises ``ResiduaError`` for one without a number."""
    cards = {row["card"]: Card(row["card"], float(row["times"]), row["source"]) for row in _table("cards.csv")}
    if name not in cards:
        raise ResiduaError(f"--gpu {name}: there are numbers of {', '.join(cards)} alone")
    return cards[name]


def _table(name: str) -> list[dict[str, str]]:
    text = files("residua.estimate").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
