"""Assign images of a BIDS data set to columns, by session, suffix and entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import digits
from typing import Literal

from residua.importers.bids_images import BidsImage
from residua.importers.contrast import QUESTION, contrast_in, contrast_in_sidecar
from residua.importers.labels import Rules
from residua.settings.columns import FILES

Time = Literal["pre", "post"]
_SESSIONS: Mapping[Time, tuple[str, ...]] = {
    "pre": ("pre", "preop", "preoperative", "presurgery", "presurgical", "presurg", "before"),
    "post": ("post", "postop", "postoperative", "postsurgery", "postsurgical", "postsurg", "earlypostop"),
}
_MASKS: Mapping[Time, Mapping[str, tuple[str, ...]]] = {
    "pre": {"pre_tumor": ("pretumor", "pretumour", "tumor", "tumour")},
    "post": {
        "residual": ("residual", "residualtumor", "residualtumour", "tumor", "tumour"),
        "brain_mask": ("brain",),
    },
}
"""Values of a binary mask's ``label`` or ``desc`` by column."""
_KINDS = {"T1w": "t1", "FLAIR": "flair"}
_WITHOUT_CONTRAST = ("none", "no", "0")
_NOT_NAMES = ("sub", "ses", "run", "ce", "space")
"""Entities that say nothing of contrast agent beside ``ce``."""
_NATIVE_SPACES = ("orig", "native", "individual", "T1w", "T1wce", "T1ce", "ceT1w")
_LABEL_OF: Mapping[Time, str] = {"pre": "pre_tumor", "post": "residual"}


@dataclass(frozen=True)
class BidsOptions:
    """Options of the user.

    ``sessions``: names instead of all the usual ones; ``columns``: additional columns and their suffix, such as
    ``post_t2``: T2w; ``masks``: label or desc of a column's masks instead of the usual; ``prefer``: entities that
    select among several candidates, such as ``run-2``; ``hospital``: for participants without one in the table;
    ``contrast``, ``native``: entities of T1w with contrast agent or without, where name and sidecar contradict;
    ``every_scan``: each session after surgery is a row.
    """

    sessions: Mapping[Time, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=dict)
    prefer: tuple[str, ...] = ()
    hospital: str = ""
    hospital_column: str | None = None
    surgery_column: str | None = None
    contrast: tuple[str, ...] = ()
    native: tuple[str, ...] = ()
    every_scan: bool = False


def column_of(image: BidsImage, options: BidsOptions) -> tuple[str | None, str]:
    """Return the column of an image, or None and the reason."""
    time = _time_of(image, options)
    if time is None:
        return None, _why_no_time(image.entities.get("ses"), options)
    if image.suffix in ("mask", "dseg"):
        return _label_column(image, time, options)
    if image.is_derivative:
        return None, "a derived image"
    kind = _KINDS.get(image.suffix)
    if kind == "t1":
        has_contrast, question = _has_contrast(image, options)
        if question:
            return None, question
        kind = "t1ce" if has_contrast else "t1"
    column = _image_column(image, time, kind, options)
    return column, "" if column else "not needed"


def scan_of(image: BidsImage, options: BidsOptions) -> str:
    """Return the name of the scan after surgery that an image belongs to; empty if every scan is not asked for."""
    is_scan = options.every_scan and _time_of(image, options) == "post"
    return f"ses-{image.entities['ses']}" if is_scan else ""


def _time_of(image: BidsImage, options: BidsOptions) -> Time | None:
    session = image.entities.get("ses")
    return next((time for time in _SESSIONS if session and _is_session(session, time, options)), None)


def _is_session(session: str, time: Time, options: BidsOptions) -> bool:
    name = session.casefold()
    if options.every_scan and time == "post" and time not in options.sessions:
        # Of several sessions after surgery, the later ones have numbers: postop2.
        name = name.rstrip(digits)
    return name in _names(time, options)


def _names(time: Time, options: BidsOptions) -> tuple[str, ...]:
    given = options.sessions.get(time)
    return _SESSIONS[time] if given is None else tuple(name.removeprefix("ses-").casefold() for name in given)


def _why_no_time(session: str | None, options: BidsOptions) -> str:
    if not session:
        return "no session"
    asked = [f"--{time}op-session {name}" for time, names in options.sessions.items() for name in names]
    said = f"; asked for: {', '.join(asked)}" if asked else ""
    return f"session {session} is neither before nor after surgery{said}"


def _has_contrast(image: BidsImage, options: BidsOptions) -> tuple[bool, str]:
    """Return whether a T1w image has contrast agent, and a question if its name and sidecar contradict each other."""
    agent = image.entities.get("ce", "none")
    by_name = agent.casefold() not in _WITHOUT_CONTRAST
    named = ((contrast_in(value), f"{key}-{value}") for key, value in image.entities.items() if key not in _NOT_NAMES)
    signs = [*named, contrast_in_sidecar(image.own_metadata())]
    contrary = [sign for said, sign in signs if said is not None and said != by_name]
    if not contrary:
        return by_name, ""
    answers = {True: options.contrast, False: options.native}
    answered = [has for has, texts in answers.items() if any(_has_entity(image, text) for text in texts)]
    if len(answered) == 1:
        return answered[0], ""
    there = f"ce-{agent}" if "ce" in image.entities else "no ce entity"
    return by_name, f"{QUESTION}{image.path.name} has {there}, but {' and '.join(contrary)}"


def _has_entity(image: BidsImage, text: str) -> bool:
    key, _, value = text.partition("-")
    return _same(image.entities.get(key, "").casefold(), value.casefold())


def _image_column(image: BidsImage, time: Time, kind: str | None, options: BidsOptions) -> str | None:
    declared = (column for column, suffix in options.columns.items() if suffix == image.suffix)
    column = f"{time}_{kind}"
    return column if column in FILES else next((name for name in declared if name.startswith(f"{time}_")), None)


def _label_column(image: BidsImage, time: Time, options: BidsOptions) -> tuple[str | None, str]:
    space = image.entities.get("space", _NATIVE_SPACES[0])
    if space not in _NATIVE_SPACES:
        return None, f"in the space {space}, not in the space of the image"
    if image.suffix == "dseg":
        column = _LABEL_OF[time]
        return (column, "") if column in options.rules else (None, f"no --label gives the values of {column}")
    called = {image.entities.get(entity, "").casefold() for entity in ("label", "desc")}
    for column, names in _MASKS[time].items():
        given = options.masks.get(column)
        if called & set(names if given is None else (given.casefold(),)):
            return (column, "") if column not in options.rules else (None, f"--label derives {column} from a dseg")
    return None, "label and desc match no column; see --mask"


def preferred(images: Iterable[BidsImage], prefer: Iterable[str]) -> list[BidsImage]:
    """Return the candidates that have the entities of ``prefer``; an entity that no candidate has is ignored."""
    left = list(images)
    for entity, _, value in (text.partition("-") for text in prefer):
        left = [image for image in left if _same(image.entities.get(entity, ""), value)] or left
    return left


def _same(one: str, other: str) -> bool:
    return one == other or (one.isdigit() and other.isdigit() and int(one) == int(other))
