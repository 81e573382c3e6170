"""The bundles of an application: what each says of itself, and the one study whose settings they share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residua.bundle.record import BundleRecord
from residua.bundle.record_file import read_record
from residua.cohort.places import BRAIN_WEIGHTS
from residua.errors import ResiduaError
from residua.publishing.publish import record_digest
from residua.settings.region import region_of
from residua.settings.statistics import BestInputs
from residua.settings.study import Study, load_study

_SHARED = ("sequences", "labels", "registration", "brain_mask", "preparation", "classification")
"""Sections in which bundles must agree: every patient is registered, masked and prepared once for all of them."""


@dataclass(frozen=True)
class Bundle:
    """A bundle by its path, and its record."""

    path: str
    record: BundleRecord

    @property
    def arch(self) -> str:
        """The network."""
        return self.record.arch

    @property
    def inputs(self) -> str:
        """The input configuration."""
        return self.record.inputs

    @property
    def channels(self) -> tuple[str, ...]:
        """What its models read, in order."""
        return tuple(channel.name for channel in self.record.channels)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that its channels are, or are made from."""
        needed = (column for channel in self.record.channels for column in channel.columns)
        return tuple(dict.fromkeys(needed))

    @property
    def region(self) -> str | None:
        """The label around which its models look; None: they see the whole brain."""
        region = region_of(self.record.settings)
        return region.label if region else None

    def lacked(self, columns: Collection[str]) -> tuple[str, ...]:
        """Return the channels that a patient with these ``columns`` of the table is without."""
        return tuple(channel.name for channel in self.record.channels if not set(channel.columns) <= set(columns))

    @property
    def does_without(self) -> bool:
        """Whether its models were trained to do without any channel but the reference."""
        return self.inputs in self.record.study.get("channel_dropout", {})

    @property
    def digest(self) -> str:
        """The digest of its record, which holds those of all its files."""
        return record_digest(self.record.model_dump(mode="json"))

    def __str__(self) -> str:
        """Name the models: ``nnunet B``."""
        return f"{self.arch} {self.inputs}"


def open_bundles(paths: Sequence[str]) -> tuple[Bundle, ...]:
    """Read what each bundle says of itself; its weights are checked when they are unpacked.

    Raises ``ResiduaError`` for a file that is no bundle.
    """
    return tuple(Bundle(path, read_record(Path(path))) for path in paths)


def shared_study(bundles: Sequence[Bundle], cohort: str) -> Study:
    """Return the settings by which all bundles can be applied to the patients of the table ``cohort``.

    Folds, hold-out and protocol are those of the first bundle's study; an application uses none of them.
    Raises one ``ResiduaError`` for all that the bundles disagree about.
    """
    faults = list(dict.fromkeys(_disagreements(bundles)))
    if faults:
        lines = "".join(f"\n  {fault}" for fault in faults)
        raise ResiduaError(
            f"The bundles cannot be applied together:{lines}\n"
            "Apply bundles of one study together, and each of the others by a call of its own."
        )
    merged: dict[str, Any] = {**bundles[0].record.study, "cohort": cohort, "raters": None}
    merged["inputs"] = {bundle.inputs: bundle.channels for bundle in bundles}
    merged["channel_dropout"], merged["elsewhere"] = {}, {}
    merged["derived_channels"] = {name: made for bundle in bundles for name, made in _derived(bundle).items()}
    merged["archs"] = list(dict.fromkeys(bundle.arch for bundle in bundles))
    merged["networks"] = {bundle.arch: _untrained(bundle) for bundle in reversed(bundles)}
    if bundles[0].record.as_study().brain_mask.has_own_network:
        merged["brain_mask"] = {**merged["brain_mask"], "weights": BRAIN_WEIGHTS}
    merged["eligibility"], merged["on_invalid"] = "per_inputs", "exclude"
    first = {bundle.arch: bundle.inputs for bundle in reversed(bundles)}
    merged["statistics"] = {**merged["statistics"], "best_inputs": dict.fromkeys(BestInputs.model_fields, first)}
    return load_study(merged)


def _untrained(bundle: Bundle) -> dict[str, Any]:
    network: dict[str, Any] = dict(bundle.record.study["networks"][bundle.arch])
    # What it started from lies where the network was trained, which is over.
    for start in ("initial_bundles", "init", "preoperative"):
        network.pop(start, None)
    if "initial_weights" in network:
        network["initial_weights"] = None
    return network


def _derived(bundle: Bundle) -> Mapping[str, Mapping[str, Any]]:
    return {channel.name: channel.definition for channel in bundle.record.channels if channel.definition}


def _disagreements(bundles: Sequence[Bundle]) -> Iterator[str]:
    first = bundles[0]
    own = [bundle.record.as_study() for bundle in bundles]
    seen: dict[tuple[str, str], Bundle] = {}
    for bundle, study in zip(bundles, own, strict=True):
        twin = seen.setdefault((bundle.arch, bundle.inputs), bundle)
        if twin is not bundle:
            yield f"{twin.path} and {bundle.path} both hold {bundle}: give one of them"
        for section in _SHARED:
            if getattr(study, section) != getattr(own[0], section):
                yield f"{first.path} and {bundle.path} differ in {section}"
        if study.postprocessing.model_dump(exclude={"thresholds"}) != own[0].postprocessing.model_dump(
            exclude={"thresholds"}
        ):
            yield f"{first.path} and {bundle.path} differ in postprocessing"
        for other, others in zip(bundles, own, strict=True):
            theirs, ours = _derived(other), _derived(bundle)
            for name in theirs.keys() & ours.keys():
                if theirs[name] != ours[name]:
                    yield f"{other.path} and {bundle.path} derive the channel {name} in different ways"
            if other.inputs == bundle.inputs and other.channels != bundle.channels:
                yield f"{other.path} and {bundle.path} call different channels {bundle.inputs}"
            if other.arch == bundle.arch and _prepared(others, bundle.arch) != _prepared(study, bundle.arch):
                yield f"{other.path} and {bundle.path} prepare channels for {bundle.arch} in different ways"


def _prepared(study: Study, arch: str) -> object:
    return study.settings_of(arch).preparation()
