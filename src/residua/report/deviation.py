"""One difference in method between a study and the article, and the conditions under which it applies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from residua.report.article_settings import value_of
from residua.settings.initial_bundle import initial_bundles_of
from residua.settings.study import Study

Applies = Callable[[Study], bool]


@dataclass(frozen=True)
class Deviation:
    """What the article and Residua do, why, whether it could change a conclusion, and the studies it applies to."""

    what: str
    article: str
    here: str
    why: str
    matters: str
    applies: Applies


def always(study: Study) -> bool:
    """Apply to every study."""
    return True


def trains(arch: str) -> Applies:
    """Apply to studies that train this network."""
    return lambda study: arch in study.archs


def where(key: str, value: Any, arch: str | None = None) -> Applies:
    """Apply to studies with this value under the dotted ``key`` that train ``arch``."""
    return lambda study: (arch is None or arch in study.archs) and value_of(study, key) == value


def unlike(key: str, value: Any, arch: str | None = None) -> Applies:
    """Apply to studies with another value under the dotted ``key`` that train ``arch``."""
    return lambda study: (arch is None or arch in study.archs) and value_of(study, key) != value


def chooses(arch: str, name: str, *usual: Any) -> Applies:
    """Apply to studies that train ``arch`` with another value than the usual of a setting that is left out of dumps."""
    return lambda study: arch in study.archs and getattr(study.settings_of(arch), name) not in usual


def sets(name: str, *values: Any) -> Applies:
    """Apply to studies with a network whose setting ``name`` is one of ``values``, or, without any, is not None."""

    def applies(study: Study) -> bool:
        found = [getattr(study.settings_of(arch), name, None) for arch in study.archs]
        return any(value in values if values else value is not None for value in found)

    return applies


def counts_steps_by_cohort(study: Study) -> bool:
    """Apply to studies in which the number of training cases decides how many steps an epoch has."""
    steps = [getattr(study.settings_of(arch), "iterations_per_epoch", 1) for arch in study.archs]
    return any(not isinstance(number, int) for number in steps)


def starts_at_random(arch: str) -> Applies:
    """Apply to studies in which a training of this network starts from random weights."""

    def applies(study: Study) -> bool:
        if arch not in study.archs:
            return False
        settings = study.settings_of(arch)
        from_bundles = set(initial_bundles_of(settings)) >= set(study.inputs)
        given = getattr(settings, "initial_weights", None) or settings.before_surgery
        return not given and not from_bundles

    return applies


def starts_from_a_bundle(study: Study) -> bool:
    """Apply to studies in which a training starts from the models of a bundle."""
    return any(initial_bundles_of(study.settings_of(arch)) for arch in study.archs)


def takes_labels(arch: str) -> Applies:
    """Apply to studies in which this network has a label among its channels."""
    return lambda study: arch in study.archs and any(set(study.labels) & set(c) for c in study.inputs.values())
