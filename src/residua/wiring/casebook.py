"""The pages of the hospitals and of the worst cases: whether they are made, and from which files."""

from __future__ import annotations

from residua.settings.base import REFERENCE_STANDARD
from residua.wiring import publication
from residua.wiring.files import brain_manifests, brain_mask_of, file_of, reference_of
from residua.wiring.loaded import LoadedStudy

MANIFEST = "results/report/cases/manifest.json"


def pages(loaded: LoadedStudy) -> list[str]:
    """Return the manifest of the pages; none where the configuration asks for none."""
    return [MANIFEST] if loaded.study.report.cases else []


def segmentations(loaded: LoadedStudy, split: str) -> list[str]:
    """Return the masks of a split ("validation", "test") of every network that the pages may show."""
    return [
        f"results/segmentations/{arch}/{inputs}/{split}/manifest.json" for arch, inputs in publication.compared(loaded)
    ]


def scans(loaded: LoadedStudy) -> dict[str, tuple[str, str]]:
    """Return the reference image and the reference standard of every patient of the study."""
    return {
        patient: (reference_of(loaded, patient), file_of(loaded, patient, REFERENCE_STANDARD))
        for patient in loaded.split.patients
    }


def brains(loaded: LoadedStudy) -> dict[str, str]:
    """Return the manifest that holds the brain mask, of every patient of the study."""
    return {patient: brain_manifests(loaded, [patient])[0] for patient in loaded.split.patients}


def quality_pages(loaded: LoadedStudy) -> dict[str, str]:
    """Return the quality page of every patient of the study, as a link of these pages."""
    masks = {patient: brain_mask_of(loaded, patient) for patient in loaded.split.patients}
    return {
        patient: "../../" + mask.removeprefix("results/").replace("brain/", "quality/", 1).replace(".nii.gz", ".html")
        for patient, mask in masks.items()
    }
