"""Predict out of fold and with the ensemble, and store probability maps.

Of an ensemble the map of every model is stored, too, from which intervals and disagreement are computed once the
threshold is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Image
from residua.networks.background import Writer, read_ahead
from residua.networks.cases import PreparedCase
from residua.networks.contract import Predictor
from residua.publishing.images import SUFFIX, member_file

LEVELS = 2**14
"""Probabilities are stored as whole 1/16384: half a step is 3e-5, and 0.5 is stored exactly."""

MEMBER_LEVELS = 200
"""Maps of single models are stored as whole 1/200, rounded down: in about a twentieth of the space of the mean. At a
threshold that is a multiple of 0.005, as the study's are, they give the same mask as before they were stored."""
_REACHED = 1e-4
"""In levels: so far below a level a probability has reached it; ``binarise`` compares in float32, too."""


def save_probability(probability: Image, path: Path) -> None:
    """Write foreground probabilities (0 to 1) as scaled 16-bit NIfTI; stored values differ by at most 3.1e-5.

    Raises ``ResiduaError`` for NaN, which integers cannot hold and which would be stored as "no tumour".
    """
    _require_numbers(probability, path)
    levels = np.rint(np.clip(probability.data, 0.0, 1.0) * LEVELS).astype(np.uint16)
    volumes.save(Image(levels, probability.grid), path, slope=1.0 / LEVELS)


def save_member(probability: Image, path: Path) -> None:
    """Write the map of one model of an ensemble as scaled 8-bit NIfTI; stored values are at most 0.005 lower.

    Raises ``ResiduaError`` for NaN, as ``save_probability`` does.
    """
    _require_numbers(probability, path)
    levels = np.clip(probability.data, 0.0, 1.0) * np.float32(MEMBER_LEVELS) + np.float32(_REACHED)
    # The next number above, because the header's float32 would bring a level below the threshold that it stands for.
    slope = np.nextafter(np.float32(1 / MEMBER_LEVELS), np.float32(1))
    volumes.save(Image(levels.astype(np.uint8), probability.grid), path, slope=float(slope))


def _require_numbers(probability: Image, path: Path) -> None:
    if np.isnan(probability.data.min()):
        raise ResiduaError(f"{path.name}: the probability map holds NaN; the training may have diverged; train again")


def predict_cases(
    predictor: Predictor,
    cases: Sequence[PreparedCase],
    out: Path,
    progress: Callable[[int, int], None],
    members: Sequence[str] = (),
) -> None:
    """Write ``{patient}.nii.gz``, the foreground probability on the reference grid, for every case into ``out``.

    ``predictor`` holds one model (out of fold) or several (the ensemble of the hold-out), whose probabilities it
    averages after the softmax. ``members`` names its models in order, if the map of each is to be written as
    ``members/{name}/{patient}.nii.gz``. Cases that an interrupted run finished are kept. The next case is read and the
    last one written meanwhile. A case that cannot be read does not keep the others from being predicted.

    Raises what the first case raised that could not be read.
    """
    left = [case for case in cases if not (out / f"{case.patient}{SUFFIX}").exists()]
    unreadable: list[BaseException] = []
    with closing(read_ahead(predictor.read, left)) as readings, Writer() as write:
        for done, case in enumerate(cases):
            progress(done, len(cases))
            if case not in left:
                continue
            reading = next(readings)
            if error := reading.exception():
                unreadable.append(error)
            else:
                _predict(predictor, reading.result(), case.patient, out, members, write)
    if unreadable:
        raise unreadable[0]
    progress(len(cases), len(cases))


def _predict(predictor: Predictor, given: Any, patient: str, out: Path, members: Sequence[str], write: Writer) -> None:
    def keep(place: int, probability: Image) -> None:
        write(save_member, probability, out / member_file(members[place], patient))

    probability = predictor.predict(given, keep if members else None)
    # Written last, so that a patient who has it has all maps.
    write(save_probability, probability, out / f"{patient}{SUFFIX}")
