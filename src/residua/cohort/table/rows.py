"""The rows of the tables as typed models: each cell is checked by its type, and each wrong cell is one problem."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.base import GRADES, IDENTIFIER
from residua.settings.places import has_braces

MOST_LETTERS = 64
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)
"""Names that no file may have on Windows."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DOUBTFUL_COMMA = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
"""A comma that separates thousands as well as decimals."""
_SEXES = {
    **dict.fromkeys(("f", "female", "w", "woman", "weiblich", "femme", "vrouw", "kvinna", "kvinne"), "F"),
    **dict.fromkeys(("m", "male", "man", "männlich", "homme", "mann"), "M"),
    **dict.fromkeys(("o", "other", "x", "d"), "O"),
}


_DEATHS = {
    **dict.fromkeys(("1", "1.0", "yes", "y", "true"), True),
    **dict.fromkeys(("0", "0.0", "no", "n", "false"), False),
}


def _wrong(check: str, what: str, remedy: str) -> PydanticCustomError:
    # The text is a value of the error, so that braces in a cell are not read as a template.
    return PydanticCustomError(check, "{what}", {"what": what, "remedy": remedy})


def _identifier(cell: Any) -> str:
    text = str(cell or "")
    if not re.fullmatch(IDENTIFIER, text):
        raise _wrong("identifier-unsafe", f"{text!r} is not an identifier", "use letters A-Z, a-z and digits only")
    if len(text) > MOST_LETTERS:
        raise _wrong("identifier-long", f"an identifier of {len(text)} letters", f"use at most {MOST_LETTERS}")
    if _RESERVED.fullmatch(text):
        raise _wrong("identifier-reserved", f"{text!r} cannot be the name of a file on Windows", "give it another name")
    return text


def _one_of(check: str, name: str, *choices: str) -> Any:
    def choose(cell: Any) -> str:
        if cell not in choices:
            remedy = f"write {', '.join(choices[:-1])} or {choices[-1]}"
            raise _wrong(check, f"unknown {name} {str(cell or '')!r}", remedy)
        return str(cell)

    return BeforeValidator(choose)


def _number(low: float, high: float, unit: str) -> Any:
    span = f"outside {low:g} to {high:g}" if math.isfinite(high) else f"less than {low:g}"

    def read(cell: Any) -> float:
        text = str(cell).strip()
        if _DOUBTFUL_COMMA.fullmatch(text):
            point = text.replace(",", ".")
            what = f"{text!r} may be {point} or {text.replace(',', '')}"
            raise _wrong("cell-not-a-number", what, f"write the number that is meant ({unit})")
        value = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            remedy = f"give a number ({unit}), or leave the cell empty"
            raise _wrong("cell-not-a-number", f"{text!r} is not a number", remedy)
        if not low <= value <= high:
            raise _wrong("value-implausible", f"{text} is {span} ({unit})", "correct it, or leave the cell empty")
        return value

    return BeforeValidator(read)


def _sex(cell: Any) -> str:
    found = _SEXES.get(str(cell).casefold())
    if found is None:
        raise _wrong("sex-unknown", f"unknown sex {str(cell)!r}", "write F, M or O, or leave the cell empty")
    return found


def _death(cell: Any) -> bool:
    found = _DEATHS.get(str(cell).strip().casefold())
    if found is None:
        remedy = "write 1 (yes) or 0 (no: alive when last seen), or leave the cell empty"
        raise _wrong("death-unknown", f"unknown death {str(cell)!r}", remedy)
    return found


def _grade(cell: Any) -> str:
    found = str(cell).casefold()
    if found not in GRADES:
        remedy = f"write {', '.join(GRADES[:-1])} or {GRADES[-1]}, or leave the cell empty"
        raise _wrong("grade-unknown", f"unknown grade {str(cell)!r}", remedy)
    return found


def path_problem(cell: str) -> Problem | None:
    """Return why the text of a cell cannot be the path of a file on this machine; None if it can."""
    if cell.startswith("~"):
        return problem_of("path-home", "a path that begins with ~ depends on the user", "write the path in full")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", cell):
        return problem_of("path-foreign", "a web address instead of a path", "copy the file here and write its path")
    if "\\" in cell:
        remedy = "write / instead of \\, and no drive letter"
        return problem_of("path-foreign", "a path as Windows writes it", remedy)
    if has_braces(cell):
        what = "a path with { or }, which the workflow would read as a placeholder"
        return problem_of("path-braces", what, "rename the file or folder")
    return None


def folder_problems(table: str) -> list[Problem]:
    """Return why no file can be named relative to the folder of a table."""
    folder = os.path.dirname(table)
    if not has_braces(folder):
        return []
    what = "the table's folder has { or } in its name, which the workflow would read as a placeholder"
    return [problem_of("path-braces", what, "rename the folder", file=table)]


Name = Annotated[str, BeforeValidator(_identifier)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class CohortRow(_Row):
    """One patient; ``table.files`` checks the columns of files."""

    patient: Name = ""
    hospital: Name = ""
    role: Annotated[
        Literal["auto", "holdout", "exclude"], _one_of("role-unknown", "role", "auto", "holdout", "exclude")
    ] = "auto"
    person: Name | None = None
    exclusion_reason: str = Field("", validate_default=True)
    source_id: str = ""
    hours_since_surgery: Annotated[float | None, _number(0, math.inf, "hours")] = None
    age: Annotated[float | None, _number(0, 120, "years")] = None
    sex: Annotated[str | None, BeforeValidator(_sex)] = None
    field_strength_t: Annotated[float | None, _number(0.05, 20, "tesla")] = None
    manufacturer: str | None = None
    annotation_quality: Annotated[str | None, BeforeValidator(_grade)] = None
    image_quality: Annotated[str | None, BeforeValidator(_grade)] = None
    survival_days: Annotated[float | None, _number(0, math.inf, "days")] = None
    death: Annotated[bool | None, BeforeValidator(_death)] = None

    @field_validator("exclusion_reason")
    @classmethod
    def _reasoned(cls, reason: str, row: ValidationInfo) -> str:
        if row.data.get("role") == "exclude" and not reason:
            what, remedy = "the patient is excluded without a reason", "write the reason; the flow chart counts reasons"
            raise _wrong("exclusion-without-reason", what, remedy)
        return reason


class RaterRow(_Row):
    """One rater's mask of one patient; ``rater_table`` checks the mask."""

    patient: Name = ""
    rater: Name = ""
    expertise: Annotated[Literal["novice", "expert"], _one_of("expertise-unknown", "expertise", "novice", "expert")] = (
        "novice"
    )


def wrong_cells(model: type[BaseModel], cells: Mapping[str, str], asked: tuple[str, ...]) -> list[Problem]:
    """Return the problems of the cells of one row; a column of ``asked`` that is missing counts as empty."""
    try:
        model.model_validate({**dict.fromkeys(asked), **cells})
    except ValidationError as error:
        return [_problem(one) for one in error.errors(include_url=False)]
    return []


def _problem(error: Any) -> Problem:
    context = error.get("ctx", {})
    what, remedy = context.get("what", error["msg"]), context.get("remedy", "correct it")
    return problem_of(error["type"], what, remedy, subject=str(error["loc"][0]))


def typed(model: type[BaseModel], column: str, cell: str) -> str | None:
    """Return a cell as its column's type prints it ("36,5" is 36.5, "female" is F); None if it is wrong."""
    try:
        value = getattr(model.model_validate({column: cell}), column)
    except ValidationError:
        return None
    return None if value is None else _printed(value)


def _printed(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)
