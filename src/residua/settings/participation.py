"""Settings of the patients who take part and of their folds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter

from residua.settings.base import Distinct, Frozen, Identifier

Eligibility = Literal["complete", "per_inputs"]
OnInvalid = Literal["stop", "exclude"]
Hours = Annotated[float, Field(gt=0)]


class Protocol(Frozen):
    """Requirements on the scan."""

    window_hours: Hours = Field(description="Latest time of the early post-operative scan, in hours after surgery.")
    window_hours_by_hospital: dict[Identifier, Hours] = Field(
        default_factory=dict, description="Window of single hospitals where it differs, in hours."
    )

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


class FoldsTable(Frozen):
    """Folds from a table."""

    method: Literal["file"] = Field(description="A table (TSV, CSV) gives the fold of each hospital.")
    path: str = Field(
        min_length=1, description="The table, columns hospital and fold, relative to the working directory."
    )


ExplicitFolds = Annotated[dict[int, Distinct[Identifier]], Field(min_length=2)]
_METHODS: dict[str, type[Frozen]] = {
    "balanced": BalancedFolds,
    "leave_one_hospital_out": LeaveOneHospitalOut,
    "file": FoldsTable,
}
_EXPLICIT: TypeAdapter[dict[int, tuple[str, ...]]] = TypeAdapter(ExplicitFolds)


class _Method(BaseModel):
    method: Literal["balanced", "leave_one_hospital_out", "file"]


def _meant(value: Any) -> Any:
    """Validate the kind of folds that the value names; a plain union would report errors of every other kind, too."""
    if isinstance(value, Frozen):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"give the hospitals of each fold, or method: {', '.join(_METHODS)} (found {value!r})")
    if "method" not in value and any(_is_fold(key) or isinstance(item, list | tuple) for key, item in value.items()):
        return _EXPLICIT.validate_python(value)
    keyed = {str(key): item for key, item in value.items()}
    return _METHODS[_Method.model_validate(keyed).method].model_validate(keyed)


def _is_fold(key: Any) -> bool:
    return str(key).lstrip("-").isdigit()


Folds = Annotated[ExplicitFolds | BalancedFolds | LeaveOneHospitalOut | FoldsTable, BeforeValidator(_meant)]
"""The hospitals of each fold, or the method that places them."""
