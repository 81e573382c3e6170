"""Identify and describe a training, whatever the network."""

from __future__ import annotations

from collections.abc import Sequence

from residua.networks.cases import Channel
from residua.publishing.publish import record_digest
from residua.settings.channels import told
from residua.settings.first_level import FirstLevel
from residua.settings.network import NetworkSettings
from residua.version import __version__

_AFTER = "Segments residual enhancing tumour on early post-operative MRI."
_BEFORE = "Segments the tumour on MRI before surgery: the trainings of its fold start from its weights."


def describe_training(selection: str, version: int, settings: NetworkSettings) -> str:
    """Return a digest of all that a training depends on: its cases (a digest, too), the study's version, settings.

    An unfinished training is resumed only if this digest has not changed.
    """
    values = settings.model_dump(mode="json")
    return record_digest({"selection": selection, "version": version, "settings": values})


def model_card(
    arch: str,
    channels: Sequence[Channel],
    patients: tuple[int, int],
    version: int,
    settings: NetworkSettings,
    before_surgery: bool = False,
) -> str:
    """Describe a model to readers who find its folder, in Markdown that identifies no patient.

    ``patients`` are the numbers of training and validation patients; of a network of scans ``before_surgery``, nobody
    validates.
    """
    names = ", ".join(channel.name for channel in channels)
    validated = "" if before_surgery else f", {patients[1]} of other hospitals validated"
    lines = [
        f"# {arch} on {names}",
        "",
        f"{_BEFORE if before_surgery else _AFTER} Research only, not a medical device.",
        "",
        f"- channels, in this order: {names}",
        *(f"- {each.name}: {told(each.definition)}" for each in channels if each.definition),
        f"- trained on {patients[0]} patients{validated}",
        *_width(settings, len(channels)),
        f"- version of the trainings: {version}; made with residua {__version__}",
        "- weights: safetensors, their digest in manifest.json",
        "",
        "| setting | value |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in settings.model_dump(mode="json").items()),
    ]
    return "\n".join(lines) + "\n"


def _width(settings: NetworkSettings, channels: int) -> list[str]:
    if not isinstance(settings, FirstLevel) or settings.filters_per_channel is None:
        return []
    filters = ", ".join(map(str, settings.features_for(channels)))
    return [f"- filters of each level: {filters}; the first has at least {settings.filters_per_channel} for a channel"]
