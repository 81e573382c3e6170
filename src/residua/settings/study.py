"""Define the configuration of a study: frozen models, checked once, before any job.

``residua schema`` generates ``config.schema.json`` and ``docs/reference/config.md`` from these models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from residua.settings.base import REFERENCE_STANDARD, Column, Distinct, Frozen, Identifier
from residua.settings.brain_mask import BrainMask
from residua.settings.channels import DerivedChannel, undroppable, unusable_derived, unusable_inputs
from residua.settings.classification import Classification
from residua.settings.columns import CONTRACT
from residua.settings.combinations import Combinations, uncombinable
from residua.settings.conventions import Conventions
from residua.settings.defaults import is_default
from residua.settings.elsewhere import Elsewhere, meaning_something_else
from residua.settings.faults import MostExcluded, OnFault
from residua.settings.figures import Figures
from residua.settings.initial_bundle import starting_without_inputs
from residua.settings.lesions import LesionMatching
from residua.settings.machine import AnyMachine, Machine
from residua.settings.messages import validated
from residua.settings.network import NetworkSettings
from residua.settings.networks import Networks, known_networks
from residua.settings.participation import Eligibility, Folds, Holdout, OnInvalid, Protocol, misplaced
from residua.settings.places import require_plain_places
from residua.settings.postprocessing import Postprocessing
from residua.settings.preoperative import starting_without_scans
from residua.settings.region import unusable_regions
from residua.settings.registration import Registration, SequenceRegistration
from residua.settings.report import ReportPages
from residua.settings.sequences import Sequences, misnamed
from residua.settings.sharing import ModelSharing
from residua.settings.statistics import OUT_OF_FOLD, BestInputs, Statistics


class Study(Frozen):
    """The whole study: one cohort, one split, the input configurations and networks to compare, and the measures."""

    version: int = Field(ge=1, description="Version of the trainings; raise it to train again.")
    title: str = Field(min_length=1, description="Printed on every table.")
    cohort: str = Field(min_length=1, description="Cohort table, relative to the working directory.")
    raters: str | None = Field(
        default=None, description="Table of the raters' masks, relative to the working directory; null: no raters."
    )
    sequences: Sequences = Field(description="Image columns of the cohort table.")
    labels: dict[Column, Column] = Field(description="Label columns, each with the sequence on which it was drawn.")
    protocol: Protocol = Field(description="Requirements on the scan.")
    eligibility: Eligibility = Field(
        description="complete: patients need the channels of all input configurations; per_inputs: each input "
        "configuration has the patients with its own channels."
    )
    on_invalid: OnInvalid = Field(description="Unusable data: stop the study, or exclude the patient and report it.")
    on_fault: OnFault = "stop"
    most_excluded: MostExcluded = 0.05
    inputs: dict[Identifier, Distinct[Column]] = Field(
        min_length=1, description="Input configurations: a name and its channels."
    )
    derived_channels: dict[Column, DerivedChannel] = Field(
        default_factory=dict,
        exclude_if=is_default({}),
        description="Channels that are computed from two sequences, by name; input configurations name them too.",
    )
    channel_dropout: dict[Identifier, Annotated[float, Field(gt=0, lt=1)]] = Field(
        default_factory=dict,
        description="Input configurations whose networks are trained to do without channels: this share of the samples "
        "lacks each channel but the reference. They are then judged with every subset of their channels.",
    )
    holdout: Holdout = Field(
        description="Hospitals of the hold-out (test) set; with folds of persons also a share of the persons, or a "
        "column of the cohort table."
    )
    folds: Folds = Field(
        description="Hospitals that validate each fold (those of other folds train it), a method that places them, or "
        "how persons are drawn."
    )
    registration: Registration = Field(description="Registration of the moving sequences to the reference.")
    brain_mask: BrainMask = Field(description="Skull stripping.")
    preparation: Literal["paper", "composed"] = Field(
        default="paper",
        description="paper: registered to the reference grid, stripped, then resampled for each network; "
        "composed: from native voxels to each network's grid by one interpolation.",
    )
    archs: Distinct[Identifier] = Field(min_length=1, description="Networks that are trained.")
    networks: Networks = Field(description="Settings of the networks.")
    elsewhere: dict[Identifier, Elsewhere] = Field(
        default_factory=dict, description="Networks trained elsewhere, whose predictions are judged beside the study's."
    )
    combinations: Combinations = Field(default_factory=dict)
    postprocessing: Postprocessing = Field(description="How a probability map becomes a mask.")
    classification: Classification = Field(description="Classes of patients: residual tumour or gross total resection.")
    lesions: LesionMatching = Field(default=LesionMatching(), description="When a lesion is found.")
    conventions: Conventions = ()
    statistics: Statistics = Field(description="Significance, intervals and input configuration of each experiment.")
    report: ReportPages = Field(default=ReportPages(), description="Pages of hospitals and of the worst cases.")
    figures: Figures = Field(default=Figures(), description="Figures beside the article's 1, 3 and 4.")
    sharing: ModelSharing = Field(default=ModelSharing(), description="What a bundle of trained models says.")
    machine: AnyMachine = Machine()

    @property
    def channels(self) -> tuple[str, ...]:
        """Return every channel that an input configuration uses: images first, then labels, then derived channels."""
        used = {channel for channels in self.inputs.values() for channel in channels}
        return tuple(channel for channel in (*self.images, *self.labels, *self.derived_channels) if channel in used)

    def columns_of(self, channels: Iterable[str]) -> tuple[str, ...]:
        """Return the columns of the cohort table from which channels are made, each once."""
        derived = self.derived_channels
        sources = (derived[channel].subtract if channel in derived else (channel,) for channel in channels)
        return tuple(dict.fromkeys(column for columns in sources for column in columns))

    def definition_of(self, channel: str) -> dict[str, Any] | None:
        """Return how a derived channel is made, as builtins; None: the channel is a column of the cohort table."""
        made = self.derived_channels.get(channel)
        return made.model_dump(mode="json") if made else None

    @property
    def images(self) -> tuple[str, ...]:
        """Return all image columns, the reference first."""
        return (self.sequences.reference, *self.sequences.moving)

    @property
    def resected(self) -> str | None:
        """Return the label of the tumour that surgery removed; None: the study has none."""
        before = (label for label, sequence in self.labels.items() if sequence in self.sequences.before_surgery)
        return self.registration.resected or next(before, None)

    @property
    def file_columns(self) -> tuple[str, ...]:
        """Return all columns of the cohort table that name a file which this study reads."""
        given = ("brain_mask",) if self.brain_mask.method == "given" else ()
        return (*self.images, *self.labels, *given)

    @property
    def columns_of_elsewhere(self) -> tuple[str, ...]:
        """Return the columns of the cohort table that name predictions made elsewhere."""
        return tuple(dict.fromkeys(column for other in self.elsewhere.values() for column in other.columns))

    @property
    def held_out_hospitals(self) -> tuple[str, ...]:
        """Return the hospitals that are held out as a whole."""
        return self.holdout if isinstance(self.holdout, tuple) else ()

    def settings_of(self, arch: str) -> NetworkSettings:
        """Return the settings of a network that ``archs`` names."""
        settings: NetworkSettings = getattr(self.networks, arch)
        return settings

    def registration_of(self, sequence: str) -> SequenceRegistration:
        """Return the registration of a moving sequence."""
        return self.registration.of(sequence in self.sequences.before_surgery)

    def choices(self, experiment: str) -> dict[str, str]:
        """Return the input configuration of each network in an experiment, or that results choose it.

        Then networks of elsewhere, of which one with a single input configuration has it, and combinations, which
        have that of their first network unless they are named.
        """
        chosen: dict[str, str] = getattr(self.statistics.best_inputs, experiment)
        own = {arch: chosen[arch] for arch in self.archs}
        others = {name: chosen.get(name, next(iter(other.inputs))) for name, other in self.elsewhere.items()}
        return own | others | {name: chosen.get(name, own[each.archs[0]]) for name, each in self.combinations.items()}

    def candidates(self, experiment: str, arch: str) -> list[str]:
        """Return the input configurations of ``arch`` in an experiment: the chosen one, or all if results choose."""
        choice = self.choices(experiment)[arch]
        return list(self.inputs) if choice == OUT_OF_FOLD else [choice]

    @property
    def left_to_results(self) -> list[tuple[str, str]]:
        """Return every experiment and network for which results choose among several input configurations."""
        return [
            (experiment, arch)
            for experiment in BestInputs.model_fields
            if experiment != "raters" or self.raters
            for arch in (*self.archs, *self.combinations)
            if len(self.candidates(experiment, arch)) > 1
        ]

    @model_validator(mode="after")
    def _placed_once(self) -> Study:
        return _refused(self, misplaced(self.folds, self.holdout))

    @model_validator(mode="after")
    def _drawn_on_sequences(self) -> Study:
        problems = misnamed(self.images, self.labels)
        if self.labels.get(REFERENCE_STANDARD) != self.sequences.reference:
            problems.append(f"labels must hold {REFERENCE_STANDARD}, drawn on the reference sequence")
        known = (*self.images, *self.labels)
        problems += [
            f"sequences.before_surgery names {c}, which is missing under sequences.moving"
            for c in self.sequences.before_surgery
            if c not in self.sequences.moving
        ]
        if len(set(known)) < len(known):
            problems.append("a column is named twice among sequences and labels")
        return _refused(self, problems)

    @model_validator(mode="after")
    def _inputs_of_columns(self) -> Study:
        known = (*self.images, *self.labels, *self.derived_channels)
        return _refused(
            self, [*unusable_inputs(self.inputs, known), *unusable_regions(self.networks, self.archs, self.labels)]
        )

    @model_validator(mode="after")
    def _derived_of_sequences(self) -> Study:
        named = (*self.columns_of_elsewhere, getattr(self.holdout, "column", ""))
        problems = unusable_derived(self.derived_channels, self.images, tuple(self.labels), named)
        return _refused(self, problems)

    @model_validator(mode="after")
    def _channels_to_drop(self) -> Study:
        return _refused(self, undroppable(self.channel_dropout, self.inputs, self.sequences.reference))

    @model_validator(mode="after")
    def _resected_before_surgery(self) -> Study:
        resected = self.registration.resected
        if resected is None or self.labels.get(resected) in self.sequences.before_surgery:
            return self
        what = f"registration.resected names {resected}, which is not a label of a sequence from before surgery"
        return _refused(self, [what])

    @model_validator(mode="after")
    def _networks_described(self) -> Study:
        undescribed = [
            arch
            for arch in self.archs
            if arch not in type(self.networks).model_fields or getattr(self.networks, arch) is None
        ]
        return _refused(self, [f"archs names {arch}, which is missing under networks" for arch in undescribed])

    @model_validator(mode="after")
    def _starts_have_inputs(self) -> Study:
        described = {arch: getattr(self.networks, arch) for arch in type(self.networks).model_fields}
        without_scans = starting_without_scans(described, self.archs, self.resected)
        return _refused(self, [*starting_without_inputs(described, self.inputs), *without_scans])

    @model_validator(mode="after")
    def _told_apart(self) -> Study:
        known = known_networks()
        own = [known[arch].label for arch in self.archs if arch in known]
        labels = Counter([*own, *(other.label for other in self.elsewhere.values())])
        taken = [name for name in self.elsewhere if name in known]
        problems = [f"elsewhere.{name} has the name of a network of Residua" for name in taken]
        problems += [f"two networks have the label {label}" for label, number in labels.items() if number > 1]
        return _refused(self, problems)

    @model_validator(mode="after")
    def _predictions_have_columns_of_their_own(self) -> Study:
        return _refused(self, meaning_something_else(self.elsewhere, {*CONTRACT, *self.images, *self.labels}))

    @model_validator(mode="after")
    def _combined_of_trained(self) -> Study:
        return _refused(self, [*uncombinable(self.combinations, self.archs, [*known_networks(), *self.elsewhere])])

    @model_validator(mode="after")
    def _inputs_chosen(self) -> Study:
        problems = []
        for experiment in BestInputs.model_fields:
            choices: dict[str, str] = getattr(self.statistics.best_inputs, experiment)
            key = f"statistics.best_inputs.{experiment}"
            problems += [f"{key} does not name the network {arch}" for arch in self.archs if arch not in choices]
            problems += [
                f"{key} does not name which of the inputs {', '.join(other.inputs)} of {name} it compares"
                for name, other in self.elsewhere.items()
                if choices.get(name, "" if len(other.inputs) > 1 else next(iter(other.inputs))) not in other.inputs
            ]
            problems += [
                f"{key}.{arch} names {choice}, which is missing under inputs"
                for arch, choice in choices.items()
                if arch in (*self.archs, *self.combinations) and choice not in (*self.inputs, OUT_OF_FOLD)
            ]
        return _refused(self, problems)


def _refused(study: Study, problems: list[str]) -> Study:
    if problems:
        raise ValueError("; ".join(problems))
    return study


def load_study(config: dict[str, Any]) -> Study:
    """Check a configuration read from YAML and return it as a study.

    Raises ``ResiduaError`` with one line per problem, each with the key and what is wrong.
    """
    require_plain_places(config)
    study = validated(Study, config, "docs/reference/config.md", "study", "The configuration cannot be used")
    # Others are in no result, so that their definition changes none.
    used = {name: channel for name, channel in study.derived_channels.items() if name in study.channels}
    return study.model_copy(update={"derived_channels": used})
