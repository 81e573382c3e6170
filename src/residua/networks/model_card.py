"""What surrounds a training whatever the network: its identity and its card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from residua.version import __version__


def describe_training(selection: str, version: int, settings: dict[str, Any]) -> str:
    """A digest of all that a training depends on: its cases (a digest itself), the study's version and settings.

    An unfinished training is gone on with only when this has not changed.
    """
    record = json.dumps({"selection": selection, "version": version, "settings": settings}, sort_keys=True)
    return hashlib.sha256(record.encode()).hexdigest()


def model_card(
    arch: str, channels: Sequence[str], patients: tuple[int, int], version: int, settings: Mapping[str, Any]
) -> str:
    """What a model is, for whoever finds its folder: Markdown, without anything that identifies a patient.

    ``patients`` are the numbers of training and validation patients.
    """
    lines = [
        f"# {arch} on {', '.join(channels)}",
        "",
        "Segments residual enhancing tumour on early post-operative MRI. Research only, not a medical device.",
        "",
        f"- channels, in this order: {', '.join(channels)}",
        f"- trained on {patients[0]} patients, {patients[1]} of other hospitals validated",
        f"- version of the trainings: {version}; made with residua {__version__}",
        "- weights: safetensors, their digest in manifest.json",
        "",
        "| setting | value |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in settings.items()),
    ]
    return "\n".join(lines) + "\n"
