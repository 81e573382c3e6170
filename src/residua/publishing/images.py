"""The images of published folders, by patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residua.publishing.publish import verified

SUFFIX = ".nii.gz"
_MEMBERS = "members/"


def by_patient(manifests: Sequence[str]) -> dict[str, Path]:
    """Return the verified images of several published folders, by patient; those in sub-folders are others."""
    files = [verified(manifest, lambda name: "/" not in name).items() for manifest in manifests]
    return {name.removesuffix(SUFFIX): file for folder in files for name, file in folder if name.endswith(SUFFIX)}


def member_file(member: str, patient: str) -> str:
    """Return the name of a member's map in the published folder of its ensemble."""
    return f"{_MEMBERS}{member}/{patient}{SUFFIX}"


def members_by_patient(manifest: str) -> dict[str, dict[str, Path]]:
    """Return the verified maps of the members of an ensemble, by patient and member."""
    files: dict[str, dict[str, Path]] = {}
    for name, file in verified(manifest, lambda name: name.startswith(_MEMBERS)).items():
        _, member, image = name.split("/")
        files.setdefault(image.removesuffix(SUFFIX), {})[member] = file
    return files
