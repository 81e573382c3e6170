"""Propose a label of the study for each structure of an annotation: a segment of a SEG, a region of an RTSTRUCT."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from residua.importers.dicom.annotations import Structure
from residua.importers.dicom.propose import Proposal
from residua.importers.dicom.series import Series
from residua.importers.dicom.sessions import ASKED, NOT_QUITE

DRAWN_ON = {"residual": "post_t1ce", "pre_tumor": "pre_t1ce"}
"""The images on which the study's labels are drawn."""
_LABELS = {image: label for label, image in DRAWN_ON.items()}
_TUMOUR = re.compile(r"tumou?r|tumeur|svulst|gtv|enhanc|residu|neoplas|gliobl|gbm|lesion", re.IGNORECASE)
_NOT_TUMOUR = re.compile(
    r"necro|nekro|o?edema|[oö]dem|cavit|resection|non.?enhanc|whole|core|brain|ctv|ptv|organ|bed\b", re.IGNORECASE
)


def with_structures(proposals: Sequence[Proposal], tumour: Sequence[str]) -> list[Proposal]:
    """Put a proposal for each structure of an annotation in the place of the annotation's own.

    ``tumour`` are names or numbers of the structures that are tumour; if empty, names and types that say so count.
    """
    images = [proposal for proposal in proposals if not proposal.series.structures]
    found: list[Proposal] = []
    for proposal in proposals:
        if proposal.series.structures:
            found += [_structure(proposal, each, images, tumour) for each in proposal.series.structures]
        else:
            found.append(proposal)
    return _settled(found, bool(tumour))


def structure_name(series: Series, structure: Structure) -> str:
    """Return the number of a structure, with the number of its file where the series has several."""
    files = list(dict.fromkeys(each.file for each in series.structures))
    return f"{files.index(structure.file) + 1}.{structure.number}" if len(files) > 1 else str(structure.number)


def matched(series: Series, structure: Structure, images: Iterable[Series]) -> tuple[list[Series], str]:
    """Return the image series on which a structure may have been drawn, and why there is none.

    The series that the file names count; if it names none of the export, those of its frame of reference.
    """
    everything = list(images)
    named = [each for each in everything if each.series_uid in structure.series]
    own = [each for each in named if each.patient_id == series.patient_id]
    if named and not own:
        return [], f"it was drawn on a series of another patient ({named[0].named})"
    fitting = [each for each in own if _one_space(each, structure)]
    if own and not fitting:
        return [], f"its frame of reference is not that of the series that it names ({own[0].named})"
    if fitting:
        return fitting, ""
    alike = [each for each in everything if each.patient_id == series.patient_id and each.spaces & structure.spaces]
    none = "neither the series on which it was drawn nor one of its frame of reference is among the patient's images"
    return alike, "" if alike else none


def _one_space(series: Series, structure: Structure) -> bool:
    return not series.spaces or not structure.spaces or bool(series.spaces & structure.spaces)


def is_tumour(structure: Structure, tumour: Sequence[str]) -> bool:
    """Return whether a structure is tumour by the names or numbers given, or if none are, by its name and type."""
    if tumour:
        return any(_plain(structure.name) == _plain(given) or given == str(structure.number) for given in tumour)
    words = f"{structure.name} {structure.meaning}".replace("_", " ")
    return bool(_TUMOUR.search(words)) and not _NOT_TUMOUR.search(words)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def _structure(own: Proposal, structure: Structure, images: Sequence[Proposal], tumour: Sequence[str]) -> Proposal:
    series = own.series
    on, fault = matched(series, structure, (image.series for image in images))
    places = tuple(each.place for each in on)

    def without(session: str, *reasons: str) -> Proposal:
        return Proposal(series, session, "", 0.0, reasons, structure=structure, on=places)

    if series.fault:
        return without("", series.fault)
    if fault:
        return replace(without("", fault), refusal=fault)
    all_of = [image for image in images if image.series in on]
    fitting = [image for image in all_of if image.column in _LABELS]
    session = fitting[0].session if len(fitting) == 1 else ""
    if not is_tumour(structure, tumour):
        return without(session, "named as no tumour", *_drawn(on))
    if len(fitting) != 1:
        return without(session, _which(all_of, fitting))
    (image,) = fitting
    reasons = [f"{'given' if tumour else 'named'} as tumour", *_drawn([image.series], image.column)]
    exact = image.series.series_uid in structure.series
    reasons += [] if exact else ["by its frame of reference alone"]
    reasons += ["made by a program"] if structure.automatic else []
    asked = [f"{ASKED}: {question}" for question in _questions(structure, series, tumour)]
    if asked:
        return without(session, *reasons, *asked)
    certainty = image.confidence * (1 if exact else NOT_QUITE)
    return Proposal(series, session, _LABELS[image.column], certainty, tuple(reasons), image.since, structure, places)


def _drawn(on: Sequence[Series], column: str = "") -> list[str]:
    study = f"study {on[0].place[1]}, series {on[0].place[2]}"
    return [f"drawn on {study}{f' ({column})' if column else ''}"] if len(on) == 1 else []


def _which(on: Sequence[Proposal], fitting: Sequence[Proposal]) -> str:
    if fitting:
        columns = " or ".join(image.column for image in fitting)
        return f"{ASKED}: by its frame of reference it may be drawn on {columns}: on which?"
    where = " or ".join(_drawn([image.series], image.column)[0] for image in on)
    return f"{ASKED}: {where}, which is not proposed as {' or '.join(_LABELS)}: of which scan is it?"


def _questions(structure: Structure, series: Series, tumour: Sequence[str]) -> list[str]:
    asked = list(series.questions)
    if structure.parts == 0:
        asked.append("it is empty: is no tumour left, or was none drawn?")
    if structure.automatic and not tumour:
        asked.append("is the result of a program the reference standard?")
    return asked


def _settled(proposals: Sequence[Proposal], given: bool) -> list[Proposal]:
    """Ask where several structures could be one label, and where none of an annotation is tumour.

    Structures of one annotation that were all given as tumour form the label together.
    """
    rivals: dict[tuple[str, str, str], list[Proposal]] = defaultdict(list)
    of_series: dict[int, list[Proposal]] = defaultdict(list)
    for proposal in proposals:
        if proposal.structure:
            rivals[proposal.series.patient_id, proposal.session, proposal.column].append(proposal)
            of_series[id(proposal.series)].append(proposal)
    return [
        _beside(
            proposal,
            rivals[proposal.series.patient_id, proposal.session, proposal.column],
            of_series[id(proposal.series)],
            given,
        )
        if proposal.structure
        else proposal
        for proposal in proposals
    ]


def _beside(proposal: Proposal, rivals: Sequence[Proposal], own: Sequence[Proposal], given: bool) -> Proposal:
    if not proposal.column:
        unnamed = all("named as no tumour" in each.reasons for each in own)
        asked = f"{ASKED}: no structure of it is {'given' if given else 'named'} as tumour: is this one?"
        return replace(proposal, reasons=(*proposal.reasons, asked)) if unnamed else proposal
    annotations = {id(rival.series) for rival in rivals}
    if len(rivals) == 1 or (given and len(annotations) == 1):
        return proposal
    asked = f"{ASKED}: {len(rivals)} structures of {len(annotations)} annotation(s) could be {proposal.column}: which?"
    return replace(proposal, column="", confidence=0.0, reasons=(*proposal.reasons, asked))
