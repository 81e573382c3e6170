"""The rater table: one row per mask that a human rater drew of a held-out patient, checked like the cohort table."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from residua.cohort.table.expertise import EXPERTISES, GROUPS, Expertise
from residua.cohort.table.lines import MISSING, Line, column_problems, read_lines, width_problems
from residua.cohort.table.paths import plain_path
from residua.cohort.table.patient import Patient
from residua.cohort.table.rows import RaterRow, folder_problems, path_problem, wrong_cells
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.base import IDENTIFIER
from residua.settings.networks import known_networks

COLUMNS = ("patient", "rater", "expertise", "mask")
_ON_THE_TEST_SET = "the inter-rater study compares with the test set's predictions"


@dataclass(frozen=True)
class Rating:
    """One rater's mask of one patient, drawn on the reference sequence."""

    patient: str
    rater: str
    expertise: Expertise
    mask: str
    row: int | None = None

    def as_patient(self) -> Patient:
        """Return the patient with this mask as the only file, for the checks of the cohort's files."""
        return Patient(self.patient, "", "holdout", "", self.row, {"mask": self.mask})


@dataclass(frozen=True)
class Raters:
    """All ratings in the order of the table, and the excluded patients whose rows were skipped."""

    ratings: tuple[Rating, ...]
    left_out: tuple[str, ...] = ()

    @property
    def patients(self) -> tuple[str, ...]:
        """Return every rated patient once, in the order of the table."""
        return tuple(dict.fromkeys(rating.patient for rating in self.ratings))


@dataclass(frozen=True)
class _Row:
    """The cells of one row that are not missing; the path of a mask is joined to the table's folder, if it is one."""

    row: int
    cells: Mapping[str, str]

    def problem(self, column: str | None, check: str, what: str, remedy: str) -> Problem:
        return problem_of(check, what, remedy, self.cells.get("patient"), column, self.row)

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        return [replace(problem, patient=self.cells.get("patient"), row=self.row) for problem in problems]


def judged_raters(
    path: str, holdout: Sequence[str], excluded: Sequence[str], included: Sequence[str] = ()
) -> tuple[Raters, list[Problem]]:
    """Read a table with the columns ``patient, rater, expertise, mask``: the ratings, and all its problems.

    ``holdout`` and ``excluded`` are patients of the cohort table; ``included``, all that are not excluded, tells a
    patient of a fold from an unknown one. Masks are relative to the table; the paths returned are joined to its folder
    as ``path`` gives it and never made absolute. Checks that the masks exist and opens none. Never raises.
    """
    lines, problems = read_lines(path, "patient and rater")
    if not lines:
        return Raters(()), problems
    header, *records = lines
    problems += [*column_problems(header, COLUMNS, COLUMNS), *folder_problems(path)]
    if not records:
        what, remedy = "the table has no rating", "add one row per patient and rater"
        problems.append(problem_of("table-empty", what, remedy, file=path))
    if not records or not set(COLUMNS) <= set(header.cells):
        return Raters(()), problems
    every = [_row(header, line, os.path.dirname(path)) for line in records]
    rows = [row for row in every if row.cells.get("patient") not in excluded]
    widths = {line.row: width_problems(line, len(header.cells)) for line in records}
    for row in rows:
        problems += [*row.located(widths[row.row]), *_cell_problems(row)]
    problems += [*_patient_problems(rows, holdout, included), *_rater_problems(rows)]
    problems += [*_repeated(rows), *_repeated_masks(rows)]
    if not rows:
        remedy = "rate patients that are not excluded, or set raters to null in the config"
        what = "every patient of the table is excluded from the cohort"
        problems.append(problem_of("ratings-excluded", what, remedy, file=path))
    left_out = dict.fromkeys(row.cells["patient"] for row in every if row.cells.get("patient") in excluded)
    raters = Raters(tuple(rating for row in rows for rating in _ratings(row)), tuple(left_out))
    return raters, sorted(problems, key=lambda problem: problem.row or 0)


def _row(header: Line, line: Line, folder: str) -> _Row:
    cells = {column: cell for column, cell in zip(header.cells, line.cells, strict=False) if cell not in MISSING}
    if "mask" in cells and not path_problem(cells["mask"]):
        cells["mask"] = plain_path(os.path.join(folder, cells["mask"]))
    return _Row(line.row, cells)


def _ratings(row: _Row) -> list[Rating]:
    """Return the row's rating, or none when a cell that it needs is missing or unknown."""
    if not set(COLUMNS) <= set(row.cells):
        return []
    patient, rater, mask = row.cells["patient"], row.cells["rater"], row.cells["mask"]
    return [Rating(patient, rater, each, mask, row.row) for each in EXPERTISES if each == row.cells["expertise"]]


def _cell_problems(row: _Row) -> list[Problem]:
    problems = row.located(wrong_cells(RaterRow, row.cells, ("patient", "rater", "expertise")))
    mask = row.cells.get("mask")
    if mask is None:
        remedy = "give the mask (an empty mask means no tumour), or remove the row"
        problems.append(row.problem("mask", "mask-missing", "no file is given", remedy))
    elif problem := path_problem(mask):
        problems += row.located([replace(problem, subject="mask")])
    elif not os.path.isfile(mask):
        there = os.path.exists(mask)
        what, check = ("not a file", "file-not-a-file") if there else ("the file does not exist", "file-missing")
        remedy = "give the path of the NIfTI file itself" if there else "correct the path (relative to the table)"
        problems.append(replace(row.problem("mask", check, what, remedy), file=mask))
    return problems


def _patient_problems(rows: Iterable[_Row], holdout: Collection[str], included: Collection[str]) -> list[Problem]:
    problems = []
    for patient, members in _by("patient", rows).items():
        if patient in holdout or not re.fullmatch(IDENTIFIER, patient):
            continue
        close = get_close_matches(patient, holdout, n=1)
        if patient in included:
            what, remedy = "the patient is not in the hold-out", "remove the row"
        else:
            what = "the cohort table has no patient of this name in the hold-out"
            remedy = f"did you mean {close[0]}?" if close else "correct the name or remove the row"
        what += f" ({len(members)} rows)" if len(members) > 1 else ""
        problems.append(members[0].problem("patient", "rated-not-held-out", what, f"{remedy}; {_ON_THE_TEST_SET}"))
    return problems


def _rater_problems(rows: Iterable[_Row]) -> list[Problem]:
    reserved = {*GROUPS, "consensus", *known_networks()}
    spelt: dict[str, tuple[str, int]] = {}
    problems = []
    for rater, members in _by("rater", rows).items():
        first = members[0]
        if rater.casefold() in reserved:
            what = f"{rater!r} is the name of a group of raters, the consensus or a network"
            remedy = "give the rater another name, such as expert1"
            problems.append(first.problem("rater", "rater-reserved", what, remedy))
        other, row = spelt.setdefault(rater.casefold(), (rater, first.row))
        if other != rater:
            what = f"the rater differs from {other} in row {row} by upper and lower case only"
            problems.append(first.problem("rater", "rater-case", what, "write every rater's name in the same way"))
        problems += _expertise_problems(rater, members)
    return problems


def _expertise_problems(rater: str, members: Iterable[_Row]) -> list[Problem]:
    known = [row for row in members if row.cells.get("expertise") in EXPERTISES]
    first = {row.cells["expertise"]: row for row in reversed(known)}
    if len(first) < 2:
        return []
    one, two = sorted(first.values(), key=lambda row: row.row)
    what = f"{rater} is {two.cells['expertise']} here and {one.cells['expertise']} in row {one.row}"
    return [two.problem("expertise", "rater-expertise", what, "give every rater one expertise")]


def _repeated(rows: Iterable[_Row]) -> list[Problem]:
    first: dict[tuple[str, str], int] = {}
    problems = []
    for row in rows:
        patient, rater = row.cells.get("patient", ""), row.cells.get("rater", "")
        if not (patient and rater):
            continue
        earlier = first.setdefault((patient, rater), row.row)
        if earlier != row.row:
            what = f"{rater} has also rated this patient in row {earlier}"
            problems.append(row.problem("rater", "rating-repeated", what, "give every patient and rater one row"))
    return problems


def _repeated_masks(rows: Iterable[_Row]) -> list[Problem]:
    """Return an error for each mask of an earlier row, unless rater and patient are the same: reported already."""
    first: dict[str, _Row] = {}
    problems = []
    for row in rows:
        mask = row.cells.get("mask")
        place = os.path.realpath(mask) if mask and os.path.exists(mask) else mask
        earlier = first.setdefault(place, row) if place else row
        if any(earlier.cells.get(column) != row.cells.get(column) for column in ("patient", "rater")):
            what = f"the same file as in row {earlier.row}"
            problem = row.problem("mask", "mask-repeated", what, "give every rating a mask of its own")
            problems.append(replace(problem, file=mask))
    return problems


def _by(column: str, rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    """Return the rows by the value of a column, in the order of the table."""
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        if column in row.cells:
            groups.setdefault(row.cells[column], []).append(row)
    return groups
