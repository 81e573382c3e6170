"""Simulate a whole cohort: images of every patient, the cohort table, the rater table and the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import NoReturn

from residua.cluster.pool import over_all
from residua.errors import ResiduaError
from residua.publishing.publish import read_json, write_json, write_text
from residua.settings.columns import SURVIVAL
from residua.simulate.design import Design, load_design
from residua.simulate.patient import Row, simulate_patient
from residua.simulate.plan import Assignment, planned
from residua.simulate.tissues import CODES

VERSION = 4
"""Increases when the same seed gives other voxels."""

_COHORT_COLUMNS = (
    *("patient", "hospital", "role", "exclusion_reason", "post_t1ce", "post_t1", "post_flair", "pre_t1ce"),
    *("residual", "pre_tumor", "brain_mask"),
    *("hours_since_surgery", "age", "sex", "field_strength_t", "manufacturer"),
)
_RATER_COLUMNS = ("patient", "rater", "expertise", "mask")


def simulate_cohort(
    out: Path,
    patients: int = 24,
    seed: int = 1,
    processes: int = 2,
    like: str = "toy",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a simulated cohort below ``out`` and return the path of its ``cohort.tsv``, which is written last.

    ``like`` names a packaged design or a YAML file; ``plan.planned`` assigns the patients to hospitals. Patient number
    k depends on the design, ``seed`` and k only. Finished patients of an interrupted call, or of a smaller cohort with
    the same design and seed, are kept. ``progress`` is called with the number of finished patients and of all patients.
    Raises ``ResiduaError`` for too few patients, an invalid design, or a folder with another cohort.
    """
    design = load_design(like)
    plan = planned(patients, design)
    _claim(out, {"design": design.digest(), "seed": seed, "version": VERSION})
    waiting = [assignment for assignment in plan if not _rows_of(out, assignment).is_file()]
    done = count(1)

    def report() -> None:
        if progress is not None:
            progress(next(done), len(plan))

    for _ in range(len(plan) - len(waiting)):
        report()
    make = partial(_make, out=out, seed=seed, design=design)
    over_all(make, waiting, min(processes, len(waiting)), _killed, report)
    made: list[tuple[Row, list[Row]]] = [read_json(_rows_of(out, assignment)) for assignment in plan]
    rows, ratings = [row for row, _ in made], [rating for _, rated in made for rating in rated]
    write_json(out / "truth" / "tissues.json", CODES)
    write_text(out / "raters.tsv", _tsv(_RATER_COLUMNS, ratings))
    columns = (*_COHORT_COLUMNS, *SURVIVAL) if design.survival else _COHORT_COLUMNS
    write_text(out / "cohort.tsv", _tsv(columns, rows))
    return out / "cohort.tsv"


def _claim(out: Path, simulation: dict[str, str | int]) -> None:
    """Record in ``out`` which cohort it contains; raise ``ResiduaError`` if it contains anything else."""
    claimed = out / "truth" / "simulation.json"
    if not claimed.exists():
        if out.exists() and any(out.iterdir()):
            raise ResiduaError(f"{out} is not empty and contains no simulated cohort: name a new folder")
        write_json(claimed, simulation)
    elif read_json(claimed) != simulation:
        raise ResiduaError(f"{out} contains a cohort of another seed, design or version: name a new folder")


def _make(assignment: Assignment, out: Path, seed: int, design: Design) -> None:
    patient = simulate_patient(out, seed, assignment, design)
    # Written last: a patient with it is complete.
    write_json(_rows_of(out, assignment), patient)


def _killed(assignment: Assignment) -> NoReturn:
    raise ResiduaError(
        f"patient {assignment.patient}: the process that simulated it was killed, probably because memory ran out; "
        "run the same command with fewer --workers: finished patients are kept"
    )


def _rows_of(out: Path, assignment: Assignment) -> Path:
    return out / "truth" / assignment.patient / "rows.json"


def _tsv(columns: tuple[str, ...], rows: list[Row]) -> str:
    lines = ["\t".join(columns), *("\t".join(row[column] for column in columns) for row in rows)]
    return "\n".join(lines) + "\n"
