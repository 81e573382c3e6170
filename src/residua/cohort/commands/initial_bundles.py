"""Judge the bundles from which trainings start, before any training: whether they fit, and whom their models know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from residua.bundle.record import BundleRecord
from residua.bundle.start import fitting_bundle, other_region
from residua.cohort.split.split import Split
from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.initial_bundle import InitialBundle, StartingFromBundles
from residua.settings.study import Study

_PREPARED_BY = ("registration", "brain_mask", "preparation")
"""Sections of the config that change what the channels look like, and nothing that weights would not fit."""


def initial_bundle_problems(study: Study, split: Split) -> list[Problem]:
    """Return an error for each bundle that its trainings would refuse, and warnings of what they cannot know."""
    problems: list[Problem] = []
    for arch in study.archs:
        settings = study.settings_of(arch)
        if isinstance(settings, StartingFromBundles):
            for inputs, start in settings.initial_bundles.items():
                problems += _judged(study, split, arch, inputs, settings, start)
    return problems


def _judged(
    study: Study, split: Split, arch: str, inputs: str, settings: StartingFromBundles, start: InitialBundle
) -> Iterator[Problem]:
    key = f"networks.{arch}.initial_bundles.{inputs}"
    channels = [
        Channel(name, name in study.labels, definition=study.definition_of(name)) for name in study.inputs[inputs]
    ]
    try:
        record = fitting_bundle(Path(start.file), start, arch, channels, settings)
    except ResiduaError as error:
        what = " ".join(str(error).removeprefix(f"{start.file}: ").split())
        remedy = "without the entry these trainings start from random weights"
        yield problem_of("initial-bundle-unusable", what, remedy, subject=key, file=start.file)
        return
    yield _of_seen(key, record, start, split)
    yield from _prepared_differently(key, record, start, study)
    if differing := other_region(record, settings):
        remedy = "the trainings adapt to it; take the region over if there is no reason for the difference"
        yield problem_of("initial-bundle-of-other-region", differing, remedy, subject=key, file=start.file)


def _of_seen(key: str, record: BundleRecord, start: InitialBundle, split: Split) -> Problem:
    what = "a bundle names no patient, so it cannot be told whether its models were trained on patients of this cohort"
    trained = {fold: _trained_on(record, start.fold_for(fold, record.folds)) for fold in split.folds}
    known = seen_hospitals(split, trained)
    if not any(trained.values()):
        what += "; nor does this one name their hospitals"
    elif known:
        told = "; ".join(f"{part}: {', '.join(names)}" for part, names in known.items())
        what += f"; by their names, hospitals of these parts were among them ({told})"
    else:
        what += "; by the names of hospitals, none of a validation fold or of the hold-out was"
    remedy = "ask whoever made the bundle: patients whom its models know are judged too well"
    return problem_of("initial-bundle-of-seen", what, remedy, subject=key, file=start.file)


def seen_hospitals(split: Split, trained: Mapping[int, set[str]]) -> dict[str, list[str]]:
    """Return the hospitals by part of the split that are judged by a model which began with their patients, by name.

    ``trained`` holds the hospitals on which the model was trained from which each fold's training starts.
    """
    parts = {f"fold {fold}": (members, trained[fold]) for fold, members in split.folds.items()}
    parts["the hold-out"] = (split.holdout, set().union(*trained.values()))
    found = {part: sorted({split.hospitals[p] for p in members} & seen) for part, (members, seen) in parts.items()}
    return {part: names for part, names in found.items() if names}


def _trained_on(record: BundleRecord, fold: int) -> set[str]:
    """Return the hospitals on which the model of a fold was trained: those of the other folds, as far as is stated."""
    folds = record.as_study().folds
    if not isinstance(folds, dict):
        return {group.hospital for group in record.population if group.part == "out_of_fold"}
    return {hospital for other, hospitals in folds.items() if other != fold for hospital in hospitals}


def _prepared_differently(key: str, record: BundleRecord, start: InitialBundle, study: Study) -> Iterator[Problem]:
    theirs = record.as_study()
    differing = [section for section in _PREPARED_BY if getattr(theirs, section) != getattr(study, section)]
    if differing:
        what = f"the scans of the bundle's patients were prepared in another way: {', '.join(differing)} differ"
        remedy = "the trainings adapt to it; take the settings over if there is no reason for the difference"
        yield problem_of("initial-bundle-prepared-differently", what, remedy, subject=key, file=start.file)
