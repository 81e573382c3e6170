"""Footnotes that count patients: the counts are known when a table is made, because failed patients may be left out."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

Note = str | Sequence[str | Mapping[str, str]]
"""A text, or pieces of one: a piece that is a mapping stands for the number of its different values."""


def worded(notes: Iterable[Note], left_out: Container[str] = ()) -> list[str]:
    """Return the notes as texts, whose counts leave out the patients (keys) of ``left_out``.

    >>> persons = {"P1": "P1", "P1b": "P1", "P2": "P2"}
    >>> worded(["One threshold.", [persons, " persons."]], {"P2"})
    ['One threshold.', '1 persons.']
    """
    return [note if isinstance(note, str) else "".join(_piece(piece, left_out) for piece in note) for note in notes]


def _piece(piece: str | Mapping[str, str], left_out: Container[str]) -> str:
    if isinstance(piece, str):
        return piece
    return str(len({value for patient, value in piece.items() if patient not in left_out}))
