"""Select exactly the channels and patients of one training or of the hold-out, each file with its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import path
from typing import Any

from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.publishing.publish import manifest_of


def select_cases(
    manifests: Sequence[str],
    patients: Mapping[str, Sequence[str]],
    channels: Sequence[Channel],
    lacking: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return the record of one selection.

    ``manifests`` belong to the prepared batches: ``…/{channel}/{batch}/manifest.json``. ``patients`` names the patients
    of ``training`` and of ``validation``; patients of the hold-out are under ``validation``, too. ``lacking`` names
    the channels that a patient does without; only an application has such patients.
    """
    wanted = {patient for group in patients.values() for patient in group}
    files: dict[str, dict[str, dict[str, str]]] = {patient: {} for patient in sorted(wanted)}
    for manifest in manifests:
        folder = path.dirname(manifest)
        channel = path.basename(path.dirname(folder))
        for name, content in manifest_of(manifest)["files"].items():
            patient = name.partition(".")[0]
            if patient in wanted:
                files[patient][channel] = {"path": path.join(folder, name), "digest": content}
    groups = {group: list(members) for group, members in patients.items()}
    without = {"lacking": {patient: list(names) for patient, names in lacking.items()}} if lacking else {}
    return {"channels": [channel.to_json() for channel in channels], "files": files, **groups, **without}


def without_incomplete(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Return a selection without the patients who lack a channel, because the preparation of their scans failed.

    >>> files = {"AMS1": {"post_t1ce": {}}, "AMS2": {}}
    >>> groups = {"training": [], "validation": ["AMS1", "AMS2"]}
    >>> without_incomplete({"channels": [{"name": "post_t1ce"}], "files": files, **groups})["validation"]
    ['AMS1']
    """
    channels, lacking = {channel["name"] for channel in selection["channels"]}, selection.get("lacking", {})
    whole = {
        patient: files
        for patient, files in selection["files"].items()
        if channels - set(lacking.get(patient, ())) <= set(files)
    }
    groups = {
        group: [patient for patient in selection[group] if patient in whole] for group in ("training", "validation")
    }
    return {**selection, "files": whole, **groups}


def require_apart(patients: Mapping[str, Sequence[str]], digests: Iterable[Mapping[str, Mapping[str, str]]]) -> None:
    """Raise ``ResiduaError`` when a training and a validation patient have an image in common.

    ``patients`` belong to a selection; ``digests`` hold those of the voxels by patient and image column, per batch.
    """
    # Here and not among the checks, so that an edit of a check does not rerun a selection and what follows it.
    sides = {patient: group for group, members in patients.items() for patient in members}
    shared: dict[str, dict[str, str]] = {}
    for batch in digests:
        for patient, images in batch.items():
            if patient in sides:
                for content in images.values():
                    shared.setdefault(content, {})[patient] = sides[patient]
    for owners in shared.values():
        if len(set(owners.values())) > 1:
            named = ", ".join(f"{patient} ({side})" for patient, side in owners.items())
            raise ResiduaError(
                f"training and validation patients have the same image: {named}. Keep the patient that it belongs to, "
                "and set the role of the others to exclude in the cohort table"
            )
