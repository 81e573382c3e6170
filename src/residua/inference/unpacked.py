"""Whether what an application unpacked is what its bundles hold: a bundle may be replaced under the same path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from residua.bundle.names import model_file
from residua.inference.bundles import Bundle
from residua.publishing.publish import read_json


def holds_others(out: str | os.PathLike[str], bundles: Sequence[Bundle]) -> bool:
    """Return whether models or a threshold in the application's folder ``out`` are none of the bundles'.

    What was not unpacked yet, was deleted or cannot be read is none: the workflow sees to it.
    """
    by_model = {(bundle.arch, bundle.inputs): bundle for bundle in bundles}
    results = Path(out, "results")
    for manifest in results.glob("models/*/*/fold*/manifest.json"):
        _, arch, inputs, fold, _ = manifest.relative_to(results).parts
        bundle = by_model.get((arch, inputs))
        if (record := _read(manifest)) and (bundle is None or record.get("files") != _files(bundle, fold)):
            return True
    for threshold in results.glob("segmentations/*/*/threshold.json"):
        _, arch, inputs, _ = threshold.relative_to(results).parts
        bundle = by_model.get((arch, inputs))
        if (record := _read(threshold)) and (bundle is None or record != bundle.record.threshold):
            return True
    return False


def _files(bundle: Bundle, fold: str) -> dict[str, str]:
    folder = model_file(int(fold.removeprefix("fold")), "")
    files = bundle.record.files.items()
    return {name.removeprefix(folder): content for name, content in files if name.startswith(folder)}


def _read(file: Path) -> dict[str, Any]:
    try:
        record = read_json(file)
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
