"""Failed patients: the messages, what continues, and how the study continues without them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from pages import Page
from residua.cohort.table.exclusion import exclude, include
from residua.publishing.publish import manifest_of, read_json
from studies import Study, by_rule

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
NOISE, EMPTY, HEADLESS, SEQUENCE = "STO002", "GOT002", "GOT001", "post_t1"
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


CHOICES = {
    **{"sampling": "balanced", "iterations_per_epoch": {"patches_per_case": 1}, "filters_per_channel": 3},
    **{"residual_blocks": [1, 2, 1], "augmentation": "article"},
}
"""What a study may choose beyond the article: here all of it together is trained, predicts and is reported."""


def simplified(config: dict[str, Any]) -> None:
    """Leave of the micro study what is enough to be registered, trained and reported; train it by further choices."""
    config["sequences"] = {"reference": "post_t1ce", "moving": [SEQUENCE], "before_surgery": []}
    config["labels"] = {"residual": "post_t1ce"}
    config["registration"]["resected"] = None
    config["networks"]["nnunet"].update(epochs=1, **CHOICES)
    config["raters"] = None


def test_failed_patients_stop_the_study_or_are_left_out_until_their_scans_are_corrected(fresh: Study) -> None:
    images, results, table = (
        fresh.folder / "cohort/images",
        fresh.folder / "results",
        fresh.folder / "cohort/cohort.tsv",
    )
    brain = fresh.folder / f"cohort/truth/{HEADLESS}/brain_mask.nii.gz"
    scans = {patient: images / f"{patient}/{SEQUENCE}.nii.gz" for patient in (NOISE, "AMS001")}
    sound = {path: path.read_bytes() for path in (brain, *scans.values())}
    everyone = {path.name for path in images.iterdir()}
    fresh.configure(simplified)

    # Failed patients are named and shown, all others are prepared, and training waits.
    patients, failed = {name for name in everyone if not name.startswith("AMS")}, {NOISE, EMPTY, HEADLESS}
    replace(scans[NOISE], sd=20.0)
    replace(images / f"{EMPTY}/{SEQUENCE}.nii.gz", sd=0.0)
    shrink(brain)
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

    # It goes on without those that are excluded, and with those that are corrected.
    brain.write_bytes(sound[brain])
    exclude(table, dict.fromkeys((NOISE, EMPTY), "failed"))
    fresh.run(*SELECTIONS, SOUND)
    chosen = {patient for selection in SELECTIONS for patient in read_json(fresh.folder / selection)["files"]}
    assert chosen == patients - {NOISE, EMPTY}

    # Where the study leaves them out, one is named at the end with the remedy, and counted in the flow and the report.
    include(table, [NOISE])
    fresh.configure(lambda config: config.update(on_fault="exclude", most_excluded=0.2))
    done = fresh.snakemake()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(rf"\n1 patient\(s\) are left out of the study .*\n  patient {NOISE}, {SEQUENCE}: it .*\n", said), (
        said
    )
    reason = {"reason": "registration of post-operative T1w failed", "patients": 1}
    assert read_json(results / "cohort/flow.json")["excluded"]["fault"] == {"patients": 1, "reasons": [reason]}
    assert read_json(results / "cohort/folds.json")["excluded"][NOISE] == reason["reason"]
    report = (results / "report/index.html").read_text(encoding="utf-8")
    assert reason["reason"] in report
    assert "1 patient was left out because a registration or the brain mask failed" in report
    assert "Training patients with residual tumour and after gross total resection are drawn equally often" in report
    assert NOISE not in report
    subsets = [read_json(path)["files"] for path in (results / "prepared/nnunet/B").glob("*.json")]
    measured = set(pd.read_parquet(results / "metrics/nnunet/B.parquet")["patient"])
    assert set().union(*subsets) == measured == everyone - {NOISE, EMPTY}
    page = (fresh.folder / PAGE).read_text(encoding="utf-8")
    assert f"patient {NOISE}" in page
    assert "The study leaves them out until their scans are corrected" in page

    # A failure of the hold-out reaches no training; a corrected patient of a fold trains, and no other is registered.
    replace(scans["AMS001"], sd=20.0)
    planned = by_rule(fresh.planned())
    assert planned["register"] == planned["ensemble"] == planned["report"] == 1
    assert planned["train"] == planned["predict"] == planned["choose_threshold"] == 0
    for scan in scans.values():
        scan.write_bytes(sound[scan])
    jobs = fresh.planned()
    assert [job["patient"] for job in jobs if job.rule == "register"] == [NOISE]
    assert by_rule(jobs)["strip"] == by_rule(jobs)["leave_out"] == by_rule(jobs)["prepare_stripped"] == 1
    assert (
        by_rule(jobs)["mask_brain"] == by_rule(jobs)["prepare_reference_standard"] == by_rule(jobs)["plan_folds"] == 0
    )
    assert by_rule(jobs)["train"] == 2

    replace(scans[NOISE], sd=20.0)
    fresh.configure(lambda config: config.update(most_excluded=0.1))
    refused = fresh.snakemake(SOUND)
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    title = r"1 of 5 patients failed, more than 10 %, which may be left out \(most_excluded\)\. .*"
    assert len(re.findall(rf"{title}\n  patient {NOISE}, {SEQUENCE}: it ", said)) == 1, said


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
