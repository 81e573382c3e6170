"""Settings of the patients who take part and of their folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter

from residua.settings.base import Column, Distinct, Frozen, Grade, Identifier
from residua.settings.columns import GRADED
from residua.settings.defaults import is_default

Eligibility = Literal["complete", "per_inputs"]
OnInvalid = Literal["stop", "exclude"]
Hours = Annotated[float, Field(gt=0)]


class Protocol(Frozen):
    """Requirements on the scan."""

    window_hours: Hours = Field(description="Latest time of the early post-operative scan, in hours after surgery.")
    window_hours_by_hospital: dict[Identifier, Hours] = Field(
        default_factory=dict, description="Window of single hospitals where it differs, in hours."
    )
    least_annotation_quality: Grade | None = Field(
        default=None,
        exclude_if=is_default(None),
        description="Lowest grade in the column annotation_quality with which a patient takes part; a patient without "
        "a grade does not. null: all take part.",
    )
    least_image_quality: Grade | None = Field(
        default=None,
        exclude_if=is_default(None),
        description="The same of the column image_quality.",
    )

    @property
    def least_grades(self) -> dict[str, Grade]:
        """Return the lowest grade of each column of the cohort table that must have one."""
        asked = {column: getattr(self, f"least_{column}") for column in GRADED}
        return {column: grade for column, grade in asked.items() if grade is not None}

    def window_of(self, hospital: str) -> float:
        """Return the latest time of a scan at a hospital, in hours after surgery."""
        return self.window_hours_by_hospital.get(hospital, self.window_hours)


class BalancedFolds(Frozen):
    """Folds with similar numbers of patients and of residual tumours."""

    method: Literal["balanced"] = Field(
        description="Whole hospitals are placed so that folds have similar numbers of patients and residual tumours."
    )
    number: int = Field(ge=2, description="Number of folds.")


class LeaveOneHospitalOut(Frozen):
    """One fold per hospital."""

    method: Literal["leave_one_hospital_out"] = Field(
        description="Every hospital outside the hold-out is a fold; a new hospital renumbers the folds after it."
    )


Trait = Literal["hospital", "residual"]


class DrawnFolds(Frozen):
    """Folds that are drawn by a seed so that they are alike."""

    unit: Literal["hospital", "person"] = Field(
        description="What lies in one fold as a whole: hospital (as method: balanced), or person, for a cohort of few "
        "hospitals. Folds of persons cannot show how a network does at a hospital that it has not seen."
    )
    count: int = Field(ge=2, description="Number of folds.")
    balance: Distinct[Trait] = Field(
        default=("hospital", "residual"),
        description="What is made equally frequent in folds of persons, beside the number of scans.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the order in which persons are placed.")


class HoldoutShare(Frozen):
    """A hold-out of persons, drawn together with the folds."""

    share: float = Field(gt=0, lt=1, description="Share of the scans that are held out, about; persons stay whole.")


class HoldoutColumn(Frozen):
    """A hold-out that a column of the cohort table names."""

    column: Column = Field(description="Column of the cohort table, such as role.")
    values: Distinct[str] = Field(
        default=("holdout", "test"),
        min_length=1,
        description="What the column says of those who are held out, in upper or lower case.",
    )

    def holds_out(self, cell: str) -> bool:
        """Return whether a cell of the column holds the patient out.

        >>> [HoldoutColumn(column="part").holds_out(cell) for cell in ("Test", "training", "")]
        [True, False, False]
        """
        return cell.casefold() in {value.casefold() for value in self.values}


class FoldsTable(Frozen):
    """Folds from a table."""

    method: Literal["file"] = Field(description="A table (TSV, CSV) gives the fold of each hospital.")
    path: str = Field(
        min_length=1, description="The table, columns hospital and fold, relative to the working directory."
    )


Hospitals = Annotated[Distinct[Identifier], Field(min_length=1)]
_HOSPITALS: TypeAdapter[tuple[str, ...]] = TypeAdapter(Hospitals)
ExplicitFolds = Annotated[dict[int, Distinct[Identifier]], Field(min_length=2)]
_METHODS: dict[str, type[Frozen]] = {
    "balanced": BalancedFolds,
    "leave_one_hospital_out": LeaveOneHospitalOut,
    "file": FoldsTable,
}
_EXPLICIT: TypeAdapter[dict[int, tuple[str, ...]]] = TypeAdapter(ExplicitFolds)


_DRAWN_KEYS = ("unit", "count")


class _Method(BaseModel):
    method: Literal["balanced", "leave_one_hospital_out", "file"]


def _meant(value: Any) -> Any:
    """Validate the kind of folds that the value names; a plain union would report errors of every other kind, too."""
    if isinstance(value, Frozen):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"give the hospitals of each fold, or method: {', '.join(_METHODS)} (found {value!r})")
    if "method" not in value and any(key in value for key in _DRAWN_KEYS):
        return _drawn(DrawnFolds.model_validate(dict(value)))
    if "method" not in value and any(_is_fold(key) or isinstance(item, list | tuple) for key, item in value.items()):
        return _EXPLICIT.validate_python(value)
    keyed = {str(key): item for key, item in value.items()}
    return _METHODS[_Method.model_validate(keyed).method].model_validate(keyed)


def _drawn(folds: DrawnFolds) -> DrawnFolds | BalancedFolds:
    return folds if folds.unit == "person" else BalancedFolds(method="balanced", number=folds.count)


def _held_out(value: Any) -> Any:
    """Validate the kind of hold-out that the value names."""
    if isinstance(value, list | tuple):
        return _HOSPITALS.validate_python(value)
    if isinstance(value, Frozen):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"give a list of hospitals, or share: 0.2, or column: role (found {value!r})")
    return (HoldoutColumn if "column" in value else HoldoutShare).model_validate(dict(value))


def _is_fold(key: Any) -> bool:
    return str(key).lstrip("-").isdigit()


Folds = Annotated[
    ExplicitFolds | BalancedFolds | LeaveOneHospitalOut | FoldsTable | DrawnFolds, BeforeValidator(_meant)
]
"""The hospitals of each fold, the method that places them, or how persons are drawn."""
Holdout = Annotated[Hospitals | HoldoutShare | HoldoutColumn, BeforeValidator(_held_out)]
"""The hospitals that are held out, the share of persons, or a column that says who is."""


def misplaced(folds: Any, holdout: Any) -> list[str]:
    """Return what is wrong with ``folds`` and ``holdout`` of a study together: nobody may be in two places."""
    if not isinstance(folds, DrawnFolds) and not isinstance(holdout, tuple):
        held_out = "folds of hospitals need a hold-out of hospitals: list them under holdout"
        return [f"{held_out}, or draw folds of persons (folds: {{unit: person, count: 5}})"]
    if not isinstance(folds, dict):
        return []
    in_folds = [hospital for hospitals in folds.values() for hospital in hospitals]
    problems = [f"fold {fold} names no hospital" for fold, hospitals in folds.items() if not hospitals]
    problems += [f"hospital {h} is in more than one fold" for h, n in Counter(in_folds).items() if n > 1]
    problems += [f"hospital {h} is both held out and in a fold" for h in holdout if h in in_folds]
    if sorted(folds) != list(range(len(folds))):
        problems.append(f"folds are numbered {sorted(folds)}, expected 0 to {len(folds) - 1}")
    return problems
