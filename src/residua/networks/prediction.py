"""Predict out of fold and with the ensemble, and store probability maps.

Of an ensemble the map of every model is stored, too, from which intervals and disagreement are computed once the
threshold is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Image
from residua.networks.averaging import Mean
from residua.networks.background import Workers, naming, read_ahead
from residua.networks.cases import PreparedCase
from residua.networks.contract import Output, Predictor
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
    threads: int = 1,
) -> None:
    """Write ``{patient}.nii.gz``, the foreground probability on the reference grid, for every case into ``out``.

    ``predictor`` holds one model (out of fold) or several (the ensemble of the hold-out), whose probabilities are
    averaged after the softmax. ``members`` names its models in order, if the map of each is to be written as
    ``members/{name}/{patient}.nii.gz``. Cases that an interrupted run finished are kept. The next case is read, and
    maps are finished and written, while the models go on: beside a card by all of the job's ``threads`` but one, beside
    models that use the threads themselves by one. At most one map more than there are threads waits to be finished. A
    case that cannot be read does not keep the others from being predicted.

    Raises what the first case raised that could not be read.
    """
    left = [case for case in cases if not (out / f"{case.patient}{SUFFIX}").exists()]
    unreadable: list[BaseException] = []
    beside = max(1, threads - 1) if predictor.on_card else 1
    with closing(read_ahead(predictor.read, left)) as readings, Workers(beside) as workers:
        for done, case in enumerate(cases):
            progress(done, len(cases))
            if case not in left:
                continue
            reading = next(readings)
            if error := reading.exception():
                unreadable.append(error)
            else:
                _predict(predictor, reading.result(), PatientMaps(case.patient, out, members), workers)
    if unreadable:
        raise unreadable[0]
    progress(len(cases), len(cases))


def _predict(predictor: Predictor, given: Any, maps: PatientMaps, workers: Workers) -> None:
    models = 0
    for output in _named(predictor.outputs(given), maps.patient):
        workers(maps.take, models, output)
        models += 1
    workers(maps.close, models)


def _named(outputs: Iterable[Output], patient: str) -> Iterator[Output]:
    with naming(patient):
        yield from outputs


class PatientMaps:
    """The maps of one patient, which threads finish and write in any order; that of the mean is written last."""

    def __init__(self, patient: str, out: Path, members: Sequence[str]) -> None:
        """Begin without any map."""
        self.patient, self._out, self._members = patient, out, members
        self._lock, self._mean, self._taken = Lock(), Mean(), 0
        self._models: int | None = None
        self._restore: Callable[[NDArray[np.float32]], Image] | None = None

    def take(self, place: int, output: Output) -> None:
        """Finish the map of the model at ``place``, add it to the mean, and write it if it has a name."""
        with naming(self.patient):
            probability = output.probability()
            self._mean.add(place, probability)
            self._restore = output.restore
            if self._members:
                save_member(output.restore(probability), self._out / member_file(self._members[place], self.patient))
            self._write_after_the_last(taken=1)

    def close(self, models: int) -> None:
        """Say how many models there are; each has been or will be taken."""
        with naming(self.patient):
            self._models = models
            self._write_after_the_last(taken=0)

    def _write_after_the_last(self, taken: int) -> None:
        with self._lock:
            self._taken += taken
            complete = self._taken == self._models
            restore, self._restore = self._restore, None if complete else self._restore
        if complete and restore:
            # Written last, so that a patient who has it has all maps.
            save_probability(restore(self._mean.value()), self._out / f"{self.patient}{SUFFIX}")
