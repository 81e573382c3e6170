"""Define what a bundle says about itself: ``bundle.json``."""

from __future__ import annotations

from dataclasses import asdict
from sys import float_info
from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_serializer, field_validator, model_validator

from residua.bundle.names import BRAIN_WEIGHTS
from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.settings.base import Column, Frozen, Identifier, Probability
from residua.settings.network import NetworkSettings
from residua.settings.study import Study, load_study

FORMAT = 1
"""The number of the format that this Residua reads and writes."""
COHORT = "cohort.tsv"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class Closed(Frozen):
    """Base of all parts of a record: immutable, without unknown keys and without NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Population(Closed):
    """Patients of one hospital in one part of the study."""

    part: str = Field(description="out_of_fold: trained, and validated each fold; holdout: never seen.")
    hospital: Identifier
    patients: Count
    residual_tumour: Count = Field(description="Patients whose reference reaches the cut-off of residual tumour.")


class Score(Closed):
    """One score on one group of patients; what cannot be estimated is empty, with the reason in words."""

    part: str = Field(description="out_of_fold: validation patients, by the model that had not seen them; holdout.")
    hospital: Identifier | None = Field(description="None: all hospitals together.")
    measure: str
    estimate: float | None
    low: float | None
    high: float | None
    patients: Count
    note: str = ""


class Limit(Closed):
    """The range of one measure among the patients that the models were trained and validated on."""

    subject: Column = Field(description="An image column, or brain.")
    measure: Column
    low: float
    high: float
    median: float
    patients: Count


class Bin(Closed):
    """Patients of similar predicted probability."""

    predicted: Probability = Field(description="Mean predicted probability of residual tumour.")
    observed: Probability = Field(description="Share with residual tumour in the reference.")
    patients: Count


class Estimate(Closed):
    """A number with its interval; the expected calibration error has none."""

    value: float
    low: float | None
    high: float | None


class Calibration(Closed):
    """From a predicted volume to the probability of residual tumour."""

    scale_ml: float = Field(gt=0, description="P = 1 / (1 + exp(-(intercept + slope * ln(1 + volume / scale_ml)))).")
    intercept: float
    slope: float = Field(ge=0)
    certainty: float = Field(ge=0.5, lt=1, description="A class is told from this probability; else undecidable.")
    undecidable_ml: tuple[float, float | None] | None = Field(
        description="Predicted volumes between which no class is told; no upper end: none; None: there are no such."
    )
    patients: Count
    brier: Estimate
    brier_of_prevalence: float = Field(description="Brier score of telling every patient the share with tumour.")
    expected_calibration_error: Estimate
    bins: tuple[Bin, ...]


class BundleRecord(Closed):
    """A trained ensemble: the models of all folds on one input configuration, and how to use them."""

    format: int = Field(description="Number of the bundle's format.")
    residua: str = Field(description="Version of Residua that wrote the bundle.")
    arch: Identifier = Field(description="The network.")
    inputs: Identifier = Field(description="The input configuration.")
    channels: tuple[Channel, ...] = Field(min_length=1, description="What each channel must be, in order.")
    folds: tuple[Count, ...] = Field(min_length=1, description="Folds, one model each.")
    study: dict[str, Any] = Field(description="The settings of the study, without cohort and raters.")
    threshold: dict[str, Any] = Field(description="The threshold and the out-of-fold scores of every candidate.")
    population: tuple[Population, ...] = ()
    scores: tuple[Score, ...] = ()
    limits: tuple[Limit, ...] = ()
    calibration: Calibration | None = None
    calibration_note: str = Field(default="", description="Why there is no calibration.")
    licence: str | None = None
    contact: str | None = None
    files: dict[str, Sha256] = Field(description="The digest of every other file.")

    def as_study(self, cohort: str = COHORT) -> Study:
        """Return the settings of the study with another cohort table."""
        return load_study({**self.study, "cohort": cohort})

    @property
    def settings(self) -> NetworkSettings:
        """Return the settings of the network."""
        return self.as_study().settings_of(self.arch)

    @property
    def chosen_threshold(self) -> float:
        """Return the probability from which a voxel is tumour."""
        return float(self.threshold["threshold"])

    @property
    def out_of_fold_score(self) -> float:
        """Return the score by which the threshold was chosen, measured by thresholds of the other folds if it can be.

        Bundles of one study are compared by it.
        """
        nested = self.threshold.get("nested_performance")
        candidates = {found["threshold"]: found for found in self.threshold["candidates"]}
        return float((nested or candidates[self.threshold["threshold"]])["score"])

    @field_serializer("channels")
    def _as_ever(self, channels: tuple[Channel, ...]) -> list[dict[str, Any]]:
        # Only a derived channel has a definition: the bundles of others are what they were before there were any.
        plain = [asdict(channel) for channel in channels]
        return [{k: value for k, value in each.items() if k != "definition" or value is not None} for each in plain]

    @field_validator("threshold")
    @classmethod
    def _threshold_is_one(cls, threshold: dict[str, Any]) -> dict[str, Any]:
        chosen: Any = threshold.get("threshold")
        found = threshold.get("candidates")
        tried = found if isinstance(found, list) else []
        if not all(_has_numbers(each, "threshold", "score") for each in tried):
            raise ValueError("every candidate needs the numbers threshold and score")
        known = _has_numbers(threshold, "threshold") and chosen in [each["threshold"] for each in tried]
        if not known or not 0 < chosen <= 1:
            raise ValueError(f"no threshold among its candidates (found {chosen!r})")
        nested = threshold.get("nested_performance")
        if nested is not None and not _has_numbers(nested, "score"):
            raise ValueError("nested_performance needs the number score, or is null")
        return threshold

    @model_validator(mode="after")
    def _describes_one_model(self) -> BundleRecord:
        try:
            study = self.as_study()
        except ResiduaError as error:
            raise ValueError(f"study: {error}") from None
        names = tuple(channel.name for channel in self.channels)
        if study.archs != (self.arch,) or study.inputs != {self.inputs: names}:
            raise ValueError(f"the settings are those of another model than {self.arch} on {', '.join(names)}")
        if [channel.name for channel in self.channels if channel.is_label != (channel.name in study.labels)]:
            raise ValueError("channels and settings disagree on which channels are labels")
        if [channel.name for channel in self.channels if channel.definition != study.definition_of(channel.name)]:
            raise ValueError("channels and settings disagree on how channels are derived")
        weights, own = study.brain_mask.weights, study.brain_mask.has_own_network
        if weights is not None and (weights != BRAIN_WEIGHTS if own else "/" in weights or "\\" in weights):
            wanted = BRAIN_WEIGHTS if own else "the name of a file"
            raise ValueError(f"study.brain_mask.weights must be {wanted} (found {weights})")
        if list(self.folds) != sorted(set(self.folds)):
            raise ValueError(f"folds must rise (found {list(self.folds)})")
        return self


def _has_numbers(found: object, *keys: str) -> bool:
    """Return whether something is a mapping with a finite number under each key."""
    values = [found.get(key) for key in keys] if isinstance(found, dict) else [None]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(numbers) == len(values) and all(abs(number) <= float_info.max for number in numbers)
