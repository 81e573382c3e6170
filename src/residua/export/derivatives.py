"""Write what a study predicted of its hold-out as BIDS-Derivatives."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pandas as pd

from residua.errors import ResiduaError
from residua.export.loading import study_here
from residua.inference.bids import write_bids
from residua.metrics.classification import has_residual_tumor
from residua.publishing.images import by_patient
from residua.publishing.origins import require_current
from residua.publishing.publish import read_json
from residua.publishing.seals import require_sealed
from residua.wiring.files import file_of
from residua.wiring.loaded import LoadedStudy


def export_derivatives(study: Path, arch: str, inputs: str, out: Path) -> None:
    """Write the maps and masks of the hold-out by one network into the new folder ``out``, which is whole or not there.

    Raises ``ResiduaError`` when the study has no such network, has not measured the hold-out yet, or has trained or
    chosen a threshold again since.
    """
    require_current(study, _files(arch, inputs))
    out.parent.mkdir(parents=True, exist_ok=True)
    target = out.resolve()
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=target.parent) as place, chdir(study):
        loaded = study_here(study, inputs)
        if arch not in loaded.study.archs:
            raise ResiduaError(f"{study}: no network {arch}; it has {', '.join(loaded.study.archs)}")
        written = Path(place) / "exported"
        write_bids(list(_outcomes(loaded, arch, inputs)), Path(), written, "residua export")
        written.rename(target)


def _files(arch: str, inputs: str) -> tuple[str, str, str, str]:
    """Return the files of measures, of maps, of masks and of the threshold."""
    segmented = f"results/segmentations/{arch}/{inputs}"
    maps, masks = f"results/ensemble/{arch}/{inputs}/manifest.json", f"{segmented}/test/manifest.json"
    return f"results/metrics/{arch}/{inputs}.parquet", maps, masks, f"{segmented}/threshold.json"


def _outcomes(loaded: LoadedStudy, arch: str, inputs: str) -> Iterator[dict[str, Any]]:
    """Yield a record of each patient, in the form of those of an application."""
    measured, maps, drawn, chosen = _files(arch, inputs)
    if not Path(measured).is_file():
        raise ResiduaError(f"{measured}: there is none; let the study run to its end first")
    require_sealed([measured, maps, drawn, chosen])
    volumes = pd.read_parquet(measured).query("split == 'test'").set_index("patient")["predicted_ml"]
    probabilities = by_patient([maps])
    masks = by_patient([drawn])
    threshold = read_json(chosen)["threshold"]
    for patient, volume_ml in volumes.items():
        images = [column for column in loaded.study.images if loaded.cohort.has(str(patient), (column,))]
        yield {
            "patient": patient,
            "state": "predicted",
            "arch": arch,
            "inputs": inputs,
            "given": {column: file_of(loaded, str(patient), column) for column in images},
            "probability": probabilities[str(patient)],
            "mask": masks[str(patient)],
            "threshold": threshold,
            "volume_ml": float(volume_ml),
            "residual_tumour": bool(has_residual_tumor(volume_ml, loaded.study.classification.residual_tumor_ml)),
        }
