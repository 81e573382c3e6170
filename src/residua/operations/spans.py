"""Say how long something takes."""

from __future__ import annotations


def span(seconds: float | None) -> str:
    """Return a span of time in the unit that suits it; empty for None.

    >>> span(70), span(600), span(86_400)
    ('70 s', '10 min', '24 h')
    """
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 100:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 60 * 100 else f"{minutes / 60 / 24:.0f} days"
