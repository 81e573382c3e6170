"""The command ``residua init``: write the smallest configuration that fits a table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from residua.cohort.checks.voxels import BRAIN_MASK, check_voxels
from residua.cohort.proposal.config import config_text, proposed_config
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.publishing.publish import write_text
from residua.settings.base import REFERENCE_STANDARD
from residua.terminal import plain_console


def write_config(table: Path, out: Path, published: Mapping[str, Any], cache: Path, workers: int) -> list[str]:
    """Write the configuration for ``table`` to ``out`` and return what was chosen, a line each.

    Raises ``ResiduaError`` if ``out`` exists, or as ``proposed_config`` does; nothing is written then.
    """
    if os.path.lexists(out):
        raise ResiduaError(f"{out}: exists already, and is not overwritten: name another file, or delete it")

    def read(patients: list[Patient], reference: str) -> dict[str, Any]:
        on = {REFERENCE_STANDARD: reference, BRAIN_MASK: reference}
        with plain_console(stderr=True).status("Reading scans") as shown:
            return check_voxels(
                patients,
                {reference: "image", REFERENCE_STANDARD: "label"},
                on,
                cache,
                workers,
                lambda done, total: shown.update(f"Read scans of {done} of {total} patients"),
            )

    config, remarks = proposed_config(os.fspath(table), published, read)
    write_text(out, config_text(config, remarks))
    return _chosen(config)


def _chosen(config: Mapping[str, Any]) -> list[str]:
    inputs = ", ".join(f"{name} ({', '.join(channels)})" for name, channels in config["inputs"].items())
    return [
        f"input configurations: {inputs}",
        f"hold-out: {_holdout(config['holdout'])}; folds {_folds(config['folds'])}",
        f"brain mask: {config['brain_mask']['method']}; eligibility: {config['eligibility']}",
    ]


def _holdout(proposed: Mapping[str, Any] | Sequence[str]) -> str:
    if not isinstance(proposed, Mapping):
        return ", ".join(proposed)
    if "share" in proposed:
        return f"{proposed['share']:.0%} of the scans, drawn"
    return f"where {proposed['column']} is {' or '.join(proposed['values'])}"


def _folds(proposed: Mapping[Any, Any]) -> str:
    if "unit" in proposed:
        return f"{proposed['count']}, drawn by persons (residua folds shows them)"
    return "; ".join(f"{fold}: {', '.join(hospitals)}" for fold, hospitals in proposed.items())
