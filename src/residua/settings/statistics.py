"""Settings of the statistics."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from residua.settings.base import Distinct, Frozen, Identifier
from residua.settings.defaults import is_default

OUT_OF_FOLD = "out_of_fold"
"""The value that lets the out-of-fold results choose the input configuration."""

OF_SUBGROUPS = frozenset({"subgroups", "subgroup_bounds", "least_in_subgroup"})
"""The settings that only the analysis of subgroups needs."""

Choice = Annotated[str, Field(pattern=rf"^([A-Za-z0-9]+|{OUT_OF_FOLD})$")]

FoldWeights = Literal["with_metric", "all_patients"]
Measured = Literal["slice_thickness", "residual_volume", "age"]
Covariate = Literal[
    "hospital", "manufacturer", "field_strength", "sex", "annotation_quality", "image_quality", Measured
]
Consensus = Literal["leave_one_out", "staple", "leave_one_out_staple"]


def _rising(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if not all(low < high for low, high in pairwise(bounds)):
        raise ValueError(f"bounds must rise, each above the one before it, not {', '.join(f'{b:g}' for b in bounds)}")
    return bounds


Bounds = Annotated[
    tuple[Annotated[float, Field(gt=0)], ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_rising),
]


class BestInputs(Frozen):
    """Input configuration of each network in each experiment.

    ``out_of_fold``: the best on the validation patients that all input configurations have.
    """

    segmentation: dict[Identifier, Choice] = Field(description="Networks compared by Dice, and Figure 3.")
    classification: dict[Identifier, Choice] = Field(description="Networks compared by balanced accuracy.")
    raters: dict[Identifier, Choice] = Field(description="Networks compared with human raters, and Figure 4.")


class Statistics(Frozen):
    """Significance, intervals and the input configuration of each experiment."""

    alpha: float = Field(gt=0, lt=1, description="Significance level.")
    bootstrap_resamples: int = Field(ge=100, description="Resamples of every bootstrap interval.")
    interval_sd_multiplier: float = Field(
        gt=0, description="Normal interval: mean ± this number of sd; with alpha 0.05 it is 1.96, with 0.01 2.58."
    )
    folds_ddof: Literal[0, 1] = Field(
        default=0,
        description="The sd of patient-wise rates over n folds divides by n (0, as the article's digits) or n − 1 (1).",
    )
    fold_weights: FoldWeights = Field(
        default="with_metric",
        description="Weight of a fold in the pooled mean and sd of voxel-wise metrics: its patients that have the "
        "metric, as in the article's text, or all its patients, as in its authors' code.",
    )
    equivalence_margin: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Paired mode: a network whose mean Jaccard (0 to 1) differs by less is on par with raters.",
    )
    subgroups: Distinct[Covariate] = Field(
        default=(),
        exclude_if=is_default(()),
        description="Covariates by which patients are judged in subgroups, beside the article's results; those that "
        "the cohort table does not know are left out, and named. Empty: no subgroups.",
    )
    subgroup_bounds: dict[Measured, Bounds] = Field(
        default_factory=dict,
        exclude_if=is_default({}),
        description="Bounds between the subgroups of a number, each within the lower one: slice_thickness in mm, "
        "residual_volume in ml (patients with residual tumour), age in years. Without: split at the median.",
    )
    least_in_subgroup: int = Field(
        default=5,
        ge=2,
        exclude_if=is_default(5),
        description="With fewer patients a subgroup is not estimable, and takes no part in a test.",
    )
    further_consensus: Distinct[Consensus] = Field(
        default=(),
        exclude_if=is_default(()),
        description="What raters and networks are compared by beside the article's reference standard and majority of "
        "the raters: leave_one_out, the majority of the raters but the one who is judged; staple, the estimate of "
        "STAPLE; leave_one_out_staple, that of the other raters. With any, networks are ranked among the raters.",
    )
    seed: int = Field(ge=0, description="Seed of the bootstrap.")
    best_inputs: BestInputs = Field(description="Input configuration of each network in each experiment.")

    def without_subgroups(self) -> dict[str, Any]:
        """Return as builtins what more than the analysis of subgroups needs, for whatever no subgroup changes."""
        return self.model_dump(mode="json", exclude=set(OF_SUBGROUPS))
