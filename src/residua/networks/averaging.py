"""Average the probabilities of models in the order of the models, whichever comes first."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray


class Mean:
    """The mean of maps, of which none is kept once it is added.

    Threads add maps as they finish them. Sums are those of a loop over the maps: each is added when all before it are.

    >>> mean = Mean()
    >>> for place in (1, 0):
    ...     mean.add(place, np.float32([place, 4]))
    >>> mean.value().tolist()
    [0.5, 4.0]
    """

    def __init__(self) -> None:
        """Begin without any map."""
        self._lock, self._early = Lock(), dict[int, NDArray[np.float32]]()
        self._total, self._added = np.zeros((), dtype=np.float32), 0

    def add(self, place: int, probability: NDArray[np.float32]) -> None:
        """Add the map of the model at ``place``, or keep it until those before it have come."""
        with self._lock:
            self._early[place] = probability
            while self._added in self._early:
                following = self._early.pop(self._added)
                if self._added == 0:
                    self._total = np.zeros(following.shape, dtype=np.float32)
                self._total += following
                self._added += 1

    def value(self) -> NDArray[np.float32]:
        """Return the mean of all maps."""
        mean: NDArray[np.float32] = self._total / np.float32(self._added)
        return mean
