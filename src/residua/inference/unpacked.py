"""Whether what an application unpacked is what its bundles hold: a bundle may be replaced under the same path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from residua.bundle.names import model_file
from residua.inference.bundles import Bundle
from residua.publishing.publish import read_json


def holds_others(out: str | os.PathLike[str], bundles: Sequence[Bundle], former: bool = True) -> bool:
    """Return whether models or a threshold in the application's folder ``out`` are none of the bundles'.

    What was not unpacked yet, was deleted or cannot be read is none: the workflow sees to it. Without ``former``,
    neither is what a bundle left that the application no longer names, or a fold that its bundle no longer has: no job
    reads it.
    """
    by_model = {(bundle.arch, bundle.inputs): bundle for bundle in bundles}
    results = Path(out, "results")
    for manifest in results.glob("models/*/*/fold*/manifest.json"):
        _, arch, inputs, fold, _ = manifest.relative_to(results).parts
        bundle = by_model.get((arch, inputs))
        files = _files(bundle, fold) if bundle else {}
        if (former or files) and (record := _read(manifest)) and record.get("files") != files:
            return True
    for threshold in results.glob("segmentations/*/*/threshold.json"):
        _, arch, inputs, _ = threshold.relative_to(results).parts
        bundle = by_model.get((arch, inputs))
        chosen = bundle.record.threshold if bundle else {}
        if (former or chosen) and (record := _read(threshold)) and record != chosen:
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
