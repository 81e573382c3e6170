"""Say whether a series was acquired before or after surgery, and how certain that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from residua.importers.dicom.moments import Elapsed, Moment, interval
from residua.importers.dicom.series import Series
from residua.importers.dicom.surgeries import fitting

SURE, NOT_QUITE, GUESS = 1.0, 0.9, 0.5
"""Factors of confidence: a time after one surgery; whole days or one of several surgeries; a guess by order."""
_SAME_SCAN_HOURS = 12
ASKED = "question"


@dataclass(frozen=True)
class ScanSession:
    """``name`` is "pre", "post", "later" or, where the source does not say, ""; ``why`` gives the reason in words.

    ``since``: the time from surgery; None if unknown. ``certainty`` is a factor of confidence. ``scan``: which of the
    scans after the studied surgery it is, from 1; 0: none of them.
    """

    name: str
    certainty: float
    why: str
    since: Elapsed | None = None
    scan: int = 0


def session_of(
    series: Series,
    of_patient: Sequence[Series],
    surgeries: Sequence[Moment],
    window_hours: float,
    every_scan: bool = False,
) -> ScanSession:
    """Return the session of a series from the surgeries of its patient, or by the order of the patient's studies.

    With ``every_scan`` the sessions after surgery are post1, post2, … instead of post and later.
    """
    session = _session_of(series, of_patient, surgeries, window_hours)
    return replace(session, name=f"post{session.scan}") if every_scan and session.scan else session


def _session_of(
    series: Series, of_patient: Sequence[Series], surgeries: Sequence[Moment], window_hours: float
) -> ScanSession:
    if series.when is None:
        studies = {each.study_uid for each in of_patient if each.modality == "MR"}
        if not surgeries and len(studies) == 1:
            return ScanSession("post", GUESS, "the only study: taken as post-operative", scan=1)
        return ScanSession("", 0.0, f"{ASKED}: it has no date: was it before or after surgery?")
    if not surgeries:
        return _by_order(series, of_patient)
    scans = [each.when for each in of_patient if each.when and each.modality == "MR"]
    if len(surgeries) == 1:
        return _since(series.when, surgeries[0], scans, window_hours)
    return _of_several(series.when, surgeries, scans, window_hours)


def _since(when: Moment, surgery: Moment, scans: Sequence[Moment], window_hours: float) -> ScanSession:
    since = interval(surgery, when)
    certainty = SURE if since.exact else NOT_QUITE
    if since.sign == 0:
        return ScanSession(
            "", 0.0, f"{ASKED}: on the day of surgery, without a time of day: was it before or after?", since
        )
    if since.sign < 0:
        return ScanSession("pre", certainty, "before surgery", since)
    after = [scan for scan in scans if interval(surgery, scan).sign > 0]
    waited = max((interval(scan, when).hours for scan in after), default=0.0)
    scan = _number(when, after)
    if waited > _SAME_SCAN_HOURS:
        return ScanSession("later", certainty, f"{since} after surgery, and there was an earlier scan", since, scan)
    late = "" if since.hours <= window_hours else f", later than {window_hours:g} h"
    return ScanSession("post", certainty, f"{since} after surgery{late}", since, scan)


def _number(when: Moment, scans: Sequence[Moment]) -> int:
    """Return which of the scans it is, from 1: what is far from the first image of a scan begins another."""
    begun: list[Moment] = []
    for moment in sorted(scans, key=lambda moment: moment.order):
        if not begun or interval(begun[-1], moment).hours > _SAME_SCAN_HOURS:
            begun.append(moment)
    return max(1, sum(interval(first, when).sign >= 0 for first in begun))


def _of_several(when: Moment, surgeries: Sequence[Moment], scans: Sequence[Moment], window_hours: float) -> ScanSession:
    """Return the session by the one surgery that has a scan within the window; a question if several or none have."""
    fit = fitting(surgeries, scans, window_hours)
    n = len(surgeries)
    if len(fit) != 1:
        done = [interval(surgery, when) for surgery in surgeries if interval(surgery, when).sign >= 0]
        asked = f"{len(fit) or 'none'} of them followed by a scan within {window_hours:g} h"
        why = f"{ASKED}: the patient had {n} surgeries, {asked}: which one is studied?"
        since = done[-1] if done else interval(surgeries[0], when)
        return ScanSession("", 0.0, f"{why} ({f'{since} after the last one' if done else 'before all'})", since)
    (surgery,) = fit
    place = surgeries.index(surgery)
    session = _since(when, surgery, scans, window_hours)
    why = f"{session.why} ({place + 1} of {n})"
    if session.name == "pre" and any(interval(earlier, when).sign > 0 for earlier in surgeries[:place]):
        return ScanSession("pre", GUESS, f"{why}, but not before an earlier surgery", session.since)
    if any(interval(later, when).sign > 0 for later in surgeries[place + 1 :]):
        return ScanSession("later", NOT_QUITE, f"{why}, and after a later surgery", session.since)
    return replace(session, certainty=min(session.certainty, NOT_QUITE), why=why)


def _by_order(series: Series, of_patient: Sequence[Series]) -> ScanSession:
    """Return the session by the place of the study in time."""
    begun: dict[str, Moment] = {}
    for each in of_patient:
        if each.modality == "MR" and each.when:
            known = begun.get(each.study_uid)
            begun[each.study_uid] = min(known or each.when, each.when, key=lambda moment: moment.order)
    if any(each.modality == "MR" and each.study_uid not in begun for each in of_patient):
        return ScanSession("", 0.0, f"{ASKED}: another study has no date: was this one before or after surgery?")
    order = sorted(begun, key=lambda uid: begun[uid].order)
    if len(order) == 1:
        return ScanSession("post", GUESS, "the only study: taken as post-operative", scan=1)
    own = begun.get(series.study_uid, series.when)
    alike = [uid for uid in order if uid != series.study_uid and own and interval(own, begun[uid]).sign == 0]
    if alike:
        return ScanSession("", 0.0, f"{ASKED}: another study of the same day, without a time of day: which was first?")
    place = order.index(series.study_uid) if series.study_uid in order else 0
    name = ("pre", "post")[place] if place < 2 else "later"
    why = f"study {place + 1} of {len(order)} in time, without a date of surgery"
    return ScanSession(name, GUESS, why, scan=place)
