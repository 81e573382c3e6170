"""Result of an importer: patients with the files of the study's columns, and the unused files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

NOT_EARLY = "not early post-operative"
"""First words of the reason to exclude a patient without evidence of a scan within the window after surgery."""
STRIPPED = "images are brain extracted: set brain_mask.method to stripped in the configuration"
"""Remark on a source whose documentation says that the images have no skull."""


@dataclass(frozen=True)
class Label:
    """A file with several structures and the values that together form one label of the study.

    ``values`` None: the file is the binary label itself and is used as it is. ``known``: further values that the
    layout's documentation defines; any other value in the file causes a remark. None: no values are documented, and no
    remark is made. ``ignored``: values of voxels that nobody annotated; a file with one gives no label, because the
    rest of such a voxel would become background.
    """

    file: Path
    values: tuple[int, ...] | None = None
    known: tuple[int, ...] | None = None
    ignored: tuple[int, ...] = ()


@dataclass(frozen=True)
class FoundPatient:
    """One patient of the source. ``hospital`` is an identifier; ``clinical`` holds columns of the cohort table.

    ``source_id`` is the patient's name in the source and unique there. Path-safe identifiers are made from it, and from
    ``hospital``, when the table is written. ``exclusion_reason`` empty: the patient is included. ``person`` is the
    person's name in the source where the patient is one of perhaps several scans; empty: the patient is the person.
    """

    source_id: str
    hospital: str
    images: Mapping[str, Path] = field(default_factory=dict)
    labels: Mapping[str, Label] = field(default_factory=dict)
    clinical: Mapping[str, str] = field(default_factory=dict)
    exclusion_reason: str = ""
    remarks: tuple[str, ...] = ()
    person: str = ""


@dataclass(frozen=True)
class Found:
    """All patients of a source, and every unused file or folder with the reason.

    ``left`` holds the reasons by path relative to the source. ``remarks`` concern the whole source, such as which
    channel became which column. No remark or reason contains an absolute path.
    """

    layout: str
    patients: tuple[FoundPatient, ...]
    left: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
