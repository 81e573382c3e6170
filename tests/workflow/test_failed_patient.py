"""Patients of whom nothing can be made: what is said, what goes on, and how the study goes on without them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from pages import Page
from residua.cohort.exclusion import exclude
from residua.publish import manifest_of, read_json
from studies import Study

NOISE, HEADLESS, SEQUENCE = "STO002", "GOT002", "post_t1"
SELECTIONS = [f"results/prepared/nnunet/B/{subset}.json" for subset in ("fold0", "fold1", "holdout")]
PAGE = "results/quality/index.html"


def replace_by_noise(scan: Path) -> None:
    """Keep the header, lose the head."""
    image = nib.load(scan)
    noise = np.random.default_rng(1).normal(100.0, 20.0, image.shape).astype(np.float32)
    nib.save(nib.Nifti1Image(noise, image.affine), scan)


def shrink(mask: Path) -> None:
    """Leave a few millilitres of a brain mask."""
    image = nib.load(mask)
    voxels = np.asarray(image.dataobj)
    kept = np.zeros_like(voxels)
    middle = tuple(slice(size // 2 - 4, size // 2 + 4) for size in voxels.shape)
    kept[middle] = 1
    nib.save(nib.Nifti1Image(kept, image.affine), mask)


def prepared(study: Study, channel: str) -> set[str]:
    """The patients of whom a channel is prepared."""
    manifests = (study.folder / "results/prepared/nnunet" / channel).glob("*/manifest.json")
    return {name.partition(".")[0] for manifest in manifests for name in manifest_of(manifest)["files"]}


def test_who_fails_is_named_and_shown_all_others_are_prepared_and_training_waits(fresh: Study) -> None:
    cohort = fresh.folder / "cohort"
    patients = {path.name for path in (cohort / "images").iterdir()}
    replace_by_noise(cohort / f"images/{NOISE}/{SEQUENCE}.nii.gz")
    shrink(cohort / f"truth/{HEADLESS}/brain_mask.nii.gz")
    first = fresh.snakemake(*SELECTIONS, PAGE)
    said = first.stdout + first.stderr
    assert first.returncode != 0
    assert f"2 of {2 * len(patients)} registrations and brain masks failed" in said
    assert f"  patient {NOISE}, {SEQUENCE}: " in said and f"  patient {HEADLESS}: the brain mask by given has " in said
    assert said.count("Error in rule") == said.count("Error in rule check_preprocessing") > 0
    assert not any((fresh.folder / selection).exists() for selection in SELECTIONS)
    for channel in ("post_t1ce", SEQUENCE):
        assert prepared(fresh, channel) >= patients - {NOISE, HEADLESS}
        assert HEADLESS not in prepared(fresh, channel)
    page = (fresh.folder / PAGE).read_text(encoding="utf-8")
    failed = page[page.index('id="failed"') : page.index('id="flagged"')]
    assert "failed" in Page(page).ids and str(fresh.folder) not in page
    assert f"patient {NOISE}, {SEQUENCE}: " in failed and f"patient {HEADLESS}: the brain mask" in failed

    exclude(cohort / "cohort.tsv", dict.fromkeys((NOISE, HEADLESS), "failed"))
    again = fresh.snakemake(*SELECTIONS)
    assert again.returncode == 0, again.stdout + again.stderr
    chosen = {patient for selection in SELECTIONS for patient in read_json(fresh.folder / selection)["files"]}
    assert chosen == patients - {NOISE, HEADLESS}
