"""Failed patients: the messages, what continues, and how the study continues without them."""

from __future__ import annotations

import re
from pathlib import Path

import nibabel as nib
import numpy as np

from pages import Page
from residua.cohort.table.exclusion import exclude
from residua.publishing.publish import manifest_of, read_json
from studies import Study, by_rule

NOISE, EMPTY, HEADLESS, SEQUENCE = "STO002", "GOT003", "GOT002", "post_t1"
SELECTIONS = [f"results/prepared/nnunet/B/{subset}.json" for subset in ("fold0", "fold1")]
PAGE, SOUND = "results/quality/index.html", "results/quality/sound.json"


def replace(scan: Path, sd: float) -> None:
    """Keep the header, lose the head: noise, or with a standard deviation of 0 nothing at all."""
    image = nib.load(scan)
    voxels = np.random.default_rng(1).normal(100.0, sd, image.shape).astype(np.float32)
    nib.save(nib.Nifti1Image(voxels, image.affine), scan)


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


def test_failed_patients_are_named_and_shown_all_others_are_prepared_and_training_waits(fresh: Study) -> None:
    cohort = fresh.folder / "cohort"
    patients = {path.name for path in (cohort / "images").iterdir() if not path.name.startswith("AMS")}
    failed = {NOISE, EMPTY, HEADLESS}
    replace(cohort / f"images/{NOISE}/{SEQUENCE}.nii.gz", sd=20.0)
    replace(cohort / f"images/{EMPTY}/{SEQUENCE}.nii.gz", sd=0.0)
    shrink(cohort / f"truth/{HEADLESS}/brain_mask.nii.gz")
    first = fresh.snakemake(*SELECTIONS, PAGE, SOUND)
    said = first.stdout + first.stderr
    assert first.returncode != 0
    # In the order of the table, the masks last.
    lines = [
        r"3 of \d+ registrations and brain masks failed\. .*",
        rf"  patient {NOISE}, {SEQUENCE}: it .*",
        rf"  patient {EMPTY}, {SEQUENCE}: the image is empty.*",
        rf"  patient {HEADLESS}, brain mask: the mask by given .*",
    ]
    assert re.search("\n".join(lines), said), said
    # The data check refuses the empty scan, too, and selections wait for both.
    broken = set(re.findall(r"Error in rule (\w+)", said))
    assert broken == {"check_cohort", "check_preprocessing"}
    assert not any((fresh.folder / selection).exists() for selection in SELECTIONS)
    assert prepared(fresh, SEQUENCE) == patients - failed
    assert prepared(fresh, "post_t1ce") == prepared(fresh, "residual") == patients - {HEADLESS}
    page = (fresh.folder / PAGE).read_text(encoding="utf-8")
    listed = page[page.index('id="failed"') : page.index('id="flagged"')]
    assert "failed" in Page(page).ids
    assert str(fresh.folder) not in page
    assert all(f"patient {patient}" in listed for patient in failed)

    exclude(cohort / "cohort.tsv", dict.fromkeys(sorted(failed), "failed"))
    again = fresh.snakemake(*SELECTIONS, SOUND)
    assert again.returncode == 0, again.stdout + again.stderr
    chosen = {patient for selection in SELECTIONS for patient in read_json(fresh.folder / selection)["files"]}
    assert chosen == patients - failed


def test_a_failure_in_a_finished_study_fails_every_run_and_correcting_it_trains_nothing(study: Study) -> None:
    scan = study.folder / f"cohort/images/AMS001/{SEQUENCE}.nii"
    sound = scan.read_bytes()
    replace(scan, sd=20.0)
    for _ in range(2):
        done = study.snakemake()
        assert done.returncode != 0
        assert "1 of " in done.stdout + done.stderr
        assert f"patient AMS001, {SEQUENCE}: " in done.stdout + done.stderr
    scan.write_bytes(sound)
    planned = by_rule(study.planned())
    assert planned["register"] == planned["collect_failures"] == planned["check_preprocessing"] == 1
    assert planned["train"] == planned["predict"] == 0
