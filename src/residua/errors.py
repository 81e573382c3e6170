"""Errors that a user can act on."""

from __future__ import annotations


class ResiduaError(Exception):
    """An error that the user can correct; the message says what, where and how."""


class UnusableScanError(ResiduaError):
    """A scan or mask that cannot be used; retrying does not help."""


class DamagedStageError(ResiduaError):
    """A published file is missing or differs from its manifest."""


class ScratchError(ResiduaError):
    """Software could not keep its files in a scratch folder, perhaps for want of room; says nothing of the scans."""
