"""``residua check`` tells all that the start of a run, or a stage after the trainings, would refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cohort_tables import AFFINE, PUBLISHED, config, row, rows, write_image, write_images, write_table
from residua.cohort.checks.rater_voxels import check_rater_voxels
from residua.cohort.cohort import Cohort, judged_cohort
from residua.cohort.commands.start import start_problems
from residua.cohort.commands.statistics import statistics_problems
from residua.cohort.commands.verdict import Verdict, check_cohort
from residua.cohort.ratings import load_ratings
from residua.errors import ResiduaError
from residua.networks.agunet.weight_shapes import weight_shapes
from residua.problems.lists import errors_of
from residua.settings.study import Study, load_study
from residua.statistics.best_inputs import best_inputs

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
    inputs = {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}
    study, table = study_with_raters(tmp_path, choice="out_of_fold", eligibility="per_inputs", inputs=inputs)
    records = rows()
    records.append({**records[3], "patient": "AMS2"})
    records[3]["post_t1"] = ""
    write_table(tmp_path, records)
    cohort, _ = judged_cohort(study, table)
    with pytest.raises(ResiduaError, match="no rated patient has every channel"):
        load_ratings(study, cohort)
    assert "rated-without-inputs" in told(check_cohort(study, table, voxels=False))


def test_rated_patients_who_lack_a_channel_of_the_compared_inputs_are_named(tmp_path: Path) -> None:
    inputs = {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}
    study, table = study_with_raters(tmp_path, choice="out_of_fold", eligibility="per_inputs", inputs=inputs)
    records = rows()
    records.append({**records[3], "patient": "AMS2", "post_t1": ""})
    write_table(tmp_path, records)
    rewrite(tmp_path / "raters.tsv", "AMS1.nii.gz\n", "AMS1.nii.gz\nAMS2\trater1\texpert\traters/AMS2.nii.gz\n")
    write_image(tmp_path / "raters/AMS2.nii.gz", MASK, AFFINE)
    verdict = check_cohort(study, table, voxels=False)
    (left_out,) = [problem for problem in verdict.problems if problem.check == "rated-left-out"]
    assert not left_out.is_error
    assert left_out.what.startswith("1 of 2 rated patients lack a channel of the input configurations")
    assert left_out.what.endswith("take no part in the comparison with raters: AMS2")


def test_a_raters_mask_of_an_excluded_patient_is_no_matter(tmp_path: Path) -> None:
    study, table = study_with_raters(tmp_path, MASK * 255)
    records = rows()
    records.append({**records[3], "patient": "AMS2", "post_t1ce": "images/other.nii.gz"})
    records[3] |= {"role": "exclude", "exclusion_reason": "no consent"}
    write_table(tmp_path, records)
    # The only rated patient is excluded, which is the fault.
    assert "label-not-binary" not in told(check_cohort(study, table))
    assert "ratings-excluded" in told(check_cohort(study, table))


def weights_of(features: tuple[int, ...], channels: int = 1) -> bytes:
    """Zeros as an AGU-Net's weights, in a safetensors file."""
    header, end = {}, 0
    for name, shape in weight_shapes(channels, features).items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + 4 * prod(shape)]}
        end += 4 * prod(shape)
    written = json.dumps(header).encode()
    return len(written).to_bytes(8, "little") + written + bytes(end)


def weights_found(tmp_path: Path, where: str, path: Path, digest: str) -> list[str]:
    """What the check says of a file of weights, for a network of 4, 8 and 8 filters."""
    changed = config()
    if where == "brain":
        own = {"method": "agunet", "weights": str(path), "weights_sha256": digest, "features": [4, 8, 8]}
        changed["brain_mask"] = own
    else:
        changed["networks"]["agunet"]["initial_weights"] = {"file": str(path), "sha256": digest}
        changed["networks"]["agunet"]["init"] = "file"
        changed["networks"]["agunet"]["features"] = [4, 8, 8]
    write_images(tmp_path, rows())
    found = check_cohort(load_study(changed), write_table(tmp_path, rows()), voxels=False)
    return [str(problem) for problem in found.problems if problem.check == "weights-unusable"]


@pytest.mark.parametrize("where", ["brain", "network"])
def test_weights_that_a_stage_refuses_are_told_before(tmp_path: Path, where: str) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights_of((4, 8, 8)))
    right, wrong = sha256(weights.read_bytes()).hexdigest(), "0" * 64
    assert weights_found(tmp_path, where, weights, right) == []
    for path, digest in ((weights, wrong), (tmp_path / "no.safetensors", right), (tmp_path, right)):
        assert len(weights_found(tmp_path, where, path, digest)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (weights_of((4, 8, 16)), "weights are missing or of another shape, among them encoder2_conv0/kernel"),
        (weights_of((4, 8, 8, 8)), "weights are missing or of another shape"),
        (b"weights", "cannot be read as safetensors"),
        (weights_of((4, 8, 8))[:-8], "cannot be read as safetensors"),
    ],
    ids=["wider", "deeper", "no safetensors", "cut"],
)
def test_initial_weights_of_another_network_are_told_before(tmp_path: Path, content: bytes, said: str) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(content)
    (found,) = weights_found(tmp_path, "network", weights, sha256(content).hexdigest())
    assert said in found


def test_initial_weights_may_be_of_other_channels(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights_of((4, 8, 8), channels=3))
    digest = sha256(weights.read_bytes()).hexdigest()
    assert weights_found(tmp_path, "network", weights, digest) == []


def test_rating_itself_asks_the_same(tmp_path: Path) -> None:
    study, table = study_with_raters(tmp_path, MASK * 255)
    raters = load_ratings(study, judged_cohort(study, table)[0])
    assert raters is not None
    assert [problem.check for problem in check_rater_voxels(raters.ratings)] == ["label-not-binary"]


TWO = {"A": ["post_t1ce"], "C": ["post_t1ce", "post_flair"]}
TUMOR, GONE, TUMOR_ALONE, GONE_ALONE = "tumor", "gone", "tumor without flair", "gone without flair"
"""Kinds of patients: with and without residual tumour, and those who lack a sequence of input configuration C."""


def cohort_of(folder: Path, first: list[str], second: list[str]) -> str:
    """The table of a cohort with patients of these kinds in fold 0 (STO) and fold 1 (GOT), and one held out."""
    kinds = {"STO": first, "GOT": second, "PAR": [GONE_ALONE], "AMS": [TUMOR]}
    of = {f"{hospital}{i}": (hospital, kind) for hospital, own in kinds.items() for i, kind in enumerate(own)}
    records = [row(patient, hospital) for patient, (hospital, _) in of.items()]
    write_images(folder, records, enlarged=True)
    for record in records:
        kind = of[record["patient"]][1]
        for column in ("post_t1ce", "pre_t1ce"):
            brighten(folder / record[column], folder / record["pre_tumor"])
        if kind.endswith("without flair"):
            record["post_flair"] = ""
        if kind.startswith("gone"):
            drawn = nib.load(folder / record["residual"])
            write_image(folder / record["residual"], np.zeros(drawn.shape, np.uint8), drawn.affine)
    return write_table(folder, records)


def brighten(image: Path, mask: Path) -> None:
    """Make an image bright where the mask is, so that the mask lies in the head."""
    scan, bright = nib.load(image), np.asarray(nib.load(mask).dataobj) > 0
    write_image(image, np.where(bright, 70, np.asarray(scan.dataobj)).astype(np.int16), scan.affine)


def measured(study: Study, cohort: Cohort, first: list[str], second: list[str]) -> pd.DataFrame:
    """The validation rows that a run of this cohort would measure."""
    by_hospital = {"STO": first, "GOT": second, "PAR": [GONE_ALONE]}
    kinds = {f"{hospital}{i}": kind for hospital, own in by_hospital.items() for i, kind in enumerate(own)}
    rows = [
        {"arch": arch, "inputs": inputs, "patient": patient, "fold": cohort.split.fold_of(patient), "dice": 0.5}
        | dict.fromkeys(("reference_ml", "predicted_ml"), 13.0 if kinds[patient].startswith("tumor") else 0.0)
        for arch in study.archs
        for inputs in study.inputs
        for patient in cohort.eligible(inputs)
        if patient in kinds
    ]
    return pd.DataFrame(rows).assign(split="validation").astype({"fold": "Int64"})


BOTH = ("segmentation", "classification")


@pytest.mark.parametrize(
    ("first", "second", "undecided"),
    [
        ([TUMOR, GONE], [GONE], ()),
        ([GONE], [TUMOR, GONE_ALONE, GONE], ()),
        # Each fold has one kind of patients.
        ([TUMOR], [GONE], ("classification",)),
        ([TUMOR, TUMOR], [TUMOR], ("classification",)),
        ([GONE], [GONE, GONE], BOTH),
        # Patients with residual tumour are there, but not among those who have both input configurations.
        ([GONE, TUMOR_ALONE], [GONE, TUMOR_ALONE], BOTH),
        ([TUMOR, GONE_ALONE], [GONE, TUMOR_ALONE], ("classification",)),
    ],
)
def test_a_choice_that_results_could_not_make_is_refused_before_any_training(
    first: list[str], second: list[str], undecided: tuple[str, ...], tmp_path: Path
) -> None:
    study = load_study(config("out_of_fold", eligibility="per_inputs", inputs=TWO))
    table = cohort_of(tmp_path, first, second)
    verdict = check_cohort(study, table)
    keys = [f"statistics.best_inputs.{name}.{arch}" for name in undecided for arch in study.archs]
    refused = [problem for problem in verdict.problems if problem.check == "inputs-undecided"]
    assert [problem.what.split(" is ")[0] for problem in refused] == keys
    assert all("(A, C)" in problem.what and key in problem.remedy for problem, key in zip(refused, keys, strict=True))
    assert told(verdict) == ["inputs-undecided"] * len(keys)
    assert verdict.runs == (not keys)
    # The start of a run refuses the same, and the run itself would, after its trainings.
    cohort, _ = judged_cohort(study, table)
    assert start_problems(study, cohort, None) == refused
    for experiment in BOTH:
        choice = getattr(study.statistics.best_inputs, experiment)
        with pytest.raises(ResiduaError) if experiment in undecided else nullcontext():
            best_inputs(measured(study, cohort, first, second), choice, experiment, study.classification)


def test_a_choice_that_is_named_or_has_no_alternative_needs_no_score(tmp_path: Path) -> None:
    table = cohort_of(tmp_path, [GONE], [GONE])
    for choice, inputs in (("C", TWO), ("out_of_fold", {"A": ["post_t1ce"]})):
        study = load_study(config(choice, eligibility="per_inputs", inputs=inputs))
        assert told(check_cohort(study, table)) == []
        cohort, _ = judged_cohort(study, table)
        choices, cases = study.statistics.best_inputs.segmentation, measured(study, cohort, [GONE], [GONE])
        chosen = dict.fromkeys(study.archs, list(inputs)[-1])
        assert best_inputs(cases, choices, "segmentation", study.classification) == chosen


def test_only_a_study_with_raters_chooses_for_them(tmp_path: Path) -> None:
    table = cohort_of(tmp_path, [GONE], [GONE])
    drawn = nib.load(tmp_path / "images/AMS0_residual.nii.gz")
    write_image(tmp_path / "raters/AMS0.nii.gz", np.asarray(drawn.dataobj), drawn.affine)
    raters = tmp_path / "raters.tsv"
    raters.write_text("patient\trater\texpertise\tmask\nAMS0\trater1\texpert\traters/AMS0.nii.gz\n")
    study = load_study(config("out_of_fold", eligibility="per_inputs", inputs=TWO, raters=str(raters)))
    keys = [problem.what.split(" is ")[0] for problem in check_cohort(study, table).problems if problem.is_error]
    assert keys == [f"statistics.best_inputs.{name}.{arch}" for name in (*BOTH, "raters") for arch in study.archs]


@pytest.mark.parametrize(("first", "runs"), [([TUMOR, GONE], False), ([TUMOR, TUMOR, GONE], True)])
def test_patients_whom_a_check_excludes_decide_no_choice(first: list[str], runs: bool, tmp_path: Path) -> None:
    table = cohort_of(tmp_path, first, [GONE])
    (tmp_path / "images/STO0_post_t1ce.nii.gz").write_bytes(b"")
    study = load_study(config("out_of_fold", eligibility="per_inputs", inputs=TWO, on_invalid="exclude"))
    verdict = check_cohort(study, table)
    assert verdict.runs == runs
    assert ("inputs-undecided" in told(verdict)) == (not runs)


def test_a_mask_that_cannot_be_read_decides_nothing_by_itself(tmp_path: Path) -> None:
    table = cohort_of(tmp_path, [TUMOR, GONE], [GONE])
    (tmp_path / "images/STO0_residual.nii.gz").write_bytes(b"")
    study = load_study(config("out_of_fold", eligibility="per_inputs", inputs=TWO))
    assert told(check_cohort(study, table)) == ["file-empty"]


@pytest.mark.parametrize(
    ("alpha", "multiplier", "told"),
    [
        (0.05, 1.96, None),
        (0.05, 1.959964, None),
        (0.01, 2.58, None),
        (0.1, 1.64, None),
        (0.1, 1.65, None),
        (0.01, 1.96, "mean ± 1.96 sd is an interval of 95%, and those of alpha 0.01 are of 99%: set .* to 2.58, or"),
        (0.05, 2, "mean ± 2 sd is an interval of 95.4%, and those of alpha 0.05 are of 95%: set .* to 1.96, or"),
    ],
)
def test_intervals_of_two_levels_are_told(alpha: float, multiplier: float, told: str | None) -> None:
    changed = PUBLISHED["statistics"] | {"alpha": alpha, "interval_sd_multiplier": multiplier}
    found = list(statistics_problems(load_study({**PUBLISHED, "statistics": changed}).statistics))
    assert [problem.check for problem in found] == (["intervals-of-two-levels"] if told else [])
    assert all(problem.is_warning and re.search(str(told), str(problem)) for problem in found)


def test_bounds_by_which_no_subgroup_is_made_are_told_and_the_study_runs(tmp_path: Path) -> None:
    changed = PUBLISHED["statistics"] | {"subgroups": ["residual_volume"]}
    verdict = check_cohort(*study_with_raters(tmp_path, statistics=changed))
    assert verdict.runs
    found = [problem for problem in verdict.problems if problem.check == "bounds-without-subgroups"]
    assert [problem.subject for problem in found] == [
        f"statistics.subgroup_bounds.{n}" for n in ("slice_thickness", "age")
    ]
    assert all(problem.is_warning for problem in found)
    assert found[1].remedy == "add age to statistics.subgroups, or leave out its bounds"
