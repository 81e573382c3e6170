"""Say who is left out of the study because a registration or brain mask failed (``on_fault: exclude``), and why.

Apart from what reads it, so that another wording makes no selection again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from residua.words import listed, name_of


def left_out_by(problems: Iterable[Mapping[str, Any]], hospitals: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return hospital, reason and kind of exclusion of each patient of ``hospitals`` who has a problem, as builtins.

    The reasons count patients, and so name what failed and not how.

    >>> problems = [{"patient": "AMS1", "subject": "post_t1"}, {"patient": "AMS1", "subject": "brain mask"}]
    >>> left_out_by(problems, {"AMS1": "AMS"})["AMS1"]["exclusion_reason"]
    'registration of post-operative T1w failed; brain mask failed'
    """
    subjects: dict[str, list[str]] = {}
    for problem in problems:
        if problem["patient"] in hospitals:
            subjects.setdefault(problem["patient"], []).append(problem["subject"])
    return {
        patient: {"hospital": hospitals[patient], "exclusion_reason": _reason(failed), "excluded_by": "fault"}
        for patient, failed in subjects.items()
    }


def _reason(subjects: Iterable[str]) -> str:
    named = list(dict.fromkeys(subjects))
    sequences = [name_of(subject) for subject in named if subject != "brain mask"]
    parts = [f"registration of {listed(sequences)} failed"] if sequences else []
    return "; ".join([*parts, *(["brain mask failed"] if "brain mask" in named else [])])
