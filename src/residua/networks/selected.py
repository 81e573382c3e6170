"""The cases of one training or of the hold-out, read from the manifest that selected them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from residua.errors import DamagedStageError
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.publishing.publish import digest, read_json, remaking
from residua.settings.base import REFERENCE_STANDARD


def read_selected(selection: str, given: Collection[str] | None = None) -> list[PreparedCase]:
    """Read the channels of the validation patients, whole and unchanged since the selection.

    Of the channels the network sees only those that are ``given``, all by default.
    """
    record = read_json(selection)
    names = [channel["name"] for channel in record["channels"]]
    lacking = tuple(place for place, name in enumerate(names) if given is not None and name not in given)
    return [replace(_case(record, patient), lacking=lacking) for patient in record["validation"]]


def read_training_set(selection: str) -> TrainingSet:
    """Read the data of one training.

    Raises ``DamagedStageError`` that names a file if it is missing or changed since the selection.
    """
    record = read_json(selection)
    everyone = [*record["training"], *record["validation"]]
    return TrainingSet(
        channels=tuple(Channel(**channel) for channel in record["channels"]),
        cases={patient: _case(record, patient) for patient in everyone},
        references={patient: _file(record, patient, REFERENCE_STANDARD) for patient in everyone},
        training=tuple(record["training"]),
        validation=tuple(record["validation"]),
    )


def _case(record: dict[str, Any], patient: str) -> PreparedCase:
    return PreparedCase(patient, tuple(_file(record, patient, channel["name"]) for channel in record["channels"]))


def _file(record: dict[str, Any], patient: str, channel: str) -> Path:
    entry = record["files"][patient][channel]
    file = Path(entry["path"])
    if not file.is_file() or digest(file) != entry["digest"]:
        raise DamagedStageError(
            f"{file}: missing or changed since it was made. Rebuild with: {remaking(file.parent / 'manifest.json')}"
        )
    return file
