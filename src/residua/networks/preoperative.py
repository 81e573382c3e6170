"""Select the cases of a training on scans before surgery, whose reference standard is the tumour drawn there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.networks.selection import select_cases
from residua.settings.base import REFERENCE_STANDARD


def select_before_surgery(
    manifests: Sequence[str],
    patients: Sequence[str],
    scan: str,
    label: str,
    persons: Mapping[str, str],
    digests: Iterable[Mapping[str, Mapping[str, str]]],
) -> dict[str, Any]:
    """Return the record of one selection, like ``select_cases``; nobody validates.

    ``scan`` and ``label`` are the columns, and the folders of the ``manifests``. ``persons`` names the person of a
    patient who is another scan of that person; ``digests`` hold those of the voxels by patient and image column, per
    batch. A scan that several patients name is taken once; the others are under ``repeated``, with the patient whose
    files are taken. Patients without a sound brain mask were not prepared: they are left out, and named under
    ``unprepared``. Raises ``ResiduaError`` if fewer than two persons are left.
    """
    groups = {"training": list(patients), "validation": []}
    selection = select_cases(manifests, groups, [Channel(scan, is_label=False)])
    whole = {
        patient: {scan: files[scan], REFERENCE_STANDARD: files[label]}
        for patient, files in selection["files"].items()
        if {scan, label} <= set(files)
    }
    voxels = {patient: own[scan] for batch in digests for patient, own in batch.items() if scan in own}
    first = _first_of_each(patients, whole, voxels)
    training = [patient for patient in patients if first.get(patient) == patient]
    _require_two(training, patients, persons, scan)
    repeated = {patient: other for patient, other in first.items() if patient != other}
    own = {patient: persons[patient] for patient in training if patient in persons}
    return {
        **selection,
        "files": {patient: files for patient, files in whole.items() if patient in training},
        "training": training,
        "unprepared": sorted(set(patients) - set(first)),
        # Without such patients, a selection reads as it always did: what differs trains anew.
        **({"persons": own} if own else {}),
        **({"repeated": repeated} if repeated else {}),
    }


def _first_of_each(patients: Sequence[str], whole: Collection[str], voxels: Mapping[str, str]) -> dict[str, str]:
    """Return the patient whose files are taken for the scan of each; one whose scan nobody has whole is missing."""
    first: dict[str, str] = {}
    for patient in patients:
        if patient in whole:
            first.setdefault(voxels.get(patient, patient), patient)
    scans = {patient: voxels.get(patient, patient) for patient in patients}
    return {patient: first[scan] for patient, scan in scans.items() if scan in first}


def _require_two(training: Sequence[str], patients: Sequence[str], persons: Mapping[str, str], scan: str) -> None:
    left, asked = ({persons.get(patient, patient) for patient in group} for group in (training, patients))
    if len(left) < 2:
        raise ResiduaError(
            f"{len(left)} of {len(asked)} {'persons' if persons else 'patients'} have a brain mask of {scan}, and a "
            "training needs two; try another brain_mask.method, or set init to none"
        )
