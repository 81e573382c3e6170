"""Say that references were corrected after a review."""

from __future__ import annotations

from collections.abc import Mapping

from residua.report.wording import counted


def corrections(numbers: Mapping[str, int]) -> tuple[str, ...]:
    """Return sentences; none where no reference was corrected. ``numbers`` counts ``all`` and those of the ``holdout``.

    >>> corrections({"all": 3, "holdout": 1})[0]
    '3 reference masks were corrected after review, 1 of them in the hold-out.'
    """
    every, held_out = numbers.get("all", 0), numbers.get("holdout", 0)
    if not every:
        return ()
    which = f"{held_out or 'none'} of them in the hold-out"
    if every == 1:
        which = "in the hold-out" if held_out else "in a fold"
    return (
        f"{counted(every, 'reference mask was', 'reference masks were')} corrected after review, {which}.",
        "A reviewer can see a prediction, and a correction made after seeing it can favour the network that made it. "
        "The log of corrections beside the cohort table says who corrected, when and why.",
    )
