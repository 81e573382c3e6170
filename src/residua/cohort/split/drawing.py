"""Draw the folds of persons, and a hold-out: alike in scans, in hospitals and in residual tumour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from residua.settings.participation import Trait

Place = int | None
"""The number of a fold; None: the hold-out."""


@dataclass(frozen=True)
class Person:
    """One human being: the number of scans in the study, the hospital of the first, and whether one shows tumour."""

    name: str
    scans: int
    hospital: str
    has_tumor: bool


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
    trait (minimisation: Pocock and Simon, Biometrics 1975).

    >>> people = [Person(f"P{n}", 1, "AMS", n % 2 == 0) for n in range(8)]
    >>> places = drawn(people, {0: 0.5, 1: 0.5}, {}, ["residual"], seed=1)
    >>> sorted(places[person.name] for person in people if person.has_tumor)
    [0, 0, 1, 1]
    """
    members = list(persons)
    shared = _Shared(shares, balance)
    places = {person.name: already[person.name] for person in members if person.name in already}
    for person in members:
        shared.count(person)
        if person.name in places:
            shared.add(person, places[person.name])
    for person in sorted(members, key=lambda person: (-person.scans, _shuffled(person.name, seed))):
        if person.name not in places:
            places[person.name] = shared.best(person)
            shared.add(person, places[person.name])
    return places


class _Shared:
    """How many scans with each trait there are, and how many of them each part has so far."""

    def __init__(self, shares: Mapping[Place, float], balance: Sequence[Trait]) -> None:
        self.shares, self.balance = shares, balance
        self.total = Counter[Hashable]()
        self.have: dict[Hashable, Counter[Place]] = defaultdict(Counter)

    def count(self, person: Person) -> None:
        for trait in _traits(person, self.balance):
            self.total[trait] += person.scans

    def add(self, person: Person, place: Place) -> None:
        for trait in _traits(person, self.balance):
            self.have[trait][place] += person.scans

    def best(self, person: Person) -> Place:
        """Return the part where the person adds least to the sum; of equal parts the first."""
        traits = list(_traits(person, self.balance))

        def added(place: Place) -> float:
            beyond = ((self.have[t][place] - self.shares[place] * self.total[t], self.total[t]) for t in traits)
            # But for what is equal for all parts; rounded, so that equal parts stay equal.
            return round(sum((excess + person.scans / 2) / total for excess, total in beyond), 9)

        return min(self.shares, key=added)


def _traits(person: Person, balance: Sequence[Trait]) -> Iterator[Hashable]:
    yield "all"
    if "hospital" in balance:
        yield "hospital", person.hospital
    if "residual" in balance:
        yield "residual", person.has_tumor


def _shuffled(name: str, seed: int) -> str:
    """Return a text by which names sort in an order of the seed that does not depend on other names."""
    return sha256(f"{seed} {name}".encode()).hexdigest()
