"""What a start of the workflow loads, once: the study, its cohort and its rater table.

Every function of this package takes it first. Snakemake loads the package at every start and inside every job, hence
it imports no array, table or image library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from residua.cohort.cohort import Cohort
from residua.cohort.split.split import Split
from residua.cohort.table.rater_table import Raters
from residua.external.predictions import Predictions
from residua.settings.elsewhere import MADE_ELSEWHERE
from residua.settings.study import Study


@dataclass(frozen=True, eq=False)
class LoadedStudy:
    """The study, its cohort, the raters' masks (None: no inter-rater study) and predictions made elsewhere.

    Two of them are equal only if they are the same object, so that results of functions can be kept by it.
    """

    study: Study
    cohort: Cohort
    raters: Raters | None = None
    predictions: Predictions = field(default_factory=dict)

    @property
    def split(self) -> Split:
        """Patients for training, validation and the hold-out."""
        return self.cohort.split

    @cached_property
    def folds(self) -> list[int]:
        """The folds by number."""
        return sorted(self.split.folds)

    @cached_property
    def subsets(self) -> list[str]:
        """The sets of patients that get a selection each: every fold, and the hold-out."""
        return [*(f"fold{fold}" for fold in self.folds), "holdout"]

    @cached_property
    def models(self) -> list[tuple[str, str]]:
        """Every network with every input configuration."""
        return [(arch, inputs) for arch in self.study.archs for inputs in self.study.inputs]

    @property
    def leaves_failed_out(self) -> bool:
        """Whether a selection goes on without the patients whose preparation failed; a study waits for them."""
        return False

    def folds_of(self, arch: str, inputs: str) -> list[int]:
        """Return the folds whose models predict the hold-out together."""
        return self.folds

    def held_out(self, arch: str, inputs: str) -> list[str]:
        """Return the patients of the hold-out whom a network predicts from an input configuration."""
        return [patient for patient in self.split.holdout if self.cohort.has(patient, self.study.inputs[inputs])]

    @cached_property
    def combined(self) -> list[tuple[str, str]]:
        """Every combination of networks with every input configuration."""
        return [(name, inputs) for name in self.study.combinations for inputs in self.study.inputs]

    @cached_property
    def judged(self) -> list[tuple[str, str]]:
        """Every network and input configuration that is measured: the study's own, of elsewhere, and combinations."""
        return [*self.models, *self.predictions, *self.combined]

    @cached_property
    def trained(self) -> list[tuple[str, str, int]]:
        """Every training: network, input configuration and fold."""
        return [(arch, inputs, fold) for arch, inputs in self.models for fold in self.folds]

    def lacking_of(self, arch: str, inputs: str) -> dict[str, list[str]]:
        """Return the channels that patients of the hold-out do without, by patient; in a study there are none."""
        return {}

    @cached_property
    def arch_labels(self) -> dict[str, str]:
        """What each network is called in tables and figures."""
        own = {arch: self.study.settings_of(arch).label for arch in self.study.archs}
        others = {name: f"{other.label} ({MADE_ELSEWHERE})" for name, other in self.study.elsewhere.items()}
        return own | others | {name: each.label(own) for name, each in self.study.combinations.items()}
