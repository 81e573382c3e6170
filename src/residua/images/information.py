"""How much one of two quantities says of the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr


def mutual_information_of_counts(counts: NDArray[np.float64]) -> float:
    """Return the mutual information in nats of a joint histogram, shape (n, m); 0 if independent or empty.

    >>> mutual_information_of_counts(np.ones((2, 2)))
    0.0
    """
    # That of scikit-learn needs its whole statistics, which take longer to import than a small scan to register.
    if not counts.sum():
        return 0.0
    joint = counts / counts.sum()
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return max(0.0, float(rel_entr(joint, independent).sum()))
