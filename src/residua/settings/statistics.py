"""Settings of the statistics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from residua.settings.base import Frozen, Identifier

OUT_OF_FOLD = "out_of_fold"
"""The value that lets the out-of-fold results choose the input configuration."""

Choice = Annotated[str, Field(pattern=rf"^([A-Za-z0-9]+|{OUT_OF_FOLD})$")]


FoldWeights = Literal["with_metric", "all_patients"]


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
    interval_sd_multiplier: float = Field(gt=0, description="Normal interval: mean ± this number of sd.")
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
    seed: int = Field(ge=0, description="Seed of the bootstrap.")
    best_inputs: BestInputs = Field(description="Input configuration of each network in each experiment.")
