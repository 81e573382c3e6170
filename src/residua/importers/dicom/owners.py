"""Name patients, studies and series without identity, and find identifiers that do not say whose a series is."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from residua.importers.dicom.scan import Scan
from residua.importers.dicom.series import Series

_SAID = ("names", "dates of birth", "sexes")


def settle(found: Scan, hospital: str) -> list[Series]:
    """Return all series in order, each with its place in the proposal, and its conflicts and questions."""
    series = found.ordered()
    _place(series, hospital)
    for alike in _by(series, lambda each: each.series_uid):
        _conflict(alike, "its SeriesInstanceUID is also that of {}: whose it is, is not known")
    for pair in found.clashes:
        if pair[0] is pair[1]:
            pair[0].conflict = pair[0].conflict or "two different images of it have the same SOPInstanceUID"
        else:
            _conflict(pair, "an image of it has the SOPInstanceUID of an image of {}: whose it is, is not known")
    for study in _by(series, lambda each: each.study_uid):
        patients = list(dict.fromkeys(each.place[0] for each in study))
        if len(patients) > 1:
            _ask(study, f"patients {', '.join(patients)} have the same StudyInstanceUID: are they one person?")
    for patient in _by(series, lambda each: each.patient_id):
        _ask_who(patient)
    return series


def _place(series: Sequence[Series], hospital: str) -> None:
    patients: dict[str, dict[str, list[Series]]] = {}
    for each in series:
        studies = patients.setdefault(each.patient_id, {})
        of_study = studies.setdefault(each.study_uid, [])
        of_study.append(each)
        patient = f"{hospital}{list(patients).index(each.patient_id) + 1:03d}"
        each.place = (patient, list(studies).index(each.study_uid) + 1, len(of_study))


def _by(series: Iterable[Series], key: Callable[[Series], str]) -> list[list[Series]]:
    groups: dict[str, list[Series]] = defaultdict(list)
    for each in series:
        groups[key(each)].append(each)
    return list(groups.values())


def _conflict(alike: Sequence[Series], reason: str) -> None:
    for each in alike:
        others = [other.named for other in alike if other is not each]
        if others and not each.conflict:
            each.conflict = reason.format(" and of ".join(others))


def _ask(series: Iterable[Series], question: str) -> None:
    for each in series:
        each.questions.append(question)


def _differing(persons: Iterable[tuple[str, str, str]]) -> str:
    """Return in words how many names, dates of birth and sexes differ; empty if none does."""
    said: list[set[str]] = [set(), set(), set()]
    for name, *rest in persons:
        for known, given in zip(said, (_plain(name), *rest), strict=True):
            known.update({given} - {""})
    return ", ".join(f"{len(known)} {what}" for known, what in zip(said, _SAID, strict=True) if len(known) > 1)


def _ask_who(patient: Sequence[Series]) -> None:
    """Ask whether a patient identifier stands for several persons."""
    for each in patient:
        if several := _differing(each.persons):
            each.conflict = each.conflict or f"its files give {several}: whose it is, is not known"
    if several := _differing(person for each in patient for person in each.persons):
        _ask(patient, f"files with this PatientID give {several}: are they one person?")


def _plain(name: str) -> str:
    """Return the letters of family and given name, so that spelling with accents or blanks does not matter."""
    letters = unicodedata.normalize("NFKD", "".join(name.split("^")[:2]))
    return "".join(letter for letter in letters.casefold() if letter.isalnum())
