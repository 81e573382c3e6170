"""Errors that a user can act on."""

from __future__ import annotations


class ResiduaError(Exception):
    """Something the user can mend; the message says what, where and how."""


class DamagedStageError(ResiduaError):
    """A published file is missing or differs from its manifest."""
