"""A patient who cannot be registered: what is said, what goes on, and how the study goes on without the patient."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from residua.cohort.exclusion import exclude
from studies import Study

FAILED, SEQUENCE, HOLDOUT = "STO002", "post_t1", "AMS"
SELECTIONS = ["results/prepared/nnunet/B/fold0.json", "results/prepared/nnunet/B/fold1.json"]


def replace_by_noise(scan: Path) -> None:
    """Keep the header, lose the head."""
    image = nib.load(scan)
    noise = np.random.default_rng(1).normal(100.0, 20.0, image.shape).astype(np.float32)
    nib.save(nib.Nifti1Image(noise, image.affine), scan)


def test_a_scan_of_noise_fails_alone_by_name_and_the_study_goes_on_once_the_patient_is_excluded(fresh: Study) -> None:
    patients = {path.name for path in (fresh.folder / "cohort/images").iterdir() if not path.name.startswith(HOLDOUT)}
    replace_by_noise(fresh.folder / "cohort/images" / FAILED / f"{SEQUENCE}.nii.gz")
    first = fresh.snakemake(*SELECTIONS)
    said = first.stdout + first.stderr
    assert first.returncode != 0
    assert f"patient {FAILED}, {SEQUENCE}: " in said and "set the patient's role to exclude" in said
    registered = {path.parent.name for path in fresh.folder.glob(f"results/registered/*/{SEQUENCE}.nii.gz")}
    masked = {path.name.removesuffix(".nii.gz") for path in fresh.folder.glob("results/brain/*/*.nii.gz")}
    assert registered == patients - {FAILED} and masked == patients
    assert list(fresh.folder.glob(f"results/registered/{FAILED}/*")) == []
    assert not any((fresh.folder / selection).exists() for selection in SELECTIONS)

    exclude(fresh.folder / "cohort/cohort.tsv", {FAILED: "registration failed"})
    again = fresh.snakemake(*SELECTIONS)
    assert again.returncode == 0, again.stdout + again.stderr
    assert all((fresh.folder / selection).is_file() for selection in SELECTIONS)
