"""What lies between the images and a training: registrations, stripped or sampled channels, prepared batches."""

from __future__ import annotations

from functools import cache
from typing import Any

from residua.settings.base import REFERENCE_STANDARD
from residua.settings.regions import regions_of
from residua.settings.study import Study
from residua.wiring.files import file_of, is_moving, on_the_reference, reference_of, registration_of, sequence_of
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import (
    NOBODY,
    batches_of_subset,
    channels_of_subset,
    patients_in,
    patients_with,
    validation_by_fold,
)


def pattern_of_columns(*columns: str) -> str:
    """Return a pattern that matches some columns of the cohort table; none where there are none."""
    return "|".join(columns) or NOBODY


def stripped_channels(loaded: LoadedStudy) -> str:
    """Return a pattern of the channels that are prepared from stripped images and labels."""
    return NOBODY if is_composed(loaded) else pattern_of_columns(*_columns(loaded))


def drawn_channels(loaded: LoadedStudy) -> str:
    """Return a pattern of the channels that are prepared as the cohort table names them: the reference standard."""
    return NOBODY if is_composed(loaded) else pattern_of_columns(REFERENCE_STANDARD)


def sampled_channels(loaded: LoadedStudy) -> str:
    """Return a pattern of the channels that are prepared from their own voxels by one interpolation."""
    return pattern_of_columns(*_columns(loaded), REFERENCE_STANDARD) if is_composed(loaded) else NOBODY


def derived_channels(loaded: LoadedStudy) -> str:
    """Return a pattern of the channels that are computed from others."""
    return pattern_of_columns(*loaded.study.derived_channels)


def all_channels(loaded: LoadedStudy) -> str:
    """Return a pattern of all channels: what networks see, of what it is made, and the reference standard."""
    channels = loaded.study.channels
    return pattern_of_columns(*dict.fromkeys([*channels, *loaded.study.columns_of(channels), REFERENCE_STANDARD]))


def sources_of(loaded: LoadedStudy, arch: str, channel: str, batch: str) -> list[str]:
    """Return the batches of the sequences of which a derived channel is made, where they lie on one grid."""
    folder = f"results/sampled/{arch}" if is_composed(loaded) else "results/stripped"
    sources = loaded.study.derived_channels[channel].subtract
    return [f"{folder}/{source}/{batch}/manifest.json" for source in sources]


def is_composed(loaded: LoadedStudy) -> bool:
    """Return whether a channel is interpolated once, onto the grid of each network."""
    return loaded.study.preparation == "composed"


def _columns(loaded: LoadedStudy) -> list[str]:
    """Return the channels that networks see as the cohort table names them."""
    return [channel for channel in loaded.study.channels if channel not in loaded.study.derived_channels]


def is_label(loaded: LoadedStudy, channel: str) -> bool:
    """Return whether a channel holds a label rather than an image."""
    return channel in loaded.study.labels


def channel_files(loaded: LoadedStudy, channel: str, batch: str) -> list[str]:
    """Return the files of a channel that the cohort table names, one per patient of the batch that has it."""
    return [file_of(loaded, patient, channel) for patient in patients_with(loaded, channel, batch)]


def moves_when_stripped(loaded: LoadedStudy, channel: str) -> bool:
    """Return whether stripping brings a channel to the reference: a scan that moves. A label was warped before."""
    return is_moving(loaded, channel) and not is_label(loaded, channel)


def channel_to_strip(loaded: LoadedStudy, channel: str, batch: str) -> list[str]:
    """Return the scans of a channel as they are stored, or its labels on the reference grid, one per patient."""
    if is_label(loaded, channel):
        return [on_the_reference(loaded, patient, channel) for patient in patients_with(loaded, channel, batch)]
    return channel_files(loaded, channel, batch)


def references_of_moved(loaded: LoadedStudy, channel: str, batch: str) -> list[str]:
    """Return the reference images to which stripping brings a channel, in the order of its files; none if to none."""
    if not moves_when_stripped(loaded, channel):
        return []
    return [reference_of(loaded, patient) for patient in patients_with(loaded, channel, batch)]


def transforms_of_moved(loaded: LoadedStudy, channel: str, batch: str, part: str) -> list[str]:
    """Return one part of the transforms by which stripping brings a channel to the reference; none if it does not."""
    return channel_registrations(loaded, channel, batch, part) if moves_when_stripped(loaded, channel) else []


def channel_registrations(loaded: LoadedStudy, channel: str, batch: str, part: str) -> list[str]:
    """Return one part of the registrations of a channel, in the order of its files; none on the reference grid."""
    if not is_moving(loaded, channel):
        return []
    sequence = sequence_of(loaded, channel)
    return [registration_of(patient, sequence, part) for patient in patients_with(loaded, channel, batch)]


def framed(loaded: LoadedStudy, arch: str, channel: str, batch: str) -> list[str]:
    """Return the patients with a channel who have the label of a network's region, too; none if it sees the brain."""
    region = regions_of(loaded.study).get(arch)
    if region is None:
        return []
    needed = (region.label, sequence_of(loaded, region.label))
    return [patient for patient in patients_with(loaded, channel, batch) if loaded.cohort.has(patient, needed)]


def region_labels(loaded: LoadedStudy, arch: str, channel: str, batch: str) -> list[str]:
    """Return the labels of these patients on the grid of the reference."""
    patients = framed(loaded, arch, channel, batch)
    return [on_the_reference(loaded, patient, regions_of(loaded.study)[arch].label) for patient in patients]


def region_registrations(loaded: LoadedStudy, arch: str, channel: str, batch: str) -> list[str]:
    """Return the records of the registrations that brought them there; none for labels of the reference itself."""
    patients = framed(loaded, arch, channel, batch)
    if not patients or not is_moving(loaded, regions_of(loaded.study)[arch].label):
        return []
    sequence = sequence_of(loaded, regions_of(loaded.study)[arch].label)
    return [registration_of(patient, sequence, "quality.json") for patient in patients]


@cache
def preparation_settings(loaded: LoadedStudy, arch: str) -> dict[str, Any]:
    """Return how a network prepares its channels, as builtins."""
    return loaded.study.settings_of(arch).preparation().model_dump(mode="json")


def channel_records(loaded: LoadedStudy, inputs: str) -> list[dict[str, Any]]:
    """Return the channels of an input configuration in order, as builtins: whether each is a label, how one is derived.

    Where its networks are trained to do without channels, also how often a training sample lacks each.
    """
    study = loaded.study
    share = study.channel_dropout.get(inputs)
    records: list[dict[str, Any]] = [{"name": c, "is_label": is_label(loaded, c)} for c in study.inputs[inputs]]
    for record in records:
        if definition := study.definition_of(record["name"]):
            record["definition"] = definition
        if share is not None and not _comes_with(study, record["name"], inputs):
            record |= {"dropout": share, "drawn_on": study.labels.get(record["name"])}
    return records


def _comes_with(study: Study, channel: str, inputs: str) -> bool:
    """Return whether whoever has the other channels has this one: the reference, and what is made of the others."""
    others = {study.sequences.reference, *study.inputs[inputs]} - {channel}
    return channel == study.sequences.reference or set(study.columns_of([channel])) <= others


def sampling(loaded: LoadedStudy, channel: str) -> dict[str, Any]:
    """Return how a channel is sampled, as builtins. The reference standard counts outside the brain mask, too."""
    return {
        "is_label": is_label(loaded, channel),
        "in_brain": channel != REFERENCE_STANDARD,
        "interpolation": loaded.study.registration.interpolation,
    }


def prepared_manifests(loaded: LoadedStudy, arch: str, inputs: str, subset: str) -> list[str]:
    """Return the prepared batches of a fold or of the hold-out, channel by channel."""
    batches = batches_of_subset(loaded, arch, inputs, subset)
    return [
        f"results/prepared/{arch}/{channel}/{batch}/manifest.json"
        for channel in channels_of_subset(loaded, inputs, subset)
        for batch in batches
    ]


def models_of(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the models that predict the hold-out together, one per fold."""
    return [f"results/models/{arch}/{inputs}/fold{fold}/manifest.json" for fold in loaded.folds_of(arch, inputs)]


def out_of_fold_predictions(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the probability maps of all validation patients, fold by fold."""
    if folder := _made_from_others(loaded, arch, inputs):
        return [f"{folder}/validation/manifest.json"]
    return [f"results/predictions/{arch}/{inputs}/fold{fold}/manifest.json" for fold in loaded.folds]


def _made_from_others(loaded: LoadedStudy, arch: str, inputs: str) -> str | None:
    """Return the folder of maps that no network of the study predicts: of elsewhere, or of a combination."""
    if arch in loaded.study.elsewhere:
        return f"results/elsewhere/{arch}/{inputs}"
    return f"results/combined/{arch}/{inputs}" if arch in loaded.study.combinations else None


def predictions_of(loaded: LoadedStudy, arch: str, inputs: str, split: str) -> list[str]:
    """Return the probability maps of the validation patients, or of the hold-out (split ``test``)."""
    if split == "validation":
        return out_of_fold_predictions(loaded, arch, inputs)
    if folder := _made_from_others(loaded, arch, inputs):
        return [f"{folder}/test/manifest.json"]
    return [f"results/ensemble/{arch}/{inputs}/manifest.json"]


def reference_standards(loaded: LoadedStudy, patients: list[str] | tuple[str, ...]) -> list[str]:
    """Return the manual segmentations of some patients."""
    return [file_of(loaded, patient, REFERENCE_STANDARD) for patient in patients]


def reference_files(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the reference images of a batch, one per patient."""
    return [reference_of(loaded, patient) for patient in patients_in(loaded, batch)]


def given_masks(loaded: LoadedStudy, batch: str) -> list[str]:
    """Return the brain masks that the cohort table gives, one per patient; none where a method makes them."""
    if loaded.study.brain_mask.method != "given":
        return []
    return [file_of(loaded, patient, "brain_mask") for patient in patients_in(loaded, batch)]


def validation_references(loaded: LoadedStudy, arch: str, inputs: str) -> list[str]:
    """Return the manual segmentations of all validation patients, fold by fold."""
    by_fold = validation_by_fold(loaded, arch, inputs)
    return [file for patients in by_fold.values() for file in reference_standards(loaded, patients)]
