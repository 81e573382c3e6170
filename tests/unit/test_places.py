"""Settings that say where files lie: each is known, goes from a configuration that leaves, and nothing else goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from annotated_types import MaxLen, MinLen
from pydantic import BaseModel

from residua.settings.places import PLACES, seen_from_the_root, without_places
from residua.settings.study import Study

SHA = "a" * 64
WEIGHTS = {"file": "/mnt/My Data/w.safetensors", "sha256": SHA}
BUNDLE = {"file": "//server/My Share/b.zip", "sha256": SHA, "fold": None}
FREE_TEXTS = {"title", "holdout.values", "elsewhere.*.label", "sharing.licence", "sharing.contact"}
"""What a person may write as they like that is no place."""


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"cohort": "/data/cohort.tsv"}, {}),
        ({"cohort": "My cohort.tsv", "raters": None}, {}),
        ({"raters": r"C:\My Data\raters.tsv"}, {}),
        ({"folds": {"method": "file", "path": "/mnt/My Data/folds.tsv"}}, {"folds": {"method": "file"}}),
        ({"brain_mask": {"weights": "my model.zip", "weights_sha256": SHA}}, {"brain_mask": {"weights_sha256": SHA}}),
        (
            {"networks": {"agunet": {"initial_weights": WEIGHTS}}},
            {"networks": {"agunet": {"initial_weights": {"sha256": SHA}}}},
        ),
        (
            {"networks": {"nnunet": {"plans": WEIGHTS, "initial_weights": WEIGHTS}}},
            {"networks": {"nnunet": {"plans": {"sha256": SHA}, "initial_weights": {"sha256": SHA}}}},
        ),
        ({"networks": {"nnunet": {"plans": "resenc-m"}}}, {"networks": {"nnunet": {"plans": "resenc-m"}}}),
        (
            {"networks": {"nnunet": {"initial_bundles": {"A": BUNDLE}}}},
            {"networks": {"nnunet": {"initial_bundles": {"A": {"sha256": SHA, "fold": None}}}}},
        ),
        (
            {"elsewhere": {"x": {"label": "A/B", "inputs": {"B": "/mnt/My Data/{patient}.nii.gz", "C": "pred_c"}}}},
            {"elsewhere": {"x": {"label": "A/B", "inputs": {"C": "pred_c"}}}},
        ),
    ],
)  # fmt: skip
def test_a_place_goes_however_it_is_written(record: dict[str, Any], kept: dict[str, Any]) -> None:
    assert without_places(record) == kept


def test_places_above_the_study_are_found_from_another_folder() -> None:
    record = {
        "cohort": "data/cohort.tsv",
        "title": "../title",
        "networks": {"agunet": {"initial_weights": {"file": "../w.safetensors", "sha256": SHA}, "init": "file"}},
        "elsewhere": {"x": {"inputs": {"B": "data/../{patient}.nii.gz", "C": "pred_c"}}},
        "machine": {"local_scratch": "$TMPDIR"},
        "folds": {"path": None},
    }
    found = seen_from_the_root(record, Path("/study"))
    assert found["networks"]["agunet"]["initial_weights"] == {"file": "/study/../w.safetensors", "sha256": SHA}
    assert found["elsewhere"]["x"]["inputs"] == {"B": "/study/data/../{patient}.nii.gz", "C": "pred_c"}
    same = ("cohort", "title", "machine", "folds")
    assert {name: found[name] for name in same} == {name: record[name] for name in same}


def test_everything_else_stays_however_it_looks() -> None:
    record = {
        "title": "Pre/post",
        "sharing": {"licence": "https://example.org/licence", "contact": "Neuro/Radiology"},
        "holdout": ["AMS"],
        "folds": {0: ["path"], 1: ["file"]},
        "inputs": {"cohort": ["post_t1ce"], "weights": ["post_t1ce", "post_t1"]},
        "statistics": {"best_inputs": {"raters": {"agunet": "cohort"}}, "fold_weights": "equal"},
        "networks": {"agunet": {"initial_weights": None}},
    }
    assert without_places(record) == record


def free_texts(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """The keys of a model whose value a person may write as they like: neither a pattern nor a choice bounds it."""
    for name, field in model.model_fields.items():
        yield from _free(field.annotation, tuple(field.metadata), f"{above}{name}")


def _free(annotation: Any, bounds: tuple[Any, ...], key: str) -> Iterator[str]:
    if annotation is str:
        if all(isinstance(bound, MinLen | MaxLen) for bound in bounds):
            yield key
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from free_texts(annotation, f"{key}.")
    elif hasattr(annotation, "__metadata__"):
        found = [getattr(bound, "metadata", [bound]) for bound in annotation.__metadata__]
        yield from _free(annotation.__origin__, tuple(bound for each in found for bound in each), key)
    elif get_origin(annotation) is dict:
        yield from _free(get_args(annotation)[1], (), f"{key}.*")
    else:
        own = bounds if get_origin(annotation) in (Union, UnionType) else ()
        for part in get_args(annotation):
            yield from _free(part, own, key)


def test_every_setting_that_may_hold_a_path_is_known_as_a_place_or_as_a_text() -> None:
    """A new setting of free text fails here until somebody says whether it is a place."""
    found = {re.sub(r"^networks\.\w+", "networks.*", key) for key in free_texts(Study)}
    assert found == set(PLACES) | FREE_TEXTS
