"""Design of a simulated study: its hospitals, scanners, grids and distributions, read from a YAML file."""

from __future__ import annotations

import hashlib
from importlib import resources
from math import exp, log
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.special import ndtr, ndtri

from residua.cohort.table.expertise import Expertise
from residua.errors import ResiduaError
from residua.settings.messages import problem_lines
from residua.settings.yaml_file import parsed_yaml

Millimetres = tuple[float, float, float]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Bounds = tuple[float, float]


_PACKAGED = resources.files("residua.simulate") / "designs"


class Part(BaseModel):
    """A part of a design: unknown keys are errors, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Volume(Part):
    """A log-normal distribution of volumes, truncated at both ends."""

    median_ml: Positive
    log_sd: Positive
    lowest_ml: Positive
    highest_ml: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Volume:
        if not self.lowest_ml < self.median_ml < self.highest_ml:
            raise ValueError("lowest_ml, median_ml and highest_ml must come in this order")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a volume in ml from one uniform number."""
        low, high = (ndtr(log(end / self.median_ml) / self.log_sd) for end in (self.lowest_ml, self.highest_ml))
        return self.median_ml * exp(self.log_sd * float(ndtri(low + rng.random() * (high - low))))


class Infiltration(Part):
    """Tissue that is bright on FLAIR and does not enhance, around some residual tumours and fewer bleedings."""

    tumor_probability: Share
    blood_probability: Share
    reach_mm: Bounds


class Disease(Part):
    """Volumes of tumours, remnants and bleedings, and probabilities of findings after surgery."""

    tumor: Volume
    removed: Bounds
    """The cavity's share of the tumour's volume."""
    residual: Volume
    blood: Volume
    near_limit_probability: Share
    """Share of the residual tumours, and of the bleedings, with a volume within ``near_limit_ml`` instead."""
    near_limit_ml: Bounds
    most_pieces: int = Field(ge=1)
    smallest_piece_ml: Positive
    speck_probability: Share
    """Probability that gross total resection leaves a speck below the 0.175 ml of the article's definition."""
    speck_ml: Bounds
    blood_probability: Share
    blood_anywhere: Share
    """Share of the bleedings that lie anywhere on the cavity's wall; the others lie beside the former tumour."""
    vessels: tuple[int, int]
    """Least and largest number of enhancing vessels near the cavity."""
    vessel_ml: Bounds
    pia_probability: Share
    """Probability of a sheet of enhancing pia and dura near the opening."""
    pia_ml: Bounds
    infiltration: Infiltration
    air_probability: Share
    blood_level_probability: Share
    level_share: Bounds
    """The share of the cavity that air or a level of blood fills."""
    shift_mm: Bounds
    """Range of the largest movement of the brain towards the cavity."""


class Habits(Part):
    """How the raters of one expertise err: at the border, over small remnants, and over what resembles tumour."""

    raters: int = Field(ge=1)
    border_mm: Bounds
    """Offsets of the border, from the rater who draws most tightly to the one who draws most widely."""
    patient_mm: float = Field(ge=0)
    """Standard deviation across patients of each rater's offset."""
    wobble_mm: Positive
    """Standard deviation of the offset along the border."""
    half_missed_ml: float = Field(ge=0)
    """Volume of a remnant that every second rater misses; larger ones are missed less."""
    blood_probability: Share
    vessel_probability: Share
    wall_probability: Share
    """Probability, per patient, that a part of the blood, a vessel or the enhancing wall is called tumour."""
    mistaken_ml: Bounds
    """Volume of such a part."""


class Weighting(Part):
    """Kind and times of a sequence."""

    kind: Literal["spin_echo", "gradient_echo", "inversion_recovery"]
    tr_ms: Positive
    te_ms: Positive
    ti_ms: Positive = 1.0
    flip_degrees: Positive = 90.0


class ScanSampling(Part):
    """A grid: voxel sizes and field of view along x, y, z, storage order and tilt."""

    spacing_mm: Millimetres
    field_of_view_mm: Millimetres
    stored_as: str = Field(default="RAS", pattern="^[RLAPSI]{3}$")
    oblique_degrees: float = 0.0


class Scanner(Part):
    """A scanner of a hospital: the share of its patients, contrast, grids, noise and grey scale."""

    share: Positive = 1.0
    manufacturer: str
    field_strength_t: Positive
    t1w: Weighting
    flair: Weighting
    post_t1ce: ScanSampling
    post_t1: ScanSampling
    post_flair: ScanSampling
    pre_t1ce: ScanSampling
    noise: Positive
    """Standard deviation in both channels, relative to white matter."""
    bias: Share
    """Unevenness of the coil: standard deviation of the logarithm's coefficients."""
    gain: Positive


class Hospital(Part):
    """A hospital: its number of patients, the number with residual tumour, its window and scanners."""

    patients: int = Field(ge=1)
    residual_tumor: int = Field(ge=0)
    window_hours: Positive = 72.0
    scanners: tuple[Scanner, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Hospital:
        if self.residual_tumor > self.patients:
            raise ValueError("residual_tumor is more than patients")
        return self


class Movement(Part):
    """The largest rigid movement against the reference, in degrees and mm."""

    degrees: float = Field(ge=0)
    mm: float = Field(ge=0)


class Survival(Part):
    """Survival after surgery: exponential, the risk rising with the residual volume, and ended by the follow-up."""

    median_days: Positive
    """Of patients with nothing left."""
    hazard_ratio: Positive
    """For each unit of ln(1 + ml) of residual tumour."""
    follow_up_days: Bounds
    """Range of the days after which a patient is no longer followed."""
    unknown_probability: Share
    """Share of the patients of whom nothing is known."""


class Design(Part):
    """A whole simulated study; ``patients`` of its hospitals give their shares and the full size."""

    world_mm: Positive
    """Step of the grid on which a patient is built."""
    least_patients: int = Field(ge=1)
    """With fewer patients, a fold lacks patients with or without residual tumour."""
    lacking: int = Field(ge=0)
    """Additional patients with a missing sequence, in a cohort of full size."""
    raters_hospital: str
    rated_patients: int = Field(ge=0)
    raters: dict[Expertise, Habits]
    same_session: Movement
    other_session: Movement
    disease: Disease
    hospitals: dict[str, Hospital] = Field(min_length=1)
    survival: Survival | None = None
    """None: the cohort table has no columns of survival."""

    @property
    def patients(self) -> int:
        """Number of patients of all hospitals, not counting those without a sequence."""
        return sum(hospital.patients for hospital in self.hospitals.values())

    @model_validator(mode="after")
    def _raters_are_somewhere(self) -> Design:
        if self.raters_hospital not in self.hospitals:
            raise ValueError(f"raters_hospital is not a hospital of the design: {self.raters_hospital}")
        return self

    def digest(self) -> str:
        """Return a digest that is equal for equal designs."""
        # As before there was survival, so that cohorts of then can be continued.
        content = self.model_dump_json(exclude=None if self.survival else {"survival"})
        return hashlib.sha256(content.encode()).hexdigest()


def load_design(like: str) -> Design:
    """Load the packaged design of this name, or a design from a YAML file.

    Raises ``ResiduaError`` with all errors of the design.
    """
    packaged = _PACKAGED / f"{like}.yaml"
    source = packaged if like.isidentifier() and packaged.is_file() else Path(like)
    try:
        text = source.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ResiduaError(f"the design {like} is not UTF-8 text: is it another file?") from None
    except OSError:
        names = ", ".join(sorted(Path(file.name).stem for file in _PACKAGED.iterdir() if file.name.endswith(".yaml")))
        raise ResiduaError(
            f"there is no design '{like}': name one of {names}, or a YAML file of the same form"
        ) from None
    content = parsed_yaml(text, like)
    if not isinstance(content, dict):
        raise ResiduaError(f"the design {like} is not YAML with keys")
    try:
        # Top-level keys that begin with an underscore hold the anchors of the file.
        return Design.model_validate({key: value for key, value in content.items() if not str(key).startswith("_")})
    except ValidationError as error:
        lines = problem_lines(error, "docs/explanation/simulator.md", "design")
        raise ResiduaError(f"the design {like} has {error.error_count()} problem(s):\n{lines}") from None
