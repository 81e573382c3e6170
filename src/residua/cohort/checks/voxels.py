"""Checks that read voxels: damaged or empty images, masks that are not masks, and the annotated volumes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from residua.cluster.pool import over_all
from residua.cohort.checks.cache import Cache
from residua.cohort.checks.duplicates import same_voxels
from residua.cohort.checks.facts import Facts, facts_of
from residua.cohort.checks.headers import header_problems
from residua.cohort.checks.image_values import COPY_AGAIN, image_problems
from residua.cohort.checks.labels import (
    brain_mask_problems,
    brain_problems,
    label_problems,
    outside_brain,
    place_problems,
    position_on_head,
    probability_problems,
    volume_problems,
)
from residua.cohort.checks.located import UnusableFileError, located
from residua.cohort.table.files import Kind
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.images.background import looks_stripped
from residua.images.heads import Head, head_of
from residua.images.volumes import Image, load
from residua.problems.lists import errors_of
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

BRAIN_MASK = "brain_mask"
_FACTS = "facts"
CHECK_FAILED = "check-failed"
"""The check itself failed; the patient's images may be right."""
_Record = dict[str, Any]


def check_voxels(
    patients: Iterable[Patient],
    kinds: Mapping[str, Kind],
    drawn_on: Mapping[str, str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> _Record:
    """Read every file of the columns in ``kinds`` and return builtins for JSON; excluded patients are skipped.

    ``problems``: records of all problems of the voxels, in the order of the patients. ``residual_ml`` and
    so on for every label: the annotated volume (ml) by patient, measured on the mask's own grid. ``grids``: shape and
    spacing (mm) in RAS+ order by patient and column. ``digests`` and ``fingerprints``: those of the voxels (``Facts``)
    by patient and image column.
    ``stripped``: by patient, whether the sequence that is stripped shows a brain alone.

    ``drawn_on`` names the sequence of each label and of the brain mask; without it they are not compared with images.
    ``cache`` is a folder that keeps what was read: unchanged files are not read again. ``workers`` processes share the
    patients; if one fails or dies, that is a problem of its patient. ``progress`` gets the numbers of finished and
    of all patients. Files that do not exist are left to ``check_files``. Never raises for what a file holds.
    """
    members = [patient for patient in patients if not patient.excluded]
    work = partial(_judged, kinds=dict(kinds), drawn_on=dict(drawn_on or {}), cache=cache)
    done: list[None] = []

    def count() -> None:
        done.append(None)
        progress(len(done), len(members))

    records = over_all(work, members, _useful(workers, members, kinds, Cache(cache)), _died, count)
    labels = [column for column, kind in kinds.items() if kind == "label"]
    return {
        "problems": [problem for record in records for problem in record["problems"]],
        "grids": {record["patient"]: record["grids"] for record in records},
        "digests": {record["patient"]: record["digests"] for record in records},
        "fingerprints": {record["patient"]: record["fingerprints"] for record in records},
        "stripped": {record["patient"]: record["stripped"] for record in records if record["stripped"] is not None},
        **{f"{c}_ml": {r["patient"]: r["volumes_ml"][c] for r in records if c in r["volumes_ml"]} for c in labels},
    }


def _useful(workers: int, members: Sequence[Patient], kinds: Mapping[str, Kind], cache: Cache) -> int:
    """Return how many of the processes have a patient to read."""
    # A process takes longer to start than to look up what is known of a hundred patients.
    unknown = (patient for patient in members if not _known(patient, kinds, cache))
    return len(list(islice(unknown, workers)))


def _known(patient: Patient, kinds: Mapping[str, Kind], cache: Cache) -> bool:
    files = (patient.files[column] for column in kinds if column in patient.files)
    return all(cache.knows(_FACTS, path) for path in files if os.path.isfile(path))


def _judged(patient: Patient, kinds: dict[str, Kind], drawn_on: dict[str, str], cache: Any) -> _Record:
    try:
        files = _Files(patient, kinds, drawn_on, Cache(cache))
        facts = files.all_facts()
        problems = [*files.problems, *_alone(patient, kinds, facts), *_placed(files, facts), *_compared(files, facts)]
        reference = drawn_on.get(BRAIN_MASK)
        stripped = files.looks_stripped(reference) if reference in facts else None
    except Exception as error:
        what = f"the images of this patient cannot be checked ({type(error).__name__}: {error})"
        return _record(patient, [located(problem_of(CHECK_FAILED, what, COPY_AGAIN), patient, None, None)])
    record = _record(patient, sorted(problems, key=lambda problem: list(kinds).index(problem.subject or "")))
    record["stripped"] = stripped
    for column, known in facts.items():
        record["grids"][column] = {"shape": list(known.shape), "spacing_mm": list(known.spacing_mm)}
        if kinds[column] == "image" and known.minimum < known.maximum:
            record["digests"][column] = known.digest
            record["fingerprints"][column] = known.fingerprint
        if kinds[column] == "label":
            record["volumes_ml"][column] = known.volume_ml
    return record


def _died(patient: Patient) -> _Record:
    what = "the process that read this patient's images died, perhaps for lack of memory"
    remedy = "check whether they open in a viewer; give the check more memory or fewer workers"
    return _record(patient, [located(problem_of(CHECK_FAILED, what, remedy), patient, None, None)])


def _record(patient: Patient, problems: Sequence[Problem]) -> _Record:
    records = [problem.to_json() for problem in problems]
    nothing: _Record = {name: {} for name in ("grids", "digests", "fingerprints", "volumes_ml")}
    return {"patient": patient.patient, "problems": records, "stripped": None, **nothing}


def _in_file(problem: Problem, patient: Patient, column: str) -> Problem:
    return located(problem, patient, column, patient.files[column])


class _Files:
    """The files of a patient; a file is read only when the cache lacks a measurement of it.

    Only masks (booleans) and coarse outlines of heads stay in memory.
    """

    def __init__(self, patient: Patient, kinds: dict[str, Kind], drawn_on: dict[str, str], cache: Cache) -> None:
        self.patient, self.kinds, self.drawn_on, self.cache = patient, kinds, drawn_on, cache
        self.problems: list[Problem] = []
        self._heads: dict[str, Head] = {}
        self._masks: dict[str, Image] = {}

    def all_facts(self) -> dict[str, Facts]:
        """Return the facts of every file that can be read; the problems of the others are added to ``problems``."""
        facts: dict[str, Facts] = {}
        for column in self.kinds:
            path = self.patient.files.get(column)
            if path is None or not os.path.isfile(path):
                continue
            try:
                facts[column] = self._facts(column, path)
            except UnusableFileError as unusable:
                self.problems += unusable.problems
        return facts

    def looks_stripped(self, column: str) -> bool:
        """Return whether an image shows a brain alone."""

        def measure() -> _Record:
            return {"stripped": looks_stripped(self._read(column))}

        return bool(self.cache.recall("stripped", [self.patient.files[column]], measure)["stripped"])

    def position_on_head(self, label: str, sequence: str) -> _Record:
        """Measure where a label lies on the head that a sequence shows."""
        # The cache keeps this under the name that it has always had.
        return self._about(
            "placement", label, sequence, lambda: position_on_head(self._mask(label), self._head(sequence))
        )

    def outside_brain(self, label: str) -> _Record:
        """Measure how much of a label lies outside the brain mask."""
        return self._about(
            "outside_brain", label, BRAIN_MASK, lambda: outside_brain(self._mask(label), self._mask(BRAIN_MASK))
        )

    def _about(self, what: str, one: str, other: str, measure: Callable[[], dict[str, float]]) -> _Record:
        return self.cache.recall(what, [self.patient.files[one], self.patient.files[other]], measure)

    def _facts(self, column: str, path: str) -> Facts:
        try:
            return Facts.from_json(self.cache.recall(_FACTS, [path], lambda: facts_of(self._read(column)).to_json()))
        except OSError as error:
            raise self._unreadable(column, f"cannot be read ({error.strerror})") from None

    def _head(self, column: str) -> Head:
        if column not in self._heads:
            self._read(column)
        return self._heads[column]

    def _mask(self, column: str) -> Image:
        if column not in self._masks:
            self._read(column)
        return self._masks[column]

    def _read(self, column: str) -> Image:
        path = self.patient.files[column]
        broken = errors_of(header_problems(self.patient, column, path))
        if broken:
            raise UnusableFileError(*broken)
        try:
            image = load(path)
        except ResiduaError as error:
            raise self._unreadable(column, str(error).removeprefix(f"{path}: ")) from None
        if column in self.drawn_on.values():
            self._heads[column] = head_of(image)
        if column in self.drawn_on:
            self._masks[column] = Image(image.data > 0.5, image.grid)
        return image

    def _unreadable(self, column: str, what: str) -> UnusableFileError:
        return UnusableFileError(_in_file(problem_of("voxels-unreadable", what, COPY_AGAIN), self.patient, column))


def _alone(patient: Patient, kinds: Mapping[str, Kind], facts: Mapping[str, Facts]) -> list[Problem]:
    problems = []
    judges = {"image": image_problems, "probabilities": probability_problems}
    for column, known in facts.items():
        own = judges.get(kinds[column], label_problems)(known)
        if column == BRAIN_MASK and not own:
            own = brain_mask_problems(known)
        problems += [_in_file(problem, patient, column) for problem in own]
    return problems


def _placed(files: _Files, facts: Mapping[str, Facts]) -> list[Problem]:
    """Return the problems of where labels lie in their images, and in the brain mask."""
    problems = []
    for label, sequence in files.drawn_on.items():
        comparable = files.kinds.get(label) == "label" and label in facts and sequence in facts
        if not comparable or not facts[label].marked or label_problems(facts[label]):
            continue
        own = place_problems(facts[label], sequence, files.position_on_head(label, sequence))
        if not own and BRAIN_MASK in facts and files.drawn_on.get(BRAIN_MASK) == sequence:
            own = brain_problems(files.outside_brain(label))
        problems += [_in_file(problem, files.patient, label) for problem in own]
    return problems


def _compared(files: _Files, facts: Mapping[str, Facts]) -> list[Problem]:
    """Return the problems between a patient's files: two sequences with one image, contradicting volumes."""
    images = {column: known for column, known in facts.items() if files.kinds[column] == "image"}
    labels = {c: known for c, known in facts.items() if files.kinds[c] == "label" and not label_problems(known)}
    pairs = [*same_voxels(images), *volume_problems(labels)]
    return [_in_file(problem, files.patient, column) for column, problem in pairs]
