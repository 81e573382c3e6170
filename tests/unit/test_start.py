"""``residua check`` tells all that the start of a run, or a stage after the trainings, would refuse."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohort_tables import AFFINE, config, rows, write_image, write_images, write_table
from residua.cohort.checks.rater_voxels import check_rater_voxels
from residua.cohort.cohort import judged_cohort
from residua.cohort.commands.start import start_problems
from residua.cohort.commands.verdict import Verdict, check_cohort
from residua.cohort.ratings import load_ratings
from residua.errors import ResiduaError
from residua.problems.lists import errors_of
from residua.settings.study import Study, load_study

MASK = np.zeros((4, 5, 3), np.uint8)
MASK[2, 2, 1] = 1


def study_with_raters(folder: Path, mask: Any = MASK, affine: Any = AFFINE, **changes: Any) -> tuple[Study, str]:
    """A sound cohort, and one rater's mask of the patient of the hold-out."""
    write_images(folder, rows())
    write_image(folder / "raters/AMS1.nii.gz", mask, affine)
    table = folder / "raters.tsv"
    table.write_text("patient\trater\texpertise\tmask\nAMS1\trater1\texpert\traters/AMS1.nii.gz\n")
    return load_study(config(raters=str(table), **changes)), write_table(folder, rows())


def told(verdict: Verdict) -> list[str]:
    return [problem.check for problem in verdict.problems if problem.is_error]


def test_sound_raters_pass(tmp_path: Path) -> None:
    verdict = check_cohort(*study_with_raters(tmp_path))
    assert (told(verdict), verdict.runs) == ([], True)


@pytest.mark.parametrize(
    ("mask", "affine", "check"),
    [
        (MASK * 255, AFFINE, "label-not-binary"),
        (MASK * 0.3, AFFINE, "label-probability"),
        (np.where(MASK, np.nan, 0), AFFINE, "label-not-finite"),
        (MASK, np.diag([1.0, 1.0, 3.0, 1.0]), "label-off-grid"),
        (MASK[:, :, :2], AFFINE, "label-off-grid"),
        (np.stack([MASK, MASK], axis=3), AFFINE, "image-4d"),
    ],
)
@pytest.mark.parametrize("on_invalid", ["stop", "exclude"])
def test_a_raters_mask_that_rating_refuses_is_told_before(
    mask: Any, affine: Any, check: str, on_invalid: str, tmp_path: Path
) -> None:
    study, table = study_with_raters(tmp_path, mask, affine, on_invalid=on_invalid)
    verdict = check_cohort(study, table)
    assert told(verdict) == [check]
    # No run goes on without a rater.
    assert not verdict.runs
    # The start of a run refuses what the check refuses.
    cohort, _ = judged_cohort(study, table)
    assert [problem.check for problem in errors_of(start_problems(study, cohort, load_ratings(study, cohort)))] == [
        check
    ]


def test_without_voxels_the_table_and_headers_of_raters_are_judged(tmp_path: Path) -> None:
    study, table = study_with_raters(tmp_path, MASK * 255)
    assert check_cohort(study, table, voxels=False).runs
    study, table = study_with_raters(tmp_path, MASK, np.diag([1.0, 1.0, 3.0, 1.0]))
    assert told(check_cohort(study, table, voxels=False)) == ["label-off-grid"]


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda folder: (folder / "raters.tsv").unlink(), "table-unreadable"),
        (lambda folder: (folder / "raters/AMS1.nii.gz").unlink(), "file-missing"),
        (lambda folder: (folder / "raters/AMS1.nii.gz").write_bytes(b""), "file-empty"),
        (lambda folder: rewrite(folder / "raters.tsv", "AMS1\t", "STO1\t"), "rated-not-held-out"),
        (lambda folder: rewrite(folder / "raters.tsv", "expert\t", "senior\t"), "expertise-unknown"),
        (lambda folder: rewrite(folder / "raters.tsv", "\tmask", "\tfile"), "column-missing"),
    ],
)
def test_a_rater_table_that_the_start_refuses_is_told(
    change: Callable[[Path], None], check: str, tmp_path: Path
) -> None:
    study, table = study_with_raters(tmp_path)
    change(tmp_path)
    verdict = check_cohort(study, table)
    assert check in told(verdict)
    assert not verdict.runs


def rewrite(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def test_rated_patients_without_the_compared_inputs_are_told(tmp_path: Path) -> None:
    record = config(eligibility="per_inputs", inputs={"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]})
    study, table = study_with_raters(tmp_path, eligibility="per_inputs", inputs=record["inputs"])
    records = rows()
    records.append({**records[3], "patient": "AMS2"})
    records[3]["post_t1"] = ""
    write_table(tmp_path, records)
    cohort, _ = judged_cohort(study, table)
    with pytest.raises(ResiduaError, match="no rated patient has every channel"):
        load_ratings(study, cohort)
    assert "rated-without-inputs" in told(check_cohort(study, table, voxels=False))


def test_a_raters_mask_of_an_excluded_patient_is_no_matter(tmp_path: Path) -> None:
    study, table = study_with_raters(tmp_path, MASK * 255)
    records = rows()
    records.append({**records[3], "patient": "AMS2", "post_t1ce": "images/other.nii.gz"})
    records[3] |= {"role": "exclude", "exclusion_reason": "no consent"}
    write_table(tmp_path, records)
    # The only rated patient is excluded, which is the fault.
    assert "label-not-binary" not in told(check_cohort(study, table))
    assert "ratings-excluded" in told(check_cohort(study, table))


def test_weights_that_a_stage_refuses_are_told_before(tmp_path: Path) -> None:
    weights = tmp_path / "brain.safetensors"
    weights.write_bytes(b"weights")
    right, wrong = sha256(b"weights").hexdigest(), "0" * 64

    def checks(path: Path, digest: str, where: str) -> list[str]:
        changed = config()
        if where == "brain":
            changed["brain_mask"] = {"method": "agunet", "weights": str(path), "weights_sha256": digest}
        else:
            changed["networks"]["agunet"]["initial_weights"] = {"file": str(path), "sha256": digest}
        write_images(tmp_path, rows())
        return told(check_cohort(load_study(changed), write_table(tmp_path, rows()), voxels=False))

    for where in ("brain", "network"):
        assert checks(weights, right, where) == []
        assert checks(weights, wrong, where) == ["weights-unusable"]
        assert checks(tmp_path / "no.safetensors", right, where) == ["weights-unusable"]
        assert checks(tmp_path, right, where) == ["weights-unusable"]


def test_rating_itself_asks_the_same(tmp_path: Path) -> None:
    study, table = study_with_raters(tmp_path, MASK * 255)
    raters = load_ratings(study, judged_cohort(study, table)[0])
    assert raters is not None
    assert [problem.check for problem in check_rater_voxels(raters.ratings)] == ["label-not-binary"]
