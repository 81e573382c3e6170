"""Which settings say where files lie: a configuration that leaves the study's computers does without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from residua.settings.elsewhere import PATIENT

PLACES: Mapping[str, str] = {
    "cohort": "",
    "raters": "",
    "folds.path": "",
    "brain_mask.weights": "",
    "networks.*.plans.file": "",
    "networks.*.initial_weights.file": "",
    "networks.*.initial_bundles.*.file": "",
    "machine.local_scratch": "",
    "elsewhere.*.inputs.*": PATIENT,
}
"""The keys of such settings (``*``: any name), and what a value holds that is a place; other values are not."""


def without_places(record: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a study's configuration, as builtins, where files lie; their digests stand beside them.

    A setting goes by its key alone: a path may look like a title, and a title like a path.

    >>> without_places({"cohort": "My cohort.tsv", "title": "a/b", "brain_mask": {"weights": "w", "method": "agunet"}})
    {'title': 'a/b', 'brain_mask': {'method': 'agunet'}}
    """
    return _kept(record, [(key.split("."), sign) for key, sign in PLACES.items()])


def _kept(record: Mapping[str, Any], places: list[tuple[list[str], str]]) -> dict[str, Any]:
    kept = {}
    for name, value in record.items():
        below = [(rest, sign) for (first, *rest), sign in places if first in ("*", name)]
        if isinstance(value, Mapping):
            kept[name] = _kept(value, [place for place in below if place[0]])
        elif not any(not rest and sign in str(value) for rest, sign in below):
            kept[name] = value
    return kept
