"""The output of ``residua folds``: the patients of each fold, and how similar the folds are."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from residua.cohort.checks.positives import positive_patients
from residua.cohort.cohort import judged_cohort
from residua.cohort.commands.standing import excluded_at_start
from residua.cohort.places import RESULTS
from residua.cohort.split.fold_contents import fold_table
from residua.cohort.split.fold_kinds import fold_kind_problems
from residua.cohort.split.folds import PLACEMENT
from residua.cohort.split.frozen import changed_folds
from residua.cohort.split.persons import PERSONS
from residua.problems.lists import raise_problems
from residua.settings.study import Study
from residua.terminal import plain_console


def show_folds(study: Study, table: Path, cache: Path) -> None:
    """Print hospitals, patients and residual tumour of each fold and of the hold-out, and warnings.

    Patients whom a start would exclude (``on_invalid: exclude``) are left out, as far as missing files, headers and
    earlier runs tell. The masks are read, unless ``cache`` holds their volumes. Raises ``ResiduaError`` when the split
    has errors.
    """
    cohort, problems = judged_cohort(study, str(table), excluded_at_start(study, str(table), RESULTS))
    problems += changed_folds(PLACEMENT, PERSONS)
    raise_problems(problems, f"{table}: the study cannot run on this cohort")
    patients = [patient for patient in cohort.patients.values() if not patient.excluded]
    positive = positive_patients(patients, study.classification.residual_tumor_ml, cache)
    shown = Table("fold", "hospitals", "patients", "RT", "GTR", "RT (%)", box=None, header_style="bold")
    for row in fold_table(cohort.split, positive):
        ratio = "n/a" if row.rt_ratio_percent is None else f"{row.rt_ratio_percent:.1f}"
        counts = (row.patients, row.residual_tumor, row.gross_total_resection)
        shown.add_row(row.name, ", ".join(row.hospitals), *map(str, counts), ratio)
    console = plain_console(soft_wrap=True, highlight=False)
    console.print(shown)
    for problem in fold_kind_problems(study, cohort.split, positive):
        console.print(f"{problem.severity}: {problem}")
