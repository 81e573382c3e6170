"""The cases of one training or of the hold-out, read from the manifest that selected them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.unchanged import changed, require_all_unchanged
from residua.publishing.publish import read_json
from residua.settings.base import REFERENCE_STANDARD


def read_selected(selection: str, given: Collection[str] | None = None) -> list[PreparedCase]:
    """Read the channels of the validation patients, whole and unchanged since the selection.

    Of the channels the network sees only those that are ``given``, all by default.
    """
    record = read_json(selection)
    names = [channel["name"] for channel in record["channels"]]
    hidden = [name for name in names if given is not None and name not in given]
    cases, digests = [_case(record, patient, hidden) for patient in record["validation"]], _digests(record)
    require_all_unchanged({file: digests[file] for case in cases for file in case.channels})
    return cases


def read_training_set(selection: str) -> tuple[TrainingSet, dict[Path, str]]:
    """Return the data of one training, and the digests by which its files are verified while it runs.

    Raises ``DamagedStageError`` that names a file if it is missing.
    """
    record = read_json(selection)
    everyone = [*record["training"], *record["validation"]]
    data = TrainingSet(
        channels=tuple(Channel(**channel) for channel in record["channels"]),
        cases={patient: _case(record, patient) for patient in everyone},
        references={patient: _file(record, patient, REFERENCE_STANDARD) for patient in everyone},
        training=tuple(record["training"]),
        validation=tuple(record["validation"]),
        persons=record.get("persons", {}),
    )
    digests = _digests(record)
    names = {file for patient in everyone for file in (*data.cases[patient].channels, data.references[patient])}
    files = {file: content for file, content in digests.items() if file in names}
    for file in files:
        if not file.is_file():
            raise changed(file)
    return data, files


def _digests(record: dict[str, Any]) -> dict[Path, str]:
    return {Path(entry["path"]): entry["digest"] for files in record["files"].values() for entry in files.values()}


def _case(record: dict[str, Any], patient: str, hidden: Collection[str] = ()) -> PreparedCase:
    names = [channel["name"] for channel in record["channels"]]
    absent = record.get("lacking", {}).get(patient, ())
    # The file of a channel that is there lends its grid to those that are not.
    other = next(name for name in names if name not in absent)
    files = tuple(_file(record, patient, other if name in absent else name) for name in names)
    lacking = tuple(place for place, name in enumerate(names) if name in absent or name in hidden)
    return PreparedCase(patient, files, lacking)


def _file(record: dict[str, Any], patient: str, channel: str) -> Path:
    return Path(record["files"][patient][channel]["path"])
