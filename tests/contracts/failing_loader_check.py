"""Trainings whose data cannot be loaded, in a network's environment: failing_loader_check.py ARCH SETTINGS FOLDER.

Prints the message with which each ends.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from augmentation_check import IMAGE, TUMOUR, make_cases, prepared, training_set

from residua.cluster.cards import require_seen
from residua.errors import ResiduaError
from residua.networks.cases import TrainingSet
from residua.networks.registry import settings_of, train_of
from residua.settings.machine import Machine
from residua.settings.network import NetworkSettings


def ended(arch: str, data: TrainingSet, settings: NetworkSettings, out: Path) -> str:
    """The message of the error that ends a training."""
    out.mkdir()
    try:
        train_of(arch)(data, settings, out, lambda done, total: None)
    except ResiduaError as error:
        return str(error)
    return "the training went on"


def cut_off(data: TrainingSet) -> TrainingSet:
    """The training with one prepared channel of each patient cut off."""
    for case in data.cases.values():
        file = case.channels[0]
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return data


def without_room(arch: str, data: TrainingSet, settings: Any, folder: Path) -> dict[str, str]:
    """Want of shared memory: seen before the start, and met later, as a limit on the size of a file."""
    if arch != "nnunet":
        return {}
    from residua.networks.nnunet import trainer

    messages = {}
    room = trainer.require_room
    try:
        room(_Large(), channels=5, held=40, folder=str(folder))
    except ResiduaError as error:
        messages["room"] = str(error)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, limits[1]))
    messages["sharing"] = ended(arch, data, settings, folder / "sharing")
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return messages


class _Large:
    """Batches larger than any disk."""

    batch_size, final_patch_size = 2, (10**5, 10**5, 10**5)


def without_a_card(arch: str) -> dict[str, str]:
    """What is told of a card that the framework, which the training has imported, does not see."""
    told: list[str] = []
    require_seen("GPU-a0", Machine(), told.append)
    require_seen(None, Machine(device="cuda"), told.append)
    try:
        require_seen("GPU-a0", Machine(device="cuda"), told.append)
    except ResiduaError as error:
        return {"unseen": told[0], "refused": str(error)}
    raise AssertionError("a card was demanded")


def main(arch: str, settings: NetworkSettings, folder: Path) -> None:
    """Print the record."""
    make_cases(folder)
    data = training_set(prepared(arch, settings, folder), (IMAGE, TUMOUR))
    messages = without_room(arch, data, settings, folder)
    messages["damaged"] = ended(arch, cut_off(data), settings, folder / "damaged")
    print(json.dumps({**messages, **without_a_card(arch)}))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "3"
    main(sys.argv[1], settings_of(sys.argv[1]).model_validate_json(sys.argv[2]), Path(sys.argv[3]))
