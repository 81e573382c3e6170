"""The cases of one training or of the hold-out, read from the manifest that selected them."""

from __future__ import annotations

from collections.abc import Collection
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
    hidden = [name for name in names if given is not None and name not in given]
    return [_case(record, patient, hidden) for patient in record["validation"]]


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


def _case(record: dict[str, Any], patient: str, hidden: Collection[str] = ()) -> PreparedCase:
    names = [channel["name"] for channel in record["channels"]]
    absent = record.get("lacking", {}).get(patient, ())
    # The file of a channel that is there lends its grid to those that are not.
    other = next(name for name in names if name not in absent)
    files = tuple(_file(record, patient, other if name in absent else name) for name in names)
    lacking = tuple(place for place, name in enumerate(names) if name in absent or name in hidden)
    return PreparedCase(patient, files, lacking)


def _file(record: dict[str, Any], patient: str, channel: str) -> Path:
    entry = record["files"][patient][channel]
    file = Path(entry["path"])
    if not file.is_file() or digest(file) != entry["digest"]:
        raise DamagedStageError(
            f"{file}: missing or changed since it was made. Rebuild with: {remaking(file.parent / 'manifest.json')}"
        )
    return file
