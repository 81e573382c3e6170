"""What only the voxels tell: damaged or empty images, masks that are no masks, and the volumes that were annotated."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from residua.cluster.pool import over_all
from residua.cohort.checks.cache import Cache
from residua.cohort.checks.duplicates import same_voxels
from residua.cohort.checks.facts import Facts, facts_of, read_whole
from residua.cohort.checks.faults import Fault, problem_of
from residua.cohort.checks.headers import header_problems
from residua.cohort.checks.image_faults import image_faults
from residua.cohort.checks.labels import (
    brain_faults,
    brain_mask_faults,
    label_faults,
    outside_brain,
    place_faults,
    placement,
    volume_faults,
)
from residua.cohort.table.files import Kind
from residua.cohort.table.patients import Patient
from residua.errors import ResiduaError
from residua.images.heads import Head, head_of
from residua.images.volumes import Image
from residua.problems.problem import Problem, errors_of

BRAIN_MASK = "brain_mask"
CHECK_FAILED = "check-failed"
"""The check itself failed; the patient may be sound."""
_COPY_AGAIN = "copy or convert it again, or set role to exclude"
_Record = dict[str, Any]


def check_voxels(
    patients: Iterable[Patient],
    kinds: Mapping[str, Kind],
    drawn_on: Mapping[str, str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> _Record:
    """Read every file of the columns in ``kinds`` and return builtins for JSON; excluded patients are not looked at.

    ``problems``: records of everything that the voxels are wrong in, in the order of the patients. ``residual_ml`` and
    so on for every label: the annotated volume (ml) by patient, measured on the mask's own grid. ``grids``: shape and
    spacing (mm) in RAS+ order by patient and column. ``digests``: that of the voxels by patient and image column.

    ``drawn_on`` names the sequence of each label and of the brain mask; without it they are not compared with images.
    ``cache`` is a folder that keeps what was read: unchanged files are not read again. ``workers`` processes share the
    patients; what one cannot read, or dies of, is a problem of that patient. ``progress`` is told the patients done and
    all patients. Files that do not exist are left to ``check_files``. Never raises for what a file holds.
    """
    members = [patient for patient in patients if not patient.excluded]
    work = partial(_judged, kinds=dict(kinds), drawn_on=dict(drawn_on or {}), cache=cache)
    done: list[None] = []

    def told() -> None:
        done.append(None)
        progress(len(done), len(members))

    found = over_all(work, members, min(workers, len(members)), _died, told)
    labels = [column for column, kind in kinds.items() if kind == "label"]
    return {
        "problems": [problem for record in found for problem in record["problems"]],
        "grids": {record["patient"]: record["grids"] for record in found},
        "digests": {record["patient"]: record["digests"] for record in found},
        **{f"{c}_ml": {r["patient"]: r["volumes_ml"][c] for r in found if c in r["volumes_ml"]} for c in labels},
    }


def _judged(patient: Patient, kinds: dict[str, Kind], drawn_on: dict[str, str], cache: Any) -> _Record:
    try:
        files = _Files(patient, kinds, drawn_on, Cache(cache))
        facts = files.all_facts()
        problems = [*files.problems, *_alone(patient, kinds, facts), *_placed(files, facts), *_compared(files, facts)]
    except Exception as error:
        what = f"the images of this patient cannot be looked at ({type(error).__name__}: {error})"
        return _record(patient, [_problem(patient, None, Fault(CHECK_FAILED, what, _COPY_AGAIN))])
    record = _record(patient, sorted(problems, key=lambda problem: list(kinds).index(problem.column or "")))
    for column, known in facts.items():
        record["grids"][column] = {"shape": list(known.shape), "spacing_mm": list(known.spacing_mm)}
        if kinds[column] == "image" and known.minimum < known.maximum:
            record["digests"][column] = known.digest
        if kinds[column] == "label":
            record["volumes_ml"][column] = known.volume_ml
    return record


def _died(patient: Patient) -> _Record:
    what = "the process that read this patient's images died, perhaps for want of memory"
    remedy = "see whether they open in a viewer; give the check more memory or fewer workers"
    return _record(patient, [_problem(patient, None, Fault(CHECK_FAILED, what, remedy))])


def _record(patient: Patient, problems: Sequence[Problem]) -> _Record:
    records = [problem.to_json() for problem in problems]
    return {"patient": patient.patient, "problems": records, "grids": {}, "digests": {}, "volumes_ml": {}}


def _problem(patient: Patient, column: str | None, fault: Fault) -> Problem:
    return problem_of(patient, column, patient.files[column] if column else None, fault)


class _UnusableError(Exception):
    """A file that cannot be read, for these problems."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


class _Files:
    """The files of a patient; one is read when the cache does not know what is asked of it.

    Of what was read stay masks, as booleans, and coarse outlines of heads.
    """

    def __init__(self, patient: Patient, kinds: dict[str, Kind], drawn_on: dict[str, str], cache: Cache) -> None:
        self.patient, self.kinds, self.drawn_on, self.cache = patient, kinds, drawn_on, cache
        self.problems: list[Problem] = []
        self._heads: dict[str, Head] = {}
        self._masks: dict[str, Image] = {}

    def all_facts(self) -> dict[str, Facts]:
        """The facts of every file that can be read; what keeps others from it is added to ``problems``."""
        found: dict[str, Facts] = {}
        for column in self.kinds:
            path = self.patient.files.get(column)
            if path is None or not os.path.isfile(path):
                continue
            try:
                found[column] = self._facts(column, path)
            except _UnusableError as unusable:
                self.problems += unusable.problems
        return found

    def placement(self, label: str, sequence: str) -> _Record:
        """How a label lies on the head that a sequence shows."""
        return self._about("placement", label, sequence, lambda: placement(self._mask(label), self._head(sequence)))

    def outside_brain(self, label: str) -> _Record:
        """How much of a label lies outside the brain mask."""
        return self._about(
            "outside_brain", label, BRAIN_MASK, lambda: outside_brain(self._mask(label), self._mask(BRAIN_MASK))
        )

    def _about(self, what: str, one: str, other: str, measure: Callable[[], dict[str, float]]) -> _Record:
        return self.cache.recall(what, [self.patient.files[one], self.patient.files[other]], measure)

    def _facts(self, column: str, path: str) -> Facts:
        try:
            return Facts.from_json(self.cache.recall("facts", [path], lambda: facts_of(self._read(column)).to_json()))
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
            raise _UnusableError(broken)
        try:
            image = read_whole(path)
        except ResiduaError as error:
            raise self._unreadable(column, str(error).removeprefix(f"{path}: ")) from None
        if column in self.drawn_on.values():
            self._heads[column] = head_of(image)
        if column in self.drawn_on:
            self._masks[column] = Image(image.data > 0.5, image.grid)
        return image

    def _unreadable(self, column: str, what: str) -> _UnusableError:
        return _UnusableError([_problem(self.patient, column, Fault("voxels-unreadable", what, _COPY_AGAIN))])


def _alone(patient: Patient, kinds: Mapping[str, Kind], facts: Mapping[str, Facts]) -> list[Problem]:
    problems = []
    for column, known in facts.items():
        faults = image_faults(known) if kinds[column] == "image" else label_faults(known)
        if column == BRAIN_MASK and not faults:
            faults = brain_mask_faults(known)
        problems += [_problem(patient, column, fault) for fault in faults]
    return problems


def _placed(files: _Files, facts: Mapping[str, Facts]) -> list[Problem]:
    """Faults of labels on the image that they were drawn on, and under the brain mask."""
    problems = []
    for label, sequence in files.drawn_on.items():
        comparable = files.kinds.get(label) == "label" and label in facts and sequence in facts
        if not comparable or not facts[label].marked or label_faults(facts[label]):
            continue
        faults = place_faults(facts[label], sequence, files.placement(label, sequence))
        if not faults and BRAIN_MASK in facts and files.drawn_on.get(BRAIN_MASK) == sequence:
            faults = brain_faults(files.outside_brain(label))
        problems += [_problem(files.patient, label, fault) for fault in faults]
    return problems


def _compared(files: _Files, facts: Mapping[str, Facts]) -> list[Problem]:
    """Faults between the files of a patient: sequences that are one image, volumes that contradict each other."""
    images = {column: known for column, known in facts.items() if files.kinds[column] == "image"}
    labels = {c: known for c, known in facts.items() if files.kinds[c] == "label" and not label_faults(known)}
    faults = [*same_voxels(images), *volume_faults(labels)]
    return [_problem(files.patient, column, fault) for column, fault in faults]
