"""Prepare channels of small patients as the workflow does: each on its own, for all patients."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from residua.networks.cases import Channel
from residua.networks.registry import prepare_of
from residua.preparation.cases import ChannelCase
from residua.settings.network import NetworkSettings


def prepared_channels(
    arch: str, settings: NetworkSettings, folder: Path, channels: Iterable[Channel], patients: Iterable[str]
) -> dict[tuple[str, str], Path]:
    """Every prepared channel by its name and the patient, from ``{patient}_{channel}.nii.gz`` in ``folder``."""
    names = list(patients)
    for channel in channels:
        out = folder / channel.name
        out.mkdir()
        cases = [ChannelCase(p, folder / f"{p}_{channel.name}.nii.gz", folder / f"{p}_brain.nii.gz") for p in names]
        prepare_of(arch)(cases, channel.is_label, settings.preparation(), out)
    return {(path.parent.name, path.name.partition(".")[0]): path for path in folder.glob("*/*")}
