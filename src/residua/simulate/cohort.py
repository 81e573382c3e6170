"""Simulate a whole cohort: images of every patient, the cohort table, the rater table and the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from residua.publish import write_text
from residua.simulate.hospitals import Assignment, Like, planned
from residua.simulate.patient import Row, simulate_patient

_COHORT_COLUMNS = (
    *("patient", "hospital", "role", "exclusion_reason", "post_t1ce", "post_t1", "post_flair", "pre_t1ce"),
    *("residual", "pre_tumor", "brain_mask"),
    *("hours_since_surgery", "age", "sex", "field_strength_t", "manufacturer"),
)
_RATER_COLUMNS = ("patient", "rater", "expertise", "mask")
_Patient = tuple[Row, list[Row]]


def simulate_cohort(
    out: Path,
    patients: int = 24,
    seed: int = 1,
    processes: int = 2,
    like: Like = "toy",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulated cohort below ``out`` and return the path of its ``cohort.tsv``, which is written last.

    ``like`` is "toy" (at least 24 patients of 7 hospitals, 2 mm voxels) or "micro" (at least 8 patients of 3 hospitals,
    about 3 mm). ``hospitals.planned`` says which patient is whose. Patient number k depends on ``seed`` and k only.
    ``progress`` is called with the patients done and all patients. Raises ``ResiduaError`` for too few patients.
    """
    plan = planned(patients, like)
    made: dict[int, _Patient] = {}
    for number, patient in _simulated(out, seed, plan, like, processes):
        made[number] = patient
        if progress is not None:
            progress(len(made), len(plan))
    rows = [made[assignment.number][0] for assignment in plan]
    ratings = [rating for assignment in plan for rating in made[assignment.number][1]]
    write_text(out / "raters.tsv", _tsv(_RATER_COLUMNS, ratings))
    write_text(out / "cohort.tsv", _tsv(_COHORT_COLUMNS, rows))
    return out / "cohort.tsv"


def _simulated(
    out: Path, seed: int, plan: list[Assignment], like: Like, processes: int
) -> Iterator[tuple[int, _Patient]]:
    if processes == 1:
        for assignment in plan:
            yield assignment.number, simulate_patient(out, seed, assignment, like)
        return
    with ProcessPoolExecutor(processes) as pool:
        tasks = {pool.submit(simulate_patient, out, seed, assignment, like): assignment for assignment in plan}
        for task in as_completed(tasks):
            yield tasks[task].number, task.result()


def _tsv(columns: tuple[str, ...], rows: list[Row]) -> str:
    lines = ["\t".join(columns), *("\t".join(row[column] for column in columns) for row in rows)]
    return "\n".join(lines) + "\n"
