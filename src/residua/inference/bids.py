"""Give the results of an application or a study as BIDS-Derivatives: a map and a mask of each predicted patient."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from residua.publishing.publish import digest, write_json, write_text, writing
from residua.version import __version__

BIDS_VERSION = "1.10.0"
_SPACE = "orig"
"""BIDS' name for the space of the input image itself."""
_LABEL = "L"
"""BIDS' name for a lesion."""
_DATASET = {
    "Name": "Residual tumour on early post-operative MRI, predicted by Residua",
    "BIDSVersion": BIDS_VERSION,
    "DatasetType": "derivative",
}
_MADE_BY = {"Name": "Residua", "Version": __version__}
_README = """# Residual tumour on early post-operative MRI

Made by Residua {version}. Research use only. Residua is not a medical device.

Each patient has a map of the probability of residual tumour (`probseg`) and a mask (`mask`), both on the grid of the
post-operative contrast-enhanced T1-weighted scan. The scans themselves are not here; `Inputs` in the sidecar of
each map holds their names and SHA-256. Patients who could not be predicted are left out.
"""
_COLUMNS = {
    "residual_tumour": {
        "Description": "Whether the predicted volume is large enough to count as residual tumour",
        "Levels": {"yes": "residual tumour", "no": "no residual tumour"},
    },
    "volume_ml": {"Description": "Volume of the mask", "Units": "mL"},
    "threshold": {"Description": "Least probability that belongs to the mask; chosen by the study, out of fold"},
    "network": {"Description": "Network whose models were applied"},
    "inputs": {"Description": "Name of the input configuration in the study"},
}


def write_bids(
    outcomes: Sequence[Mapping[str, Any]], out: Path, dataset: Path, command: str = "residua predict"
) -> Path:
    """Write the predicted patients of ``outcomes`` as a BIDS-Derivatives dataset, and return its folder.

    ``outcomes`` are those of ``results/patients.json`` in the application's folder ``out``, or a study's in this form,
    without a bundle. ``command`` is what the dataset says it was made by. Files of patients that
    are no longer predicted are removed. Repeated with the same results it writes the same bytes.
    """
    predicted = [outcome for outcome in outcomes if outcome["state"] == "predicted"]
    links: dict[str, str] = {}
    kept = {path for outcome in predicted for path in _write_patient(outcome, out, dataset, links)}
    for old in dataset.glob("sub-*/anat/*"):
        if old not in kept:
            old.unlink()
    for folder in (*dataset.glob("sub-*/anat"), *dataset.glob("sub-*")):
        if not any(folder.iterdir()):
            folder.rmdir()
    write_text(dataset / "participants.tsv", _participants(predicted))
    write_json(dataset / "participants.json", _COLUMNS)
    write_text(dataset / "README.md", _README.format(version=__version__))
    made = {**_MADE_BY, "Description": f"{command}; research use only, no medical device"}
    linked = {"DatasetLinks": links} if links else {}
    write_json(dataset / "dataset_description.json", {**_DATASET, "GeneratedBy": [made], **linked})
    return dataset


def _write_patient(outcome: Mapping[str, Any], out: Path, dataset: Path, links: dict[str, str]) -> list[Path]:
    """Write the maps of a patient with their sidecars; add the datasets of its scans to ``links``."""
    subject = f"sub-{outcome['patient']}"
    folder = dataset / subject / "anat"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{subject}_space-{_SPACE}_label-{_LABEL}_desc-residual"
    probability, mask = folder / f"{stem}_probseg.nii.gz", folder / f"{stem}_mask.nii.gz"
    for source, target in ((outcome["probability"], probability), (outcome["mask"], mask)):
        _copy_image(out / source, target)
    scans = {column: Path(file) for column, file in outcome["given"].items()}
    common = {"SpatialReference": _SPACE, "Manual": False, "Model": f"{outcome['arch']} {outcome['inputs']}"}
    common |= {"Bundle": Path(outcome["bundle"]).name} if "bundle" in outcome else {}
    inputs = {column: {"File": file.name, "SHA256": digest(out / file)} for column, file in scans.items()}
    raw = [uri for file in scans.values() if (uri := _raw_uri(out / file, links))]
    sources = {"Sources": raw} if raw else {}
    described = "Probability of residual contrast-enhancing tumour, the mean of the models of all folds"
    _write_sidecar(probability, {"Description": described, **common, **sources, "Inputs": inputs})
    of = {"Sources": [f"bids::{probability.relative_to(dataset).as_posix()}"], "Threshold": outcome["threshold"]}
    _write_sidecar(mask, {"Description": "Residual contrast-enhancing tumour", "Type": "Lesion", **common, **of})
    return [path for image in (probability, mask) for path in (image, _sidecar(image))]


def _copy_image(source: Path, target: Path) -> None:
    """Copy an image byte by byte: stored again, its levels would be rounded a second time."""
    with writing(target) as part:
        shutil.copyfile(source, part)


def _sidecar(image: Path) -> Path:
    return image.with_name(image.name.removesuffix(".nii.gz") + ".json")


def _write_sidecar(image: Path, content: Mapping[str, Any]) -> None:
    write_json(_sidecar(image), content)


def _raw_uri(file: Path, links: dict[str, str]) -> str | None:
    """Return the BIDS URI of a scan that lies in a raw BIDS dataset, which is added to ``links``; else None."""
    root = next((folder for folder in file.parents if (folder / "dataset_description.json").is_file()), None)
    if root is None:
        return None
    uri = root.absolute().as_uri()
    name = next((name for name, known in links.items() if known == uri), f"raw{len(links) + 1}")
    links[name] = uri
    return f"bids:{name}:{file.relative_to(root).as_posix()}"


def _participants(predicted: Sequence[Mapping[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(["participant_id", *_COLUMNS])
    for outcome in predicted:
        residual = "yes" if outcome["residual_tumour"] else "no"
        numbers = f"{outcome['volume_ml']:.4f}", f"{outcome['threshold']:g}"
        writer.writerow([f"sub-{outcome['patient']}", residual, *numbers, outcome["arch"], outcome["inputs"]])
    return stream.getvalue()
