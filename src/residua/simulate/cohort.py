"""Simulate a whole cohort: images of every patient, the cohort table, the rater table and the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from residua.errors import ResiduaError
from residua.publishing.publish import read_json, write_json, write_text
from residua.simulate.design import Design, load_design
from residua.simulate.patient import Row, simulate_patient
from residua.simulate.plan import Assignment, planned
from residua.simulate.tissues import CODES

VERSION = 2
"""Goes up when the same seed gives other voxels."""

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
    like: str = "toy",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulated cohort below ``out`` and return the path of its ``cohort.tsv``, which is written last.

    ``like`` names a packaged design or a YAML file; ``plan.planned`` says which patient is whose. Patient number k
    depends on the design, ``seed`` and k only. What an interrupted call made is kept, and so is a smaller cohort of the
    same design and seed. ``progress`` is called with the patients done and all patients.
    Raises ``ResiduaError`` for too few patients, a wrong design, or a folder that holds another cohort.
    """
    design = load_design(like)
    plan = planned(patients, design)
    _claim(out, {"design": design.digest(), "seed": seed, "version": VERSION})
    made: dict[int, _Patient] = {}
    for number, patient in _simulated(out, seed, plan, design, processes):
        made[number] = patient
        if progress is not None:
            progress(len(made), len(plan))
    rows = [made[assignment.number][0] for assignment in plan]
    ratings = [rating for assignment in plan for rating in made[assignment.number][1]]
    write_json(out / "truth" / "tissues.json", CODES)
    write_text(out / "raters.tsv", _tsv(_RATER_COLUMNS, ratings))
    write_text(out / "cohort.tsv", _tsv(_COHORT_COLUMNS, rows))
    return out / "cohort.tsv"


def _claim(out: Path, simulation: dict[str, str | int]) -> None:
    """Say in ``out`` which cohort it holds, or that it holds another."""
    claimed = out / "truth" / "simulation.json"
    if not claimed.exists():
        if out.exists() and any(out.iterdir()):
            raise ResiduaError(f"{out} is not empty and holds no simulated cohort: name a new folder")
        write_json(claimed, simulation)
    elif read_json(claimed) != simulation:
        raise ResiduaError(f"{out} holds a cohort of another seed, design or version: name a new folder")


def _simulated(
    out: Path, seed: int, plan: list[Assignment], design: Design, processes: int
) -> Iterator[tuple[int, _Patient]]:
    waiting = []
    for assignment in plan:
        rows = _rows_of(out, assignment)
        if rows.is_file():
            row, ratings = read_json(rows)
            yield assignment.number, (row, ratings)
        else:
            waiting.append(assignment)
    if processes == 1 or len(waiting) < 2:
        for assignment in waiting:
            yield assignment.number, _make(out, seed, assignment, design)
        return
    with ProcessPoolExecutor(processes) as pool:
        tasks = {pool.submit(_make, out, seed, assignment, design): assignment for assignment in waiting}
        try:
            for task in as_completed(tasks):
                yield tasks[task].number, task.result()
        except BrokenProcessPool:
            raise ResiduaError(
                "a process of the simulator was killed, most likely for want of memory: "
                "give it fewer --workers; what was made is kept"
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _make(out: Path, seed: int, assignment: Assignment, design: Design) -> _Patient:
    patient = simulate_patient(out, seed, assignment, design)
    # Written last: a patient with it is complete.
    write_json(_rows_of(out, assignment), patient)
    return patient


def _rows_of(out: Path, assignment: Assignment) -> Path:
    return out / "truth" / assignment.patient / "rows.json"


def _tsv(columns: tuple[str, ...], rows: list[Row]) -> str:
    lines = ["\t".join(columns), *("\t".join(row[column] for column in columns) for row in rows)]
    return "\n".join(lines) + "\n"
