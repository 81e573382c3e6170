"""Propose a column of the study for each series, with a confidence and reasons."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from residua.importers.dicom.annotations import Structure
from residua.importers.dicom.moments import Elapsed
from residua.importers.dicom.series import Series
from residua.importers.dicom.sessions import ASKED, NOT_QUITE, ScanSession, session_of
from residua.importers.dicom.surgeries import Surgeries

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
_NO_AGENT = re.compile(r"\W*(?:0|n|nil)?\W*$|\W*(?:no|none)\b", re.IGNORECASE)
_COLUMNS = {
    ("post", "t1ce"): "post_t1ce",
    ("post", "t1"): "post_t1",
    ("post", "flair"): "post_flair",
    ("post", "t2"): "post_t2",
    ("pre", "t1ce"): "pre_t1ce",
}
NAMED, MEASURED, CONTRADICTED = 0.5, 0.3, -0.3
CONTRAST_SURE = 0.2
"""Confidence is 0.5 for a name that gives the weighting, 0.3 for timing parameters that give it (−0.3 if they give
another), and 0.2 if description and contrast agent's tag agree; times the certainty of the session."""


@dataclass(frozen=True)
class Proposal:
    """The proposed column of a series or structure, empty for none; ``confidence`` from 0 to 1; reasons in words."""

    series: Series
    session: str
    column: str
    confidence: float
    reasons: tuple[str, ...]
    since: Elapsed | None = None
    structure: Structure | None = None
    """The structure of an annotation (SEG, RTSTRUCT) that the proposal is of."""
    on: tuple[tuple[str, int, int], ...] = ()
    """The places of the series on which the structure may have been drawn."""
    refusal: str = ""
    """Why the structure must not be converted, whoever confirms it; empty if it may be."""

    @property
    def asks(self) -> bool:
        """Whether the column is empty because the source does not say which it is."""
        return not self.column and any(reason.startswith(ASKED) for reason in self.reasons)


def propose(
    series: Sequence[Series], surgeries: Surgeries, window_hours: float = 72.0, every_scan: bool = False
) -> list[Proposal]:
    """Propose a column for every series, in their order; each column of a patient goes to the most certain series.

    With ``every_scan`` each scan after surgery has columns of its own.
    """
    patients: dict[str, list[Series]] = defaultdict(list)
    for each in series:
        patients[each.patient_id].append(each)
    proposals = []
    for each in series:
        of_patient = patients[each.patient_id]
        session = session_of(each, of_patient, surgeries.get(each.patient_id, ()), window_hours, every_scan)
        proposals.append(_proposal(each, session))
    return _ranked(proposals)


def _proposal(series: Series, session: ScanSession) -> Proposal:
    def without(*reasons: str) -> Proposal:
        return Proposal(series, session.name, "", 0.0, (*reasons, *series.remarks), session.since)

    if series.fault:
        return without(series.fault)
    kind, confidence, reasons = weighting(series)
    asked = [f"{ASKED}: {question}" for question in series.questions]
    if kind and (asked or not session.name or any(reason.startswith(ASKED) for reason in reasons)):
        return without(*reasons, session.why, *asked)
    column = _COLUMNS.get((session.name.rstrip("0123456789"), kind), "")
    if not column:
        return without(*reasons, session.why, "no column of the study")
    why = (*reasons, session.why, *series.remarks)
    certainty = min(session.certainty, NOT_QUITE) if series.remarks else session.certainty
    return Proposal(series, session.name, column, confidence * certainty, why, session.since)


def weighting(series: Series) -> tuple[str, float, tuple[str, ...]]:
    """Return "t1", "t1ce", "flair", "t2" or "", with confidence and reasons, from description, parameters and agent."""
    if _OTHER.search(series.description):
        return "", 0.0, ("described as a sequence that the study does not use",)
    named, measured = _named(series.description), _measured(series)
    kind = named or (measured[0] if len(measured) == 1 else "")
    if not kind:
        return "", 0.0, ("neither description nor parameters identify it",)
    reasons, confidence = [], 0.0
    if named:
        confidence += NAMED
        reasons.append(f"described as {named.upper()}")
    if measured:
        agrees = kind in measured
        confidence += MEASURED if agrees else CONTRADICTED
        times = f"TR, TE and TI are those of {' or '.join(measured).upper()}"
        reasons.append(times if agrees else f"{ASKED}: {times}: which is it?")
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


def _measured(series: Series) -> tuple[str, ...]:
    """Return what the timing may be; without an inversion time, T2 and FLAIR look alike."""
    if series.te_ms is None or series.tr_ms is None:
        return ()
    if series.te_ms > 60:
        return ("flair", "t2") if series.ti_ms is None else ("flair",) if series.ti_ms > 1500 else ("t2",)
    return ("t1",) if series.te_ms < 30 and series.tr_ms < 3500 else ()


def _contrast(series: Series) -> tuple[str, float, list[str]]:
    without, said = bool(_WITHOUT.search(series.description)), bool(_WITH.search(series.description))
    by_words = said and not without
    by_tag = bool(series.agent) and not _NO_AGENT.match(series.agent) and not _WITHOUT.search(series.agent)
    if by_words and by_tag:
        return "t1ce", CONTRAST_SURE, ["with contrast agent by description and tag"]
    if by_words or by_tag:
        if by_tag and without:
            return "t1", CONTRADICTED, [f"{ASKED}: an agent is tagged, but the description says without: which is it?"]
        return "t1ce", 0.0, [f"with contrast agent by {'description' if by_words else 'tag'} only"]
    return "t1", CONTRAST_SURE, ["no sign of a contrast agent"]


def _ranked(proposals: list[Proposal]) -> list[Proposal]:
    """Clear the column of all but the best of several proposals for it, and of equally good ones."""
    rivals: dict[tuple[str, str, str], list[Proposal]] = defaultdict(list)
    for proposal in proposals:
        rivals[proposal.series.patient_id, proposal.session, proposal.column].append(proposal)
    return [
        _beside(proposal, rivals[proposal.series.patient_id, proposal.session, proposal.column])
        for proposal in proposals
    ]


def _beside(proposal: Proposal, rivals: Sequence[Proposal]) -> Proposal:
    """Return a proposal as it stands beside all of its patient for the same column, with the reason."""
    column = proposal.column
    if not column or len(rivals) == 1:
        return proposal
    best = max(_quality(rival) for rival in rivals)
    alike = sum(_quality(rival) == best for rival in rivals)
    if _quality(proposal) < best:
        reason = f"another series is preferred for {column}" if alike == 1 else f"others fit {column} better"
    elif alike == 1:
        return replace(
            proposal, reasons=(*proposal.reasons, f"preferred to {len(rivals) - 1} other series for {column}")
        )
    else:
        reason = f"{ASKED}: {alike} series fit {column} equally well: which is it?"
    return replace(proposal, column="", reasons=(*proposal.reasons, reason))


def _quality(proposal: Proposal) -> tuple[float, int, int, float]:
    series = proposal.series
    # Of several scans before surgery, the last shows the tumour that was operated on.
    day = series.when.day.toordinal() if series.when and proposal.session == "pre" else 0
    return proposal.confidence, day, len(series.frames), -max(series.spacing_mm, default=0.0)
