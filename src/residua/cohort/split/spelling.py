"""Whether a hospital's code is likely another one, misspelt.

Codes such as GRO and GRA, or UMCU and UMCG, differ by one letter and are two hospitals. So a question is asked only for
what no two codes are told apart by, or for one slip in a long name, and only if the other hospital is clearly larger.
"""

from __future__ import annotations

from collections.abc import Mapping

_DOUBLED, _SWAPPED, _OTHER = 3, 4, 6
"""Letters from which a code shows a doubled letter, two letters swapped, or a letter replaced, added or missing."""
_LARGER = 4
"""A hospital with so many times the patients is clearly larger: a slip is in a few rows, not in most."""


def did_you_mean(hospital: str, patients: Mapping[str, int], others: Mapping[str, int]) -> str:
    """Return the beginning of a remedy: the hospital of ``others`` that was likely meant, or nothing.

    Both give the number of patients by hospital. One of ``others`` without patients is named by the configuration only,
    where the slip may be as well.

    >>> did_you_mean("Groningn", {"Groningn": 1}, {"Groningen": 40, "Utrecht": 50})
    'did you mean Groningen? Otherwise '
    >>> did_you_mean("GRA", {"GRA": 1}, {"GRO": 40})
    ''
    """
    own = patients.get(hospital, 0)
    likely = [
        other
        for other, size in others.items()
        if _one_spelling(hospital, other)
        or (_one_slip(hospital.casefold(), other.casefold()) and (not size or size >= max(_LARGER * own, 1)))
    ]
    return f"did you mean {max(likely, key=lambda other: others[other])}? Otherwise " if likely else ""


def _one_spelling(one: str, other: str) -> bool:
    """Return whether two codes differ by letter case alone, or by the letter O and the number 0."""
    plain, also = (code.casefold().replace("0", "o") for code in (one, other))
    return plain == also and one != other


def _one_slip(one: str, other: str) -> bool:
    """Return whether one slip of letters, such as a typist makes, leads from one code to the other.

    Numbers tell hospitals apart (site1, site2), so that a number is never a slip.
    """
    short, long = sorted((one, other), key=len)
    if len(short) == len(long):
        apart = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if not all((one[place] + other[place]).isalpha() for place in apart):
            return False
        if len(apart) == 2 and apart[1] == apart[0] + 1:
            first, second = apart
            return len(short) >= _SWAPPED and one[first] + one[second] == other[second] + other[first]
        return len(apart) == 1 and len(short) >= _OTHER
    added = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) != len(short) + 1 or short[added:] != long[added + 1 :] or not long[added].isalpha():
        return False
    doubled = added > 0 and long[added] == long[added - 1]
    return len(short) >= (_DOUBLED if doubled else _OTHER)
