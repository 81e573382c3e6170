"""What an importer finds: patients with the files of the study's columns, and what it had to leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NOT_EARLY = "not early post-operative"
"""How the reason begins that leaves out a patient without evidence of a scan within the window after surgery."""


@dataclass(frozen=True)
class Label:
    """A file with several structures and the values that together are one label of the study.

    ``values`` None: the file is the binary label itself and is used as it is. ``known``: further values that the
    layout's documentation gives a meaning; a file with any other value is remarked on. None: nothing is documented,
    and nothing is remarked on.
    """

    file: Path
    values: tuple[int, ...] | None = None
    known: tuple[int, ...] | None = None


@dataclass(frozen=True)
class FoundPatient:
    """One patient of the source. ``hospital`` is an identifier; ``clinical`` holds columns of the cohort table.

    ``source_id`` is what the source calls the patient, unique in it; identifiers that are safe in paths are made of
    it, and of ``hospital``, when the table is written. ``exclusion_reason`` empty: the patient takes part.
    """

    source_id: str
    hospital: str
    images: Mapping[str, Path] = field(default_factory=dict)
    labels: Mapping[str, Label] = field(default_factory=dict)
    clinical: Mapping[str, str] = field(default_factory=dict)
    exclusion_reason: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """All patients of a source, and for every other file or folder that was looked at why it was left.

    ``left`` names files relative to the source. ``remarks`` hold for the whole source, such as which channel became
    which column. Nothing in a remark or a reason is an absolute path.
    """

    layout: str
    patients: tuple[FoundPatient, ...]
    left: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
