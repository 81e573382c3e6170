"""Name the references by which raters and networks are judged."""

from __future__ import annotations

_REFERENCES = {
    "consensus": "consensus",
    "leave_one_out": "consensus of the other raters",
    "staple": "STAPLE",
    "leave_one_out_staple": "STAPLE of the other raters",
}


def reference_name(reference: str) -> str:
    """Name a reference within a sentence.

    >>> reference_name("reference_standard"), reference_name("leave_one_out")
    ('reference standard', 'consensus of the other raters')
    """
    return _REFERENCES.get(reference, reference.replace("_", " "))
