"""Draw the part of an external cohort that chooses the threshold anew; the rest measures what that brings.

Loaded at every start and inside every job, hence in milliseconds: nothing here imports an array or an image library.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

from residua.errors import ResiduaError
from residua.settings.application import Recalibration


def draw(units: Mapping[str, str], settings: Recalibration) -> frozenset[str]:
    """Return the drawn ones of some patients, given with their persons or hospitals, as the settings ask.

    The draw follows from seed and names alone: neither the order of the table, nor images, nor results reach it. At
    least one unit is drawn and one is left. Raises ``ResiduaError`` when there are fewer than two.

    >>> hospitals = {"AMS1": "AMS", "AMS2": "AMS", "GOT1": "GOT", "GOT2": "GOT"}
    >>> sorted(draw(hospitals, Recalibration(unit="hospital", seed=1)))
    ['GOT1', 'GOT2']
    """
    names = sorted(set(units.values()), key=lambda name: (_place(settings.seed, name), name))
    if len(names) < 2:
        raise ResiduaError(
            f"validation.recalibrate draws by {settings.unit}, which needs two with reference standards (found "
            f"{len(names)}): {'draw by person, or ' if settings.unit == 'hospital' else ''}set it to null "
            "(residua validate --no-recalibrate)"
        )
    number = min(max(math.floor(settings.share * len(names) + 0.5), 1), len(names) - 1)
    chosen = set(names[:number])
    return frozenset(patient for patient, unit in units.items() if unit in chosen)


def _place(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()
