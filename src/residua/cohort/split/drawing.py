"""Draw the folds of persons, and a hold-out: alike in scans, in hospitals and in residual tumour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from residua.settings.participation import Trait

Place = int | None
"""The number of a fold; None: the hold-out."""
_ROUNDS = 20


@dataclass(frozen=True)
class Person:
    """One human being: the scans in the study, those of them with residual tumour, and the hospital of the first."""

    name: str
    scans: int
    with_tumor: int
    hospital: str

    def traits(self, balance: Sequence[Trait]) -> dict[Hashable, int]:
        """Return the scans by each trait that the parts share."""
        found: dict[Hashable, int] = {"all": self.scans}
        if "hospital" in balance:
            found["hospital", self.hospital] = self.scans
        if "residual" in balance:
            found["residual", True], found["residual", False] = self.with_tumor, self.scans - self.with_tumor
        return {trait: scans for trait, scans in found.items() if scans}


def drawn(
    persons: Iterable[Person],
    shares: Mapping[Place, float],
    already: Mapping[str, Place],
    balance: Sequence[Trait],
    seed: int,
) -> dict[str, Place]:
    """Return the place of every person; those of ``already`` keep theirs.

    ``shares`` says which share of the scans each part should have. Persons are placed one by one, those with most scans
    first and else in an order that the seed gives, each where the parts then differ least from their shares: by the
    sum, over all scans and over each trait of the person, of squared differences in scans divided by all scans with the
    trait (minimisation: Pocock and Simon, Biometrics 1975). Then each may move while that makes the sum smaller.

    >>> people = [Person(f"P{n}", 1, n % 2, "AMS") for n in range(8)]
    >>> places = drawn(people, {0: 0.5, 1: 0.5}, {}, ["residual"], seed=1)
    >>> sorted(places[person.name] for person in people if person.with_tumor)
    [0, 0, 1, 1]
    """
    members = list(persons)
    shared = _Shared(members, shares, balance)
    places = {person.name: already[person.name] for person in members if person.name in already}
    for person in members:
        if person.name in places:
            shared.add(person, places[person.name])
    new = [person for person in members if person.name not in places]
    new.sort(key=lambda person: (-person.scans, _shuffled(person.name, seed)))
    for person in new:
        places[person.name] = shared.best(person)
        shared.add(person, places[person.name])
    for _ in range(_ROUNDS):
        before = dict(places)
        for person in new:
            shared.add(person, places[person.name], -1)
            places[person.name] = shared.best(person, first=places[person.name])
            shared.add(person, places[person.name])
        if places == before:
            break
    return places


class _Shared:
    """How many scans with each trait there are, and how many of them each part has so far."""

    def __init__(self, persons: Iterable[Person], shares: Mapping[Place, float], balance: Sequence[Trait]) -> None:
        self.shares, self.balance = shares, balance
        self.have: dict[Hashable, Counter[Place]] = defaultdict(Counter)
        self.total = Counter[Hashable]()
        for person in persons:
            self.total.update(person.traits(balance))

    def add(self, person: Person, place: Place, times: int = 1) -> None:
        for trait, scans in person.traits(self.balance).items():
            self.have[trait][place] += times * scans

    def best(self, person: Person, first: Place = 0) -> Place:
        """Return the part where the person adds least to the sum; of equal parts ``first``."""
        traits = person.traits(self.balance)

        def added(place: Place) -> tuple[float, bool]:
            # The growth of each square over two; rounded, so that equal parts stay equal.
            growth = (
                scans * (self.have[trait][place] - self.shares[place] * self.total[trait] + scans / 2)
                / self.total[trait]
                for trait, scans in traits.items()
            )  # fmt: skip
            return round(sum(growth), 9), place != first

        return min(self.shares, key=added)


def _shuffled(name: str, seed: int) -> str:
    """Return a text by which names sort in an order of the seed that does not depend on other names."""
    return sha256(f"{seed} {name}".encode()).hexdigest()
