"""Start a training from a model of a bundle: whether it fits, and where its weights lie."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from residua.bundle.read import read_bundle, unpack_models
from residua.bundle.record import BundleRecord
from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.publishing.publish import MANIFEST, digest, verified
from residua.settings.channels import told
from residua.settings.initial_bundle import InitialBundle, StartingFromBundles
from residua.settings.network import NetworkSettings
from residua.settings.region import region_in_words, region_of


def fitting_bundle(
    file: Path, start: InitialBundle, arch: str, channels: Sequence[Channel], settings: StartingFromBundles
) -> BundleRecord:
    """Return the record of the bundle in ``file``, from whose models trainings on ``channels`` can start.

    Raises ``ResiduaError`` for another file than the config describes, for what ``read_bundle`` refuses, and for
    models of another network than the one to be trained.
    """
    _require_digest(file, start.sha256)
    record = read_bundle(file, arch)
    faults = [*_other_channels(record, channels), *_other_settings(record, arch, settings)]
    if start.fold is not None and start.fold not in record.folds:
        folds = ", ".join(map(str, record.folds))
        faults.append(f"fold {start.fold} is to be the start, and the bundle has the folds {folds}")
    if faults:
        raise ResiduaError(
            f"{file}: trainings of {arch} cannot start from these models: {'; '.join(faults)}. Give another bundle, or "
            "change the config to what its models expect"
        )
    return record


@dataclass(frozen=True)
class Training:
    """Which training it is that may start from a bundle; ``inputs`` is None before surgery, where none does."""

    arch: str
    inputs: str | None
    fold: int
    channels: Sequence[Channel]
    settings: NetworkSettings


def digest_of_start(files: Sequence[str]) -> str:
    """Return what identifies the model of the study from which a training starts; empty where there is none.

    A bundle is identified by its digest among the settings.
    """
    return "".join(map(digest, _models_in(files)))


def _models_in(files: Sequence[str]) -> list[Path]:
    return [file for file in map(Path, files) if file.name == MANIFEST]


@contextmanager
def unpacked_start(files: Sequence[str], training: Training, folder: Path) -> Iterator[Path | None]:
    """Yield ``folder`` with the model from which a training starts, and remove it when the block ends.

    ``files`` holds the bundle that the config names for these inputs, or the manifest of a model of the study, whose
    own folder is yielded; yield None when there is neither. What a killed process left in ``folder`` is overwritten.
    Raises ``DamagedStageError`` for a model whose files are missing or changed.
    """
    settings = training.settings
    if models := _models_in(files):
        (model,) = models
        verified(model)
        yield model.parent
        return
    if not files or training.inputs is None or not isinstance(settings, StartingFromBundles):
        yield None
        return
    (file,) = map(Path, files)
    start = settings.initial_bundles[training.inputs]
    record = fitting_bundle(file, start, training.arch, training.channels, settings)
    chosen = start.fold_for(training.fold, record.folds)
    try:
        unpack_models(file, {chosen: folder})
        print(f"starts from the model of fold {chosen} of the bundle {start.sha256}", flush=True)
        if differing := other_region(record, settings):
            print(differing, flush=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def other_region(record: BundleRecord, settings: NetworkSettings) -> str | None:
    """Return, in words, that the models of a bundle saw another part of the head than the trainings will; else None."""
    theirs, own = region_of(record.settings), region_of(settings)
    if theirs == own:
        return None
    return f"the bundle's models saw {region_in_words(theirs)}, and these trainings see {region_in_words(own)}"


def _require_digest(file: Path, expected: str) -> None:
    try:
        found = digest(file)
    except IsADirectoryError:
        raise ResiduaError(f"{file}: a folder has no digest; give the bundle as a zip") from None
    except OSError as error:
        raise ResiduaError(f"{file}: cannot be read ({error.strerror}); correct the path in the config") from None
    if found != expected:
        raise ResiduaError(f"{file}: its sha256 differs from the one in the config; correct the path or the digest")


def _other_channels(record: BundleRecord, channels: Sequence[Channel]) -> Iterator[str]:
    theirs, own = (", ".join(map(_described, each)) for each in (record.channels, channels))
    if theirs != own:
        yield f"its channels are {theirs}, and those of the config {own}, in this order"


def _described(channel: Channel) -> str:
    kind = "label" if channel.is_label else "image"
    return f"{channel.name} ({told(channel.definition) if channel.definition else kind})"


def _other_settings(record: BundleRecord, arch: str, settings: StartingFromBundles) -> Iterator[str]:
    theirs, own = record.settings.model_dump(mode="json"), settings.model_dump(mode="json")
    for name in settings.fitted:
        # A setting that a network does without is in no record.
        there, here = theirs.get(name), own.get(name)
        if there != here:
            yield f"networks.{arch}.{name} is {there} in the bundle and {here} in the config"
