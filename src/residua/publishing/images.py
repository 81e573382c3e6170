"""The images of published folders, by patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residua.publishing.publish import verified

SUFFIX = ".nii.gz"


def by_patient(manifests: Sequence[str]) -> dict[str, Path]:
    """Return the verified images of several published folders, by patient."""
    files = [verified(manifest).items() for manifest in manifests]
    return {name.removesuffix(SUFFIX): file for folder in files for name, file in folder if name.endswith(SUFFIX)}
