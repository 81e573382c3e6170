"""The contract of a network, run in that network's environment: python network_contract.py ARCH SETTINGS FOLDER STOPS.

Every network of the config goes through the same steps on the same small cases: prepare, train, resume, predict. It
prints one JSON record, which the test judges.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import shutil
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from prepared_channels import prepared_channels
from scipy import ndimage
from scipy.spatial.transform import Rotation

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.contract import Predictor
from residua.networks.registry import load_of, prepare_of, settings_of, target_grid_of, train_of
from residua.networks.unfinished import LeftError
from residua.preparation.brain_crop import brain_crop, mask_on
from residua.preparation.cases import ChannelCase
from residua.publishing.publish import digest
from residua.settings.initial_bundle import StartingFromBundles
from residua.settings.network import NetworkSettings

SAVED = "save_every_epochs"
"""Setting of a network that saves an unfinished training."""
EVERY_STOP = 4
"""How often the training of a whole contract is stopped; with fewer stops it is not damaged and tuned again, too."""
MEAN = -1
"""Place of the mean among the maps of models."""
_INSIDE_S = 0.05
"""After its beginning an epoch is not over yet."""
STANDING = {"learning_rate": 1e-50, "batch_normalization_momentum": 1 - 1e-16}
"""Settings with which a step changes nothing: below what 32 bits hold."""
PATIENTS = ("P1", "P2", "P3")
CHANNELS = (Channel("post_t1ce", is_label=False), Channel("pre_tumor", is_label=True))
SHAPE = (52, 44, 36)


class KilledError(Exception):
    """Stands for the moment at which a training is killed."""


def make_cases(folder: Path) -> None:
    """Heads with a bright, off-centre tumour on an oblique, anisotropic grid that is stored in another order than RAS.

    Whatever mixes up axes, spacings or the place of the crop puts the prediction somewhere else.
    """
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xz", [12, -8], degrees=True).as_matrix() @ np.diag([2.4, 3.0, 3.6])
    grid = Grid(SHAPE, affine, stored_as="LPS")
    rng = np.random.default_rng(0)
    x, y, z = np.indices(SHAPE)
    brain = ((x - 27) / 21) ** 2 + ((y - 21) / 18) ** 2 + ((z - 17) / 14) ** 2 < 1
    for index, patient in enumerate(PATIENTS):
        tumour = ((x - 18 - 3 * index) / 5) ** 2 + ((y - 28) / 4) ** 2 + ((z - 13) / 3) ** 2 < 1
        head = (rng.normal(100, 5, SHAPE) + 80 * tumour).astype(np.float32) * brain
        for name, data in (("brain", brain), ("post_t1ce", head), ("pre_tumor", tumour), ("residual", tumour)):
            volumes.save(Image(data, grid), folder / f"{patient}_{name}.nii.gz")


def prepare_all(arch: str, settings: NetworkSettings, folder: Path) -> TrainingSet:
    """Prepare every channel on its own, as the workflow does."""
    made = prepared_channels(arch, settings, folder, (*CHANNELS, Channel("residual", is_label=True)), PATIENTS)
    cases = {p: PreparedCase(p, tuple(made[channel.name, p] for channel in CHANNELS)) for p in PATIENTS}
    return TrainingSet(CHANNELS, cases, {p: made["residual", p] for p in PATIENTS}, PATIENTS[:2], PATIENTS[2:])


def sampled_case(arch: str, settings: NetworkSettings, folder: Path, patient: str) -> PreparedCase:
    """A patient whose channels were on the network's target grid when ``prepare`` got them."""
    brain = folder / f"{patient}_brain.nii.gz"
    mask = volumes.load_mask(brain)
    grid = target_grid_of(arch, settings.preparation())(brain_crop(mask, patient))
    to_reference = np.linalg.inv(mask.grid.affine) @ grid.affine
    made = []
    for channel in CHANNELS:
        voxels = volumes.load(folder / f"{patient}_{channel.name}.nii.gz").data
        order, place = 0 if channel.is_label else 1, (to_reference[:3, :3], to_reference[:3, 3])
        sampled = ndimage.affine_transform(voxels, *place, grid.shape, order=order, mode="nearest")
        out = folder / f"sampled_{channel.name}"
        out.mkdir()
        volumes.save(Image(sampled * mask_on(grid, mask), grid), folder / f"{out.name}.nii.gz")
        case = ChannelCase(patient, folder / f"{out.name}.nii.gz", brain, sampled=True)
        prepare_of(arch)([case], channel.is_label, settings.preparation(), out)
        made.append(next(out.iterdir()))
    return PreparedCase(patient, tuple(made))


@dataclass(frozen=True)
class Stop:
    """How a training is stopped when it begins an epoch: killed at once, or asked to leave a moment later."""

    epoch: int
    asked_by: signal.Signals | None = None

    def now(self) -> None:
        """Kill the training, or ask it; one that would not hear is killed."""
        if self.asked_by is None or signal.getsignal(self.asked_by) == signal.SIG_DFL:
            raise KilledError
        threading.Timer(_INSIDE_S, os.kill, (os.getpid(), self.asked_by)).start()


def train_to(arch: str, data: TrainingSet, settings: NetworkSettings, out: Path, stop: Stop | None = None) -> list[int]:
    """Train into ``out``, or until it is stopped; returns the epochs that were begun."""
    begun: list[int] = []

    def progress(done: int, total: int) -> None:
        begun.append(done)
        if stop and done == stop.epoch:
            stop.now()

    out.mkdir(exist_ok=True)
    with contextlib.suppress(KilledError, LeftError):
        train_of(arch)(data, settings, out, progress)
    return begun


def stopped_again_and_again(
    arch: str, data: TrainingSet, settings: NetworkSettings, out: Path, stops: int
) -> list[list[int]]:
    """The epochs of trainings that follow each other, all but the last stopped.

    In the first epoch, inside a middle one, when the last begins, and after it: so many of these. The network saves its
    state seldom.
    """
    if keeps_checkpoints(settings):
        settings = settings.model_copy(update={SAVED: settings.epochs - 2})
    middle = Stop(settings.epochs // 2, signal.SIGTERM)
    stopped = (Stop(0), middle, Stop(settings.epochs - 1), Stop(settings.epochs))
    return [train_to(arch, data, settings, out, stop) for stop in (*stopped[:stops], None)]


def keeps_checkpoints(settings: NetworkSettings) -> bool:
    """Whether a network saves an unfinished training; one that trains for seconds need not."""
    return hasattr(settings, SAVED)


def resumed_from_damaged(arch: str, data: TrainingSet, settings: NetworkSettings, out: Path) -> dict[str, Any]:
    """What becomes of a training whose newest checkpoint is cut in half, and of one whose checkpoints all are damaged.

    They are cut in half, empty, or made of another kind of data, which would run code if it were unpickled.
    """
    if not keeps_checkpoints(settings):
        return {}
    every = getattr(settings, SAVED)
    train_to(arch, data, settings, out, Stop(2 * every))
    newest = max(out.glob("checkpoint*"))
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    begun, said = train_to(arch, data, settings, out, Stop(3 * every)), list[str]()
    for content in (b"cut", b"", pickle.dumps(_Harm(out / "harm"))):
        for file in out.glob("checkpoint*"):
            named = f"checkpoint-000001-{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
            file.rename(out / named).write_bytes(content)
        try:
            train_to(arch, data, settings, out)
        except ResiduaError as error:
            said.append(str(error).replace(str(out / named), "CHECKPOINT"))
    return {"begun": begun, "every": every, "said": said, "executed": (out / "harm").exists()}


class _Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._file,)


def main(arch: str, settings: NetworkSettings, folder: Path, stops: int) -> dict[str, object]:
    """The record of one run through the contract."""
    make_cases(folder)
    data, whole = prepare_all(arch, settings, folder), stops == EVERY_STOP
    unbroken = train_to(arch, data, settings, folder / "unbroken")
    broken = stopped_again_and_again(arch, data, settings, folder / "broken", stops)
    models = [folder / "unbroken", folder / "broken"]
    case = data.cases[PATIENTS[2]]
    single = load_of(arch)(models[:1])(case)
    tuned = fine_tuned(arch, data, settings, models[0], single, folder, whole)
    second = folder / "tuned" if tuned else twin(arch, data, settings, folder)
    ensemble = load_of(arch)([models[0], second])
    mean, members, other = ensemble(case), members_of(ensemble, case), load_of(arch)([second])(case)
    reference = volumes.load(folder / f"{PATIENTS[2]}_post_t1ce.nii.gz")
    brain = volumes.load_mask(folder / f"{PATIENTS[2]}_brain.nii.gz").data
    weights = {
        model.name: {p.name: digest(p) for p in model.iterdir() if p.name.startswith("weights")} for model in models
    }
    true = volumes.load_mask(folder / f"{PATIENTS[2]}_residual.nii.gz").data
    found = single.data >= 0.5
    of_sampled = load_of(arch)(models[:1])(sampled_case(arch, settings, folder, PATIENTS[2]))
    found_of_sampled = of_sampled.data >= 0.5
    return {
        "epochs": settings.epochs,
        "unbroken_epochs": unbroken,
        "broken_epochs": broken,
        "weights": weights,
        "files": sorted(path.name for path in models[0].iterdir()),
        "same_grid": bool(single.grid.same_as(reference.grid) and single.grid.stored_as == "LPS"),
        "range": [float(single.data.min()), float(single.data.max())],
        "outside_brain_box": float(np.abs(single.data[:, :, 0]).max()),
        "inside_brain": float(single.data[brain].max()),
        "mean_of_softmax_error": float(np.abs(mean.data - (single.data + other.data) / 2).max()),
        "places_of_members": sorted(members),
        "members_equal_single_models": all(
            same_image(members[place], alone) for place, alone in ((0, single), (1, other))
        ),
        "mean_the_same_with_members": same_image(members[MEAN], mean),
        "dice": float(2 * (found & true).sum() / (found.sum() + true.sum())),
        "sampled_same_grid": bool(of_sampled.grid.same_as(reference.grid)),
        "sampled_dice": float(2 * (found_of_sampled & true).sum() / (found_of_sampled.sum() + true.sum())),
        "keeps_checkpoints": keeps_checkpoints(settings),
        "resumed_from_damaged": resumed_from_damaged(arch, data, settings, folder / "damaged") if whole else None,
        "models_differ": float(np.abs(single.data - other.data).max()),
        "fine_tuned": tuned,
    }


def fine_tuned(
    arch: str, data: TrainingSet, settings: NetworkSettings, model: Path, predicted: Image, folder: Path, kill: bool
) -> dict[str, object] | None:
    """Trainings that start from a trained model: one that learns nothing, one that learns, and one that is killed."""
    if not isinstance(settings, StartingFromBundles):
        return None
    begun = replace(data, start=model)
    standing = settings.model_copy(update={"epochs": 1, "seed": settings.seed + 2000, **STANDING})
    train_to(arch, begun, standing, folder / "standing")
    learning = settings.model_copy(update={"epochs": 3, "seed": settings.seed + 2000})
    train_to(arch, begun, learning, folder / "tuned")
    resumed, made = None, ["standing", "tuned"]
    if kill:
        train_to(arch, begun, learning, folder / "tuned_broken", Stop(2))
        resumed = train_to(arch, replace(data, start=folder / "removed"), learning, folder / "tuned_broken")
        made.append("tuned_broken")
    weights = {name: digest(next((folder / name).glob("weights*"))) for name in made}
    return {
        "of_the_model": digest(next(model.glob("weights*"))),
        "weights": weights,
        "predicts_as_the_model": same_image(load_of(arch)([folder / "standing"])(data.cases[PATIENTS[2]]), predicted),
        "resumed_epochs": resumed,
        "of_another_network": _refused_start(arch, begun, settings, folder),
    }


def _refused_start(arch: str, data: TrainingSet, settings: StartingFromBundles, folder: Path) -> str:
    wider = settings.model_copy(update=_twice_as_wide(vars(settings)))
    try:
        train_to(arch, data, wider, folder / "wider")
    except ResiduaError as error:
        return str(error).removeprefix(str(data.start))
    return "accepted"


def _twice_as_wide(settings: Mapping[str, Any]) -> dict[str, Any]:
    if "init_filters" in settings:
        return {"init_filters": 2 * settings["init_filters"]}
    return {"features": tuple(2 * filters for filters in settings["features"])}


def members_of(ensemble: Predictor, case: PreparedCase) -> dict[int, Image]:
    """The map of each model of an ensemble by its place, and the mean."""
    maps: dict[int, Image] = {}
    maps[MEAN] = ensemble(case, maps.__setitem__)
    return maps


def same_image(one: Image, other: Image) -> bool:
    """Whether two images are equal to the bit."""
    return bool(one.grid.same_as(other.grid) and np.array_equal(one.data, other.data))


def twin(arch: str, data: TrainingSet, settings: NetworkSettings, folder: Path) -> Path:
    """A model of another seed, which need not have learned much."""
    shutil.rmtree(folder / "twin", ignore_errors=True)
    train_to(arch, data, settings.model_copy(update={"seed": settings.seed + 1000, "epochs": 2}), folder / "twin")
    return folder / "twin"


if __name__ == "__main__":
    given = settings_of(sys.argv[1]).model_validate_json(sys.argv[2])
    record = main(sys.argv[1], given, Path(sys.argv[3]), int(sys.argv[4]))
    print("\n" + json.dumps(record))
