"""Let a model of the article's authors segment the patients of a study: its answers are predictions made elsewhere.

Run in the environment of ``envs/raidionics.yaml``; docs/how-to/elsewhere.md shows how.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from residua.brain.raidionics_model import RaidionicsModel
from residua.errors import ResiduaError
from residua.images import volumes
from residua.publishing.images import SUFFIX, by_patient


def segment_study(study: Path, channels: Sequence[str], model: RaidionicsModel, out: Path) -> dict[str, str]:
    """Write ``{patient}.nii.gz``, the probability of tumour, into ``out``; return why the others have none, by patient.

    ``channels`` are the stripped channels of the study (``preparation: paper``) in the order of the model's inputs, the
    reference first. Patients who lack one are left out, and those in ``out`` already are kept.
    """
    images = {channel: _images(study / "results/stripped" / channel) for channel in channels}
    brains = _images(study / "results/brain")
    failed: dict[str, str] = {}
    for patient in images[channels[0]]:
        target = out / f"{patient}{SUFFIX}"
        if target.exists() or not all(patient in images[channel] for channel in channels):
            continue
        try:
            given = [volumes.load(images[channel][patient]) for channel in channels]
            volumes.save(model(given, "probabilities", volumes.load_mask(brains[patient])), target)
        except ResiduaError as error:
            failed[patient] = str(error)
    return failed


def _images(folder: Path) -> Mapping[str, Path]:
    found = by_patient([str(manifest) for manifest in sorted(folder.glob("*/manifest.json"))])
    if not found:
        raise ResiduaError(f"{folder}: holds no image; run the study as far as that first, with preparation: paper")
    return found


def main(arguments: Sequence[str]) -> int:
    """Segment as the command line says; return 1 when a patient or everything failed."""
    parser = argparse.ArgumentParser(prog="python -m residua.external.raidionics", description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="The folder of the study, which holds results/.")
    parser.add_argument("--model", type=Path, required=True, help="The model (zip) as it was downloaded.")
    parser.add_argument("--sha256", required=True, help="The digest of that file.")
    parser.add_argument("--channels", nargs="+", required=True, help="Columns in the order of the model's inputs.")
    parser.add_argument("--out", type=Path, required=True, help="A folder for a probability map of each patient.")
    asked = parser.parse_args(arguments)
    try:
        failed = segment_study(asked.study, asked.channels, RaidionicsModel(asked.model, asked.sha256), asked.out)
    except ResiduaError as error:
        print(error, file=sys.stderr)
        return 1
    for patient, why in failed.items():
        print(f"patient {patient}: {why}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
