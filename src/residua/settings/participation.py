"""Settings of who takes part in the study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter

from residua.settings.base import Frozen, Identifier

Eligibility = Literal["complete", "per_inputs"]
OnInvalid = Literal["stop", "exclude"]
Hours = Annotated[float, Field(gt=0)]


class Protocol(Frozen):
    """What the study asks of a scan."""

    window_hours: Hours = Field(description="The latest early post-operative scan, in hours after surgery.")
    window_hours_by_hospital: dict[Identifier, Hours] = Field(
        default_factory=dict, description="Hospitals with another window."
    )

    def window_of(self, hospital: str) -> float:
        """The latest scan of a hospital's patients, in hours after surgery."""
        return self.window_hours_by_hospital.get(hospital, self.window_hours)


class BalancedFolds(Frozen):
    """Folds that are made, alike in patients and in residual tumour."""

    method: Literal["balanced"] = Field(
        description="Whole hospitals are shared out so that folds are alike in patients and in residual tumour."
    )
    number: int = Field(ge=2, description="How many folds.")


class LeaveOneHospitalOut(Frozen):
    """As many folds as there are hospitals."""

    method: Literal["leave_one_hospital_out"] = Field(
        description="Every hospital that is not held out is a fold; another hospital changes the numbers after it."
    )


class FoldsTable(Frozen):
    """Folds that a table gives."""

    method: Literal["file"] = Field(description="A table (TSV, CSV) gives the fold of each hospital.")
    path: str = Field(
        min_length=1, description="The table, columns hospital and fold, relative to the working directory."
    )


ExplicitFolds = Annotated[dict[int, tuple[Identifier, ...]], Field(min_length=2)]
_METHODS: dict[str, type[Frozen]] = {
    "balanced": BalancedFolds,
    "leave_one_hospital_out": LeaveOneHospitalOut,
    "file": FoldsTable,
}
_EXPLICIT: TypeAdapter[dict[int, tuple[str, ...]]] = TypeAdapter(ExplicitFolds)


class _Method(BaseModel):
    method: Literal["balanced", "leave_one_hospital_out", "file"]


def _meant(value: Any) -> Any:
    """The one kind of folds that is meant, validated: a plain union tells what is wrong with every other kind too."""
    if isinstance(value, Frozen):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"give each fold's hospitals, or method: {', '.join(_METHODS)} (found {value!r})")
    if "method" not in value and any(_is_fold(key) or isinstance(item, list | tuple) for key, item in value.items()):
        return _EXPLICIT.validate_python(value)
    keyed = {str(key): item for key, item in value.items()}
    return _METHODS[_Method.model_validate(keyed).method].model_validate(keyed)


def _is_fold(key: Any) -> bool:
    return str(key).lstrip("-").isdigit()


Folds = Annotated[ExplicitFolds | BalancedFolds | LeaveOneHospitalOut | FoldsTable, BeforeValidator(_meant)]
"""The hospitals of each fold, or how they are found."""
