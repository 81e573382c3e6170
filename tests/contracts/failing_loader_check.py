"""Trainings whose data cannot be loaded, in a network's environment: failing_loader_check.py ARCH SETTINGS FOLDER.

Prints the message with which each ends.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from augmentation_check import IMAGE, TUMOUR, make_cases, prepared, training_set

from residua.cluster.framework import require_seen
from residua.errors import ResiduaError
from residua.networks.cases import TrainingSet
from residua.networks.registry import settings_of, train_of
from residua.networks.shared_memory import require_room
from residua.networks.training_data import data_beside
from residua.publishing.publish import digest
from residua.settings.machine import Machine
from residua.settings.network import NetworkSettings


def ended(
    arch: str,
    data: TrainingSet,
    settings: NetworkSettings,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """The message of the error that ends a training, whose data are copied meanwhile."""
    out.mkdir()
    names = [*(file for case in data.cases.values() for file in case.channels), *data.references.values()]
    files = {file: digest(file) for file in names}
    try:
        with data_beside(data, files, out, str(out.parent), print) as (near, watched):
            train_of(arch)(near, settings, out, watched(progress))
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
    messages = {}
    try:
        require_room(2 * 10**15, channels=5, held=40, folder=str(folder))
    except ResiduaError as error:
        messages["room"] = str(error)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, limits[1]))
    messages["sharing"] = ended(arch, data, settings, folder / "sharing")
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return messages


def of_another_patient(data: TrainingSet, folder: Path) -> dict[str, str]:
    """What nnU-Net's loader says where a channel, or the reference standard, has another grid than the others."""
    from residua.networks.nnunet.dataset import StackedDataset
    from residua.networks.nnunet.prepared import geometry, write_channel

    (patient, case), messages = next(iter(data.cases.items())), {}
    crop, shape = geometry(case.channels[1])
    (folder / "other").mkdir()
    other = folder / "other" / f"{patient}.b2nd"
    write_channel(np.zeros((1, 9, 8, 7), np.int8), crop, shape, [8, 8, 8], other)
    for name, cases, references in (
        ("channel", {patient: replace(case, channels=(case.channels[0], other))}, data.references),
        ("reference", data.cases, {patient: other}),
    ):
        try:
            StackedDataset(cases, references).load_case(patient)
        except ResiduaError as error:
            messages[name] = str(error)
    return messages


def ended_from_outside(arch: str, data: TrainingSet, settings: Any, folder: Path) -> dict[str, Any]:
    """A process of each loader is killed; and all of a training are asked to leave, as a cluster asks them."""
    from residua.networks.nnunet import trainer

    started, messages = trainer.start_loader, {}

    def noted(*given: Any) -> Any:
        loaders.append(started(*given))
        return loaders[-1]

    def one_dies(of: int, done: int) -> None:
        if done == 1:
            os.kill(loaders[of]._processes[0].pid, signal.SIGKILL)

    def all_are_asked(done: int) -> None:
        if done == 1:
            for process in (each for loader in loaders for each in loader._processes):
                os.kill(process.pid, signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)

    trainer.start_loader = noted
    for name, act in (("training", partial(one_dies, 0)), ("validation", partial(one_dies, 1)), ("all", all_are_asked)):
        loaders: list[Any] = []
        messages[name] = ended(arch, data, settings, folder / name, lambda done, total, act=act: act(done))  # type: ignore[misc]
    trainer.start_loader = started
    return {**messages, "saved": [file.name[:17] for file in (folder / "all").glob("checkpoint*")]}


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
    messages: dict[str, Any] = without_room(arch, data, settings, folder)
    if arch == "nnunet":
        long = settings.model_copy(update={"epochs": 30, "save_every_epochs": 30})
        messages |= of_another_patient(data, folder) | ended_from_outside(arch, data, long, folder)
    messages["damaged"] = ended(arch, cut_off(data), settings, folder / "damaged")
    print(json.dumps({**messages, **without_a_card(arch)}))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "3"
    main(sys.argv[1], settings_of(sys.argv[1]).model_validate_json(sys.argv[2]), Path(sys.argv[3]))
