"""Assign time points of a public set, pre- and post-operative, to columns of the cohort table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from residua.errors import ResiduaError
from residua.importers.candidates import nothing_used
from residua.importers.found import Found, FoundPatient, Label
from residua.importers.public.records import Tables
from residua.importers.public.tree import Tree, find_patients
from residua.importers.tree import files_below, instead, volume_name, why_unread
from residua.importers.window import Window

Time = Literal["pre", "post"]
COLUMNS = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")
"""The images of the published study; others only on request."""
NO_SCAN = "no post-operative scan in the set"


@dataclass(frozen=True)
class PublicOptions:
    """Options of the user. ``hospital`` empty: the set's own; ``columns``: images beyond the study's four.

    ``window`` applies to sets that do not document all their scans as early post-operative. ``every_scan``: each
    post-operative scan is a row.
    """

    hospital: str = ""
    columns: tuple[str, ...] = ()
    window: Window = field(default_factory=Window)
    every_scan: bool = False


@dataclass(frozen=True)
class Rule:
    """A label of the study: the segmentation it comes from, the values that form it, and all other known values."""

    kind: str
    values: tuple[int, ...]
    others: tuple[int, ...]


@dataclass(frozen=True)
class PublicSet:
    """The documented properties of a set.

    ``folders``: the pattern of a patient folder's name, ``example`` one such name; ``images``: the kinds of a session
    that can be columns; ``remarks``: what users of the set have to know.
    """

    layout: str
    hospital: str
    folders: str
    example: str
    images: tuple[str, ...]
    times: tuple[Time, ...]
    remarks: tuple[str, ...]
    residual: Rule
    pre_tumor: Rule | None = None

    def columns(self, options: PublicOptions) -> tuple[str, ...]:
        """Return the image columns to fill. Raises ``ResiduaError`` for a column that the set cannot fill."""
        possible = [f"{time}_{kind}" for time in self.times for kind in self.images]
        for column in options.columns:
            if column not in possible:
                raise ResiduaError(f"{self.layout} has no image for column {column}; it has {', '.join(possible)}")
        return tuple(dict.fromkeys([*(c for c in COLUMNS if c in possible), *options.columns]))


@dataclass(frozen=True)
class Session:
    """One time point: its images and segmentations by kind, and the reason for each unused file."""

    name: str
    files: Mapping[str, Path] = field(default_factory=dict)
    left: Mapping[Path, str] = field(default_factory=dict)


Sessions = Mapping[Time, Session | None]
"""The two scans of a patient; None or absent: the set does not contain it."""


def session_of(name: str, files: Iterable[Path], kind_of: Callable[[str], str | None]) -> Session:
    """Sort ``files`` into a session; ``kind_of`` maps a NIfTI file's name (lower case, no extension) to its kind."""
    kinds: dict[str, Path] = {}
    left: dict[Path, str] = {}
    for file in files:
        stem = volume_name(file)
        kind = kind_of(stem) if stem is not None else None
        if kind is None:
            left[file] = why_unread(file) or "unknown file"
        elif kind in kinds:
            left[file] = f"a second {kind} of the session; {kinds[kind].name} is used"
        else:
            kinds[kind] = file
    return Session(name, kinds, left)


class SetImport:
    """One import of a public set: its patient folders, its tables, and the patients and unused files so far."""

    def __init__(self, public: PublicSet, root: Path, options: PublicOptions) -> None:
        """Raise ``ResiduaError`` when ``root`` holds no patient folder of the set."""
        self.tree = find_patients(root, public.folders, public.example)
        self.tables = Tables(self.tree)
        self._public, self._options = public, options
        self._columns = public.columns(options)
        self._patients: list[FoundPatient] = []
        self._left: dict[str, str] = {}
        self._left_of_sessions: dict[str, str] = {}

    def leave(self, path: Path, reason: str) -> None:
        """Record why a file or folder is not used."""
        self._left[self.tree.name_of(path)] = reason

    def add(
        self,
        source_id: str,
        sessions: Sessions,
        clinical: Mapping[str, str],
        remarks: tuple[str, ...] = (),
        reason: str = "",
    ) -> None:
        """Add the patient with the images and labels of the two sessions; ``reason`` excludes the patient.

        With ``every_scan`` the patient is one scan, called by the post-operative session, of the person ``source_id``.
        """
        post, person = sessions.get("post"), source_id if self._options.every_scan else ""
        name = f"{source_id}/{post.name}" if person and post else source_id
        chosen = {time: session.files for time, session in sessions.items() if session}
        images = {
            column: chosen[time][kind]
            for time in chosen
            for kind in self._public.images
            if (column := f"{time}_{kind}") in self._columns and kind in chosen[time]
        }
        rules: dict[str, tuple[Time, Rule | None]] = {
            "residual": ("post", self._public.residual),
            "pre_tumor": ("pre", self._public.pre_tumor),
        }
        labels = {
            label: Label(chosen[time][rule.kind], rule.values, rule.others)
            for label, (time, rule) in rules.items()
            if rule and rule.kind in chosen.get(time, {})
        }
        hospital, reason = self._options.hospital or self._public.hospital, reason if "post" in chosen else NO_SCAN
        if not images and not labels and not reason:
            reason = nothing_used(why for session in sessions.values() if session for why in session.left.values())
        patient = FoundPatient(name, hospital, images, labels, clinical, reason, remarks, person)
        self._patients.append(patient)
        for session in filter(None, sessions.values()):
            self._left_of_sessions |= _left_of(self.tree, session, patient)

    def found(self) -> Found:
        """Return all patients that were added, and every unused file with the reason.

        Raises ``ResiduaError`` when no patient has a single image: the folder holds another release, such as DICOM.
        """
        if not any(patient.images for patient in self._patients):
            raise ResiduaError(
                f"{self.tree.root}: {len(self._patients)} patient folder(s), but no NIfTI file with a name of "
                f"{self._public.layout}; give the folder of the NIfTI release{instead(files_below(self.tree.root))}"
            )
        left = self._left | self.tables.left() | self._left_of_sessions
        return Found(self._public.layout, tuple(self._patients), left, self._public.remarks)


def _left_of(tree: Tree, session: Session, patient: FoundPatient) -> dict[str, str]:
    used = {*patient.images.values(), *(label.file for label in patient.labels.values())}
    unused = {file: f"{kind}: not needed" for kind, file in session.files.items() if file not in used}
    return {tree.name_of(file): why for file, why in {**session.left, **unused}.items()}
