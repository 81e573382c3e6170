"""Errors that a user can act on."""

from __future__ import annotations


class ResiduaError(Exception):
    """Something the user can mend; the message says what, where and how."""


class UnusableScanError(ResiduaError):
    """A scan or mask shows what nothing can be made of: a judgement about it, which trying again does not change."""


class DamagedStageError(ResiduaError):
    """A published file is missing or differs from its manifest."""
