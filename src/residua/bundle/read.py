"""Read a bundle of any origin: everything in it is checked before anything is used, and nothing is unpickled."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from residua.bundle.container import BundleFiles, digest_in, opened, unusable
from residua.bundle.names import BRAIN_WEIGHTS, CARD, RECORD, model_file
from residua.bundle.record import BundleRecord
from residua.bundle.record_file import json_in, record_in
from residua.bundle.safetensors_header import header_fault
from residua.errors import ResiduaError
from residua.networks.registry import misdescribed_of, model_files_of
from residua.publishing.publish import digest, writing


def read_bundle(path: Path, arch: str | None = None) -> BundleRecord:
    """Return the record of a bundle, a folder or a zip, after every check.

    ``arch`` is the network that is wanted, if only one will do. Raises ``ResiduaError`` that says what is wrong.
    """
    with opened(path) as container:
        return _checked(container, arch)


def unpack(path: Path, folder: Path) -> BundleRecord:
    """Write all files of a bundle into ``folder``, and return its record after every check."""
    with opened(path) as container:
        record = _checked(container, None)
        for name in sorted(container.sizes):
            _copy(container, name, record.files.get(name), folder / name)
    return record


def unpack_models(path: Path, folders: Mapping[int, Path]) -> BundleRecord:
    """Write the model of each fold into its folder, as its training published it, and return the record.

    The bundle is checked once, before the first file is written.
    """
    with opened(path) as container:
        record = _checked(container, None)
        for fold, folder in folders.items():
            for name in model_files_of(record.arch):
                file = model_file(fold, name)
                _copy(container, file, record.files[file], folder / name)
    return record


def unpack_brain_weights(path: Path, target: Path) -> None:
    """Write the weights of the brain mask's network to ``target``, unless they lie there. No model is read for it."""
    with opened(path) as container:
        record = record_in(container)
        _require_files(container, record)
        expected = record.as_study().brain_mask.weights_sha256
        if target.is_file() and digest(target) == expected:
            return
        _require_safetensors(container, BRAIN_WEIGHTS)
        _copy(container, BRAIN_WEIGHTS, expected, target)


def files_of(record: BundleRecord) -> set[str]:
    """Return the names of all files of a bundle beside its record."""
    own = {BRAIN_WEIGHTS} if record.study["brain_mask"].get("weights") == BRAIN_WEIGHTS else set()
    models = {model_file(fold, name) for fold in record.folds for name in model_files_of(record.arch)}
    return {CARD, *own, *models}


def _checked(container: BundleFiles, arch: str | None) -> BundleRecord:
    record = record_in(container)
    if arch not in (None, record.arch):
        what = f"holds models of the network {record.arch}, and {arch} is wanted"
        raise ResiduaError(f"{container.path}: {what}; give a bundle of {arch}")
    _require_files(container, record)
    for name, expected in record.files.items():
        if digest_in(container, name) != expected:
            raise unusable(container.path, f"{name} was changed or damaged: its sha256 is not the one in {RECORD}")
    for name in container.sizes:
        if name.endswith(".safetensors"):
            _require_safetensors(container, name)
    for fold in record.folds:
        _require_described(container, record, fold)
    return record


def _require_files(container: BundleFiles, record: BundleRecord) -> None:
    wanted = files_of(record)
    found = set(container.sizes) - {RECORD}
    for what, names in (
        ("lacks", wanted - found),
        ("holds files that are none of its models', such as", found - wanted),
        (f"has no digest in {RECORD} of", wanted - set(record.files)),
        (f"has digests in {RECORD} of other files, such as", set(record.files) - wanted),
    ):
        if names:
            shown = ", ".join(sorted(names)[:3])
            raise unusable(container.path, f"{what} {shown} ({len(names)} in all; {record.arch}, folds {record.folds})")
    if BRAIN_WEIGHTS in wanted and record.files[BRAIN_WEIGHTS] != record.study["brain_mask"].get("weights_sha256"):
        raise unusable(container.path, f"{BRAIN_WEIGHTS} has another digest than study.brain_mask.weights_sha256")


def _require_safetensors(container: BundleFiles, name: str) -> None:
    with container.open(name) as stream:
        fault = header_fault(stream, container.sizes[name])
    if fault:
        raise unusable(container.path, f"{name} is no safetensors file: {fault}")


def _require_described(container: BundleFiles, record: BundleRecord, fold: int) -> None:
    """Refuse a model whose description is not what the settings say: it would name other code, or another network."""
    described: Mapping[str, Any] = {
        name: json_in(container, model_file(fold, name))
        for name in model_files_of(record.arch)
        if name.endswith(".json")
    }
    odd = misdescribed_of(record.arch)(described, record.settings, record.channels)
    if odd:
        name = model_file(fold, odd)
        raise unusable(container.path, f"{name} describes another network than the settings in {RECORD}")


def _copy(container: BundleFiles, name: str, expected: str | None, target: Path) -> None:
    with writing(target) as beside:
        with container.open(name) as source, beside.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        # The bundle may have been changed since it was checked.
        if expected is not None and digest(beside) != expected:
            raise unusable(container.path, f"{name} was changed or damaged: its sha256 is not the one that is stated")
