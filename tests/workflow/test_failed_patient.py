"""Failed patients: the messages, what continues, and how the study continues without them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

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


def simplified(config: dict[str, Any]) -> None:
    """Leave of the micro study what is enough to be registered, trained and reported."""
    config["sequences"] = {"reference": "post_t1ce", "moving": [SEQUENCE], "before_surgery": []}
    config["labels"] = {"residual": "post_t1ce"}
    config["registration"].update(engine="none", resected=None)
    config["networks"]["nnunet"].update(epochs=1)
    config.update(raters=None, on_fault="exclude", most_excluded=0.2)


def test_a_study_may_leave_failed_patients_out_until_their_scans_are_corrected(fresh: Study) -> None:
    images, results = fresh.folder / "cohort/images", fresh.folder / "results"
    scans = {patient: images / f"{patient}/{SEQUENCE}.nii.gz" for patient in (NOISE, "AMS001")}
    sound = {patient: scan.read_bytes() for patient, scan in scans.items()}
    replace(scans[NOISE], sd=20.0)
    exclude(fresh.folder / "cohort/cohort.tsv", dict.fromkeys((EMPTY, "STO003"), "not needed"))
    fresh.configure(simplified)
    done = fresh.snakemake()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    # Named at the end with the remedy; counted in the flow and in the report; in no selection and no number.
    assert re.search(rf"\n1 patient\(s\) are left out of the study .*\n  patient {NOISE}, {SEQUENCE}: it .*\n", said), (
        said
    )
    others = {path.name for path in images.iterdir()} - {NOISE, EMPTY, "STO003"}
    reason = {"reason": "registration of post-operative T1w failed", "patients": 1}
    assert read_json(results / "cohort/flow.json")["excluded"]["fault"] == {"patients": 1, "reasons": [reason]}
    assert read_json(results / "cohort/folds.json")["excluded"][NOISE] == reason["reason"]
    report = (results / "report/index.html").read_text(encoding="utf-8")
    assert reason["reason"] in report
    assert "1 patient was left out because a registration or the brain mask failed" in report
    assert NOISE not in report
    subsets = [read_json(path)["files"] for path in (results / "prepared/nnunet/B").glob("*.json")]
    assert set().union(*subsets) == set(pd.read_parquet(results / "metrics/nnunet/B.parquet")["patient"]) == others
    page = (fresh.folder / PAGE).read_text(encoding="utf-8")
    assert f"patient {NOISE}" in page
    assert "The study leaves them out until their scans are corrected" in page

    # A failure of the hold-out reaches no training; a corrected patient of a fold trains, and no other is registered.
    replace(scans["AMS001"], sd=20.0)
    planned = by_rule(fresh.planned())
    assert planned["register"] == planned["ensemble"] == planned["report"] == 1
    assert planned["train"] == planned["predict"] == planned["choose_threshold"] == 0
    for patient, scan in scans.items():
        scan.write_bytes(sound[patient])
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
    title = r"1 of 6 patients failed, more than 10 %, which may be left out \(most_excluded\)\. .*"
    assert len(re.findall(rf"{title}\n  patient {NOISE}, {SEQUENCE}: it ", said)) == 1, said
