"""Propose a column of the study for each series, with a confidence and reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from residua.importers.dicom.scan import Series

_FLAIR = re.compile(r"flair|dark.?fl|tirm", re.IGNORECASE)
_T2 = re.compile(r"t2(?!\s*\*|.?star)", re.IGNORECASE)
_T1 = re.compile(r"t1|mp.?rage|bravo|f?spgr|vibe|\btfe\b|ffe|cube t1", re.IGNORECASE)
_OTHER = re.compile(
    r"dwi|adc|dti|diff|swi|swan|perf|dsc|dce|asl|t2\s*\*|t2.?star|tof|angio|spectro|bold|fmri", re.IGNORECASE
)
_WITHOUT = re.compile(r"nativ|ohne|sans|uten|\bpre.?(?:gd|contrast|km|c)\b|without|w/?o\b|non.?contrast", re.IGNORECASE)
_WITH = re.compile(
    r"\bgd\b|\bgad|\bkm\b|\bce\b|\+\s*c\b|\+\s*(?:gd|km)|post.?(?:gd|contrast|km|c)\b|contrast|dotarem|gadovist"
    r"|(?<=t1)c\b|(?<=_)gd|_km|_ce|\bkontrast|injekt|c\+",
    re.IGNORECASE,
)
_COLUMNS = {
    ("post", "t1ce"): "post_t1ce",
    ("post", "t1"): "post_t1",
    ("post", "flair"): "post_flair",
    ("post", "t2"): "post_t2",
    ("pre", "t1ce"): "pre_t1ce",
}
NAMED, MEASURED, CONTRADICTED = 0.5, 0.3, -0.3
CONTRAST_SURE, GUESSED_SESSION = 0.2, 0.5
"""Confidence is 0.5 for a name that gives the weighting, 0.3 for timing parameters that give it (−0.3 if they give
another), and 0.2 if description and contrast agent's tag agree; half of it if the session is a guess."""


@dataclass(frozen=True)
class Proposal:
    """The proposed column of a series, empty for none; ``confidence`` from 0 to 1 and the reasons in words."""

    series: Series
    session: str
    column: str
    confidence: float
    reasons: tuple[str, ...]
    hours_since_surgery: float | None = None


def propose(series: Sequence[Series], surgeries: Mapping[str, datetime], window_hours: float = 72.0) -> list[Proposal]:
    """Propose a column for every series, in their order; each column of a patient goes to the most certain series."""
    proposals = []
    for each in series:
        of_patient = [other for other in series if other.patient_id == each.patient_id]
        session, sure, why = _session(each, of_patient, surgeries.get(each.patient_id), window_hours)
        proposals.append(_proposal(each, session, sure, why, surgeries.get(each.patient_id)))
    return _ranked(proposals)


def _proposal(series: Series, session: str, sure: bool, why: str, surgery: datetime | None) -> Proposal:
    hours = (series.when - surgery) / timedelta(hours=1) if surgery and series.when else None
    if series.fault:
        return Proposal(series, session, "", 0.0, (series.fault,), hours)
    kind, confidence, reasons = weighting(series)
    column = _COLUMNS.get((session, kind), "")
    if not column:
        return Proposal(series, session, "", 0.0, (*reasons, why, "no column of the study"), hours)
    return Proposal(series, session, column, confidence * (1.0 if sure else GUESSED_SESSION), (*reasons, why), hours)


def weighting(series: Series) -> tuple[str, float, tuple[str, ...]]:
    """Return "t1", "t1ce", "flair", "t2" or "", with confidence and reasons, from description, parameters and agent."""
    if _OTHER.search(series.description):
        return "", 0.0, ("described as a sequence that the study does not use",)
    named, measured = _named(series.description), _measured(series)
    kind = named or measured
    if not kind:
        return "", 0.0, ("neither description nor parameters identify it",)
    reasons, confidence = [], 0.0
    if named:
        confidence += NAMED
        reasons.append(f"described as {named.upper()}")
    if measured:
        agrees = measured == kind
        confidence += MEASURED if agrees else CONTRADICTED
        reasons.append(f"TR, TE and TI are those of {measured.upper()}" + ("" if agrees else ": a contradiction"))
    if kind == "t1":
        kind, more, signs = _contrast(series)
        confidence += more
        reasons += signs
    return kind, min(max(confidence, 0.0), 1.0), tuple(reasons)


def _named(description: str) -> str:
    for kind, pattern in (("flair", _FLAIR), ("t2", _T2), ("t1", _T1)):
        if pattern.search(description):
            return kind
    return ""


def _measured(series: Series) -> str:
    if series.te_ms is None or series.tr_ms is None:
        return ""
    if series.te_ms > 60:
        return "flair" if (series.ti_ms or 0) > 1500 else "t2"
    return "t1" if series.te_ms < 30 and series.tr_ms < 3500 else ""


def _contrast(series: Series) -> tuple[str, float, list[str]]:
    without, said = bool(_WITHOUT.search(series.description)), bool(_WITH.search(series.description))
    by_words = said and not without
    by_tag = bool(series.agent) and series.agent.casefold() not in ("no", "none", "n", "ohne")
    if by_words and by_tag:
        return "t1ce", CONTRAST_SURE, ["with contrast agent by description and tag"]
    if by_words or by_tag:
        if by_tag and without:
            return "t1", CONTRADICTED, ["a contrast agent is tagged, but the description says without"]
        return "t1ce", 0.0, [f"with contrast agent by {'description' if by_words else 'tag'} only"]
    return "t1", CONTRAST_SURE, ["no sign of a contrast agent"]


def _session(
    series: Series, of_patient: Sequence[Series], surgery: datetime | None, window_hours: float
) -> tuple[str, bool, str]:
    """Return "pre", "post" or "later", whether it is certain, and the reason."""
    studies = sorted({(s.when or datetime.min, s.study_uid) for s in of_patient if s.modality == "MR"})
    order = list(dict.fromkeys(uid for _, uid in studies))
    if surgery is None or series.when is None:
        if len(order) == 1:
            return "post", False, "the only study: taken as post-operative"
        place = order.index(series.study_uid) if series.study_uid in order else 0
        name = ("pre", "post")[place] if place < 2 else "later"
        return name, False, f"study {place + 1} of {len(order)} in time, without a date of surgery"
    if series.when < surgery:
        return "pre", True, "before surgery"
    first = min((s.when for s in of_patient if s.when and s.when >= surgery), default=series.when)
    hours = (series.when - surgery) / timedelta(hours=1)
    if series.when - first > timedelta(hours=12):
        return "later", True, f"{hours:.0f} h after surgery, and there was an earlier scan"
    late = "" if hours <= window_hours else f", later than {window_hours:g} h"
    return "post", True, f"{hours:.0f} h after surgery{late}"


def _ranked(proposals: list[Proposal]) -> list[Proposal]:
    """Clear the column of all but the best of several proposals for it, and add the reason to each."""
    rivals: dict[tuple[str, str], list[Proposal]] = {}
    for proposal in proposals:
        if proposal.column:
            rivals.setdefault((proposal.series.patient_id, proposal.column), []).append(proposal)
    best = {key: max(each, key=_quality) for key, each in rivals.items()}
    ranked = []
    for proposal in proposals:
        key = (proposal.series.patient_id, proposal.column)
        if proposal.column and len(rivals[key]) > 1:
            others = len(rivals[key]) - 1
            if proposal is best[key]:
                reason = f"preferred to {others} other series for {proposal.column}"
            else:
                reason = f"another series is preferred for {proposal.column}"
                proposal = replace(proposal, column="")
            proposal = replace(proposal, reasons=(*proposal.reasons, reason))
        ranked.append(proposal)
    return ranked


def _quality(proposal: Proposal) -> tuple[float, int, float]:
    spacing = proposal.series.spacing_mm
    return proposal.confidence, len(proposal.series.files), -max(spacing, default=0.0)
