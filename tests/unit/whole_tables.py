"""Tables of a study that must be sound: what their readers find, or one error that lists every problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from residua.cohort.split.folds import assign
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.cohort.table.patients import parse_table
from residua.cohort.table.rater_table import Raters, judged_raters
from residua.problems.lists import raise_problems
from residua.settings.study import Study


def read_patients(path: str, file_columns: Iterable[str], needed: Iterable[str] | None = None) -> tuple[Patient, ...]:
    """The patients of a cohort table. Raises ``ResiduaError``."""
    table = parse_table(path, file_columns, needed)
    raise_problems(table.problems, f"{path}: the cohort table cannot be used")
    return table.patients


def load_raters(path: str, holdout: Sequence[str], excluded: Sequence[str], included: Sequence[str] = ()) -> Raters:
    """The ratings of a rater table. Raises ``ResiduaError``."""
    raters, problems = judged_raters(path, holdout, excluded, included)
    raise_problems(problems, f"{path}: the rater table cannot be used")
    return raters


def split_patients(
    study: Study, patients: Iterable[Patient], placement: Mapping[int, Sequence[str]] | None = None
) -> Split:
    """The split of the patients. Raises ``ResiduaError``."""
    split, problems = assign(study, tuple(patients), placement)
    raise_problems(problems, "The cohort does not fit the folds of the configuration")
    return split
