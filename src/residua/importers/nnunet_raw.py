"""nnU-Net's raw data: one folder per data set, channels numbered in the file names.

Source: Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation",
Nature Methods 18 (2021) 203-211, and its documentation of the data set format, version 2:
``Dataset001_NAME/imagesTr/CASE_0000.nii.gz``, ``labelsTr/CASE.nii.gz``, ``imagesTs`` and ``dataset.json`` with
``channel_names``, ``labels`` (a value, or several that are one region) and ``file_ending``.

Not documented: hospitals and the time of a scan. ``--case`` can find the hospital in the case names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.images.nifti_names import nifti_stem
from residua.importers.candidates import LABELS, patient_of
from residua.importers.found import Found
from residua.importers.labels import Rules, in_words
from residua.importers.pattern import Pattern
from residua.importers.tree import files_below, instead, why_unread
from residua.publishing.publish import read_json
from residua.settings.base import COLUMN
from residua.settings.columns import FILES

LAYOUT = "nnunet"
_USUAL_NAMES = {
    "post_t1ce": ("t1ce", "t1c", "t1gd", "t1wce", "t1cegd"),
    "post_t1": ("t1", "t1n", "t1w"),
    "post_flair": ("flair", "t2f", "t2flair"),
}
"""Usual names of channels of early post-operative scans, letters and digits only, in lower case."""
_IMAGES, _LABELS = ("imagesTr", "imagesTs"), ("labelsTr", "labelsTs")
_CHANNEL = re.compile(r"(.+)_(\d{4})")
_DATASET = "dataset.json"
_NO_STRUCTURE = ("background", "ignore")


@dataclass(frozen=True)
class NnUNetOptions:
    """Options of the user.

    ``channels``: columns by number; ``case``: pattern that finds the hospital in case names; ``in_table``: a table
    gives the hospitals instead.
    """

    channels: Mapping[int, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=dict)
    hospital: str = ""
    case: Pattern | None = None
    in_table: bool = False


@dataclass(frozen=True)
class _Dataset:
    """Names of channels by number, values of labels by name; background and ignored voxels are not labels.

    ``known`` are all values that have a name, ``ignored`` those of voxels that nobody annotated.
    """

    channels: Mapping[int, str]
    labels: Mapping[str, tuple[int, ...]]
    known: tuple[int, ...]
    ignored: tuple[int, ...]


def parse_channels(texts: Iterable[str]) -> dict[int, str]:
    """Parse channels such as ``0=post_t1ce``. Raises ``ResiduaError`` that quotes an invalid one."""
    channels: dict[int, str] = {}
    for text in texts:
        number, _, column = text.partition("=")
        if not number.isdigit() or not re.fullmatch(COLUMN, column):
            raise ResiduaError(f"--channel {text}: write NUMBER=COLUMN, such as 0=post_t1ce")
        if int(number) in channels or column in channels.values():
            raise ResiduaError(f"--channel {text}: the channel or the column is assigned already; give each once")
        channels[int(number)] = column
    return channels


def find_nnunet(root: Path, options: NnUNetOptions) -> Found:
    """Find the cases of one data set. Raises ``ResiduaError`` if it is not one or lacks a channel or label."""
    dataset = _read_dataset(root)
    channels = options.channels or _usual_channels(dataset)
    rules = options.rules or _usual_rules(dataset)
    _require_decided(root, dataset, channels, rules)
    files: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    reasons: dict[str, list[str]] = defaultdict(list)
    left: dict[str, str] = {}
    for file in files_below(root):
        case, columns = _meaning(file, file.relative_to(root).parts, channels, rules)
        for column in columns:
            files[case][column].append(file)
        if not columns and file.name != _DATASET:
            why = why_unread(file) or "neither an image of a used channel nor a label"
            left[file.relative_to(root).as_posix()] = why
            if case:
                files.setdefault(case, defaultdict(list))
                reasons[case].append(why)
    if not any(files.values()):
        what = f"{root}: no image such as imagesTr/CASE_0000.nii.gz of a channel that is used"
        raise ResiduaError(what + instead(root / name for name in left))
    patients = [
        patient_of(
            *(case, _hospital(case, options), candidates, rules),
            known=dataset.known,
            ignored=dataset.ignored,
            left=reasons[case],
        )
        for case, candidates in sorted(files.items())
    ]
    return Found(LAYOUT, tuple(patients), left, _remarks(dataset, channels))


def _read_dataset(root: Path) -> _Dataset:
    path = root / _DATASET
    if not path.is_file():
        inside = sorted(record.parent.name for record in root.glob(f"*/{_DATASET}"))
        hint = f"give one of its folders: {', '.join(inside)}" if inside else "give the folder DatasetNNN_NAME"
        raise ResiduaError(f"{root}: has no {_DATASET}; {hint}")
    try:
        record = read_json(path)
        # Version 1 has modality, and the labels' names by value.
        channels = {
            int(number): str(name) for number, name in (record.get("channel_names") or record["modality"]).items()
        }
        labels: dict[str, tuple[int, ...]] = {}
        for name, value in record["labels"].items():
            name, value = (value, int(name)) if name.isdigit() else (name, value)
            labels[name] = tuple(value) if isinstance(value, list) else (int(value),)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ResiduaError(f"{path}: is not a {_DATASET} as nnU-Net defines it ({error!r}); correct it") from None
    known = tuple(sorted({value for values in labels.values() for value in values}))
    if wrong := [name for name, values in labels.items() if (0 in values) != (name == "background")]:
        raise ResiduaError(f"{path}: the label {wrong[0]}: nnU-Net's background, and nothing else, is 0; correct it")
    structures = {name: values for name, values in labels.items() if name not in _NO_STRUCTURE}
    return _Dataset(channels, structures, known, labels.get("ignore", ()))


def _usual_channels(dataset: _Dataset) -> dict[int, str]:
    channels: dict[int, str] = {}
    for number, name in dataset.channels.items():
        plain = re.sub(r"[^a-z0-9]", "", name.lower())
        columns = (column for column, names in _USUAL_NAMES.items() if plain in names)
        column = name if name in FILES else next(columns, None)
        if column and column not in channels.values():
            channels[number] = column
    return channels


def _usual_rules(dataset: _Dataset) -> dict[str, tuple[int, ...]]:
    """Return the labels with names of columns; a single label is residual tumour."""
    named = {label: dataset.labels[label] for label in LABELS if label in dataset.labels}
    if not named and len(dataset.labels) == 1:
        named = {"residual": next(iter(dataset.labels.values()))}
    return named


def _require_decided(root: Path, dataset: _Dataset, channels: Mapping[int, str], rules: Rules) -> None:
    if unknown := [number for number in channels if number not in dataset.channels]:
        raise ResiduaError(f"--channel {unknown[0]}: {root} has the channels {_in_words(dataset.channels)}")
    if "post_t1ce" not in channels.values():
        raise ResiduaError(
            f"{root}: name the channel of T1w with contrast agent with --channel NUMBER=post_t1ce; "
            f"the channels are {_in_words(dataset.channels)}"
        )
    for label, values in rules.items():
        if of_nobody := sorted({*values} & {*dataset.ignored}):
            raise ResiduaError(f"--label {label}: nobody annotated the voxels of value {in_words(of_nobody)} (ignore)")
    if not rules:
        labels = {name: in_words(values) for name, values in dataset.labels.items()}
        raise ResiduaError(
            f"{root}: name the values of residual tumour with --label residual=VALUES; "
            f"the labels are {_in_words(labels)}"
        )


def _in_words(names: Mapping[Any, str]) -> str:
    return ", ".join(f"{key} ({name})" for key, name in names.items())


def _meaning(
    file: Path, parts: tuple[str, ...], channels: Mapping[int, str], rules: Rules
) -> tuple[str, tuple[str, ...]]:
    """Return the case of a file and the columns that it fills."""
    stem = nifti_stem(file.name)
    if len(parts) != 2 or stem is None:
        return "", ()
    if parts[0] in _LABELS:
        return stem, tuple(rules)
    match = _CHANNEL.fullmatch(stem)
    if parts[0] not in _IMAGES or not match:
        return "", ()
    column = channels.get(int(match[2]))
    return match[1], (column,) if column else ()


def _hospital(case: str, options: NnUNetOptions) -> str:
    if options.case is None:
        if not options.hospital and not options.in_table:
            raise ResiduaError(
                "give --hospital, or the pattern of case names with --case '{hospital}_{patient}', or a --table with "
                "the hospitals"
            )
        return options.hospital
    fields = options.case.match(case, {})
    if fields is None or "hospital" not in fields:
        raise ResiduaError(f"--case {options.case.text}: finds no hospital in the case name {case}")
    return fields["hospital"]


def _remarks(dataset: _Dataset, channels: Mapping[int, str]) -> tuple[str, ...]:
    became = {number: f"became {column}" for number, column in channels.items()}
    names = dataset.channels.items()
    channels_said = [f"channel {number} ({name}) {became.get(number, 'is not used')}" for number, name in names]
    ignored = f"value {in_words(dataset.ignored)} (ignore) marks voxels that nobody annotated: such a file is no label"
    return (*channels_said, *([ignored] if dataset.ignored else []))
