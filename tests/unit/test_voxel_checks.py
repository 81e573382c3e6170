"""Each kind of fault that only voxels tell, in images of the size of heads; none of them is touched."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from cohort_tables import FILES, rows, snapshot, study, write_table
from residua.cohort.checks import cache as caching
from residua.cohort.checks.facts import facts_of
from residua.cohort.checks.labels import label_problems
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.commands.verdict import check_cohort
from residua.cohort.table.files import kinds_of
from residua.cohort.table.patient import Patient
from residua.images.volumes import Grid, Image
from whole_tables import read_patients

SHAPE, STEP = (24, 28, 20), 7.0
AFFINE = np.diag([STEP, STEP, STEP, 1.0])
DRAWN_ON = {"residual": "post_t1ce", "pre_tumor": "pre_t1ce", "brain_mask": "post_t1ce"}
KINDS = {**kinds_of(study()), "brain_mask": "mask"}
COORDINATES = np.indices(SHAPE).T.swapaxes(0, 2) - (np.array(SHAPE) - 1) / 2


def ball(radius_mm: float, centre_mm: tuple[float, float, float] = (0, 0, 0)) -> Any:
    """Voxels within a ball around the middle of the image."""
    return np.sqrt((((COORDINATES * STEP) - np.array(centre_mm)) ** 2).sum(-1)) <= radius_mm


def scan(seed: int) -> Any:
    """A bright head in dark noise."""
    noise = np.random.default_rng(seed).integers(0, 60, SHAPE)
    return (noise + 600 * ball(70)).astype(np.int16)


def write(path: str, voxels: Any, affine: Any = AFFINE) -> None:
    nib.save(nib.Nifti1Image(voxels, affine), path)


@pytest.fixture
def patients(tmp_path: Path) -> tuple[Patient, ...]:
    """Two patients: heads with a small tumour inside, a larger one before surgery, and a brain mask."""
    (tmp_path / "images").mkdir()
    records = [{**r, "brain_mask": f"images/{r['patient']}_brain_mask.nii.gz"} for r in rows()[:2]]
    found = read_patients(write_table(tmp_path, records, (*records[0],)), (*FILES, "brain_mask"))
    masks = {"residual": ball(10), "pre_tumor": ball(20), "brain_mask": ball(60)}
    for number, patient in enumerate(found):
        for index, (column, path) in enumerate(patient.files.items()):
            write(path, masks[column].astype(np.uint8) if column in masks else scan(10 * number + index))
    return found


def look(patients: tuple[Patient, ...], **options: Any) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = check_voxels(patients, KINDS, DRAWN_ON, **options)["problems"]
    return problems


def soft(mask: Any) -> Any:
    """A mask with one voxel of half at its edge."""
    voxels = mask.astype(np.float32)
    voxels[np.unravel_index(np.flatnonzero(voxels)[0], SHAPE)] = 0.5
    return voxels


def spotted(value: float) -> Any:
    voxels = scan(77).astype(np.float32)
    voxels[3, 4, 5] = value
    return voxels


def levels(count: int) -> Any:
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) % count * 7).astype(np.int16)


def wrapped() -> Any:
    voxels = scan(78)
    voxels[0, 0, :3], voxels[1, 1, :3] = -32760, 32760
    return voxels


FAULTS: dict[str, tuple[str, Callable[[], Any], str, str]] = {
    "image-nan": ("post_t1", lambda: spotted(np.nan), "1 of 13440 voxels are NaN", "error"),
    "image-infinite": ("post_t1", lambda: spotted(-np.inf), "1 of 13440 voxels are infinite", "error"),
    "image-constant": ("post_t1", lambda: np.full(SHAPE, 7, np.int16), "every voxel is 7", "error"),
    "image-is-label": ("post_t1", lambda: ball(20).astype(np.uint8), "a mask or label map, not an image", "error"),
    "image-few-values": ("post_t1", lambda: levels(12), "only 12 different values", "warning"),
    "image-wrapped": ("post_t1", wrapped, "values from -32760 to 32760", "warning"),
    "label-not-binary": (
        "residual",
        lambda: ball(10) * np.uint8(4),
        "a mask holds only 0 and 1, but this one also 4",
        "error",
    ),
    "label-not-finite": ("residual", lambda: np.where(ball(10), np.nan, 0.0).astype(np.float32), "", "error"),
    "label-float-edges": (
        "residual",
        lambda: soft(ball(20)),
        "a mask holds only 0 and 1, but this one also 0.5",
        "error",
    ),
    "label-probability": (
        "residual",
        lambda: np.exp(-((COORDINATES / 4) ** 2).sum(-1)).astype(np.float32),
        "a mask holds only 0 and 1",
        "error",
    ),
    "label-inverted": ("residual", lambda: (~ball(10)).astype(np.uint8), "100% of the image is marked", "error"),
    "label-outside-head": (
        "residual",
        lambda: ball(10, (75, 85, 60)).astype(np.uint8),
        "100% of the mask lies outside the head in post_t1ce",
        "error",
    ),
    "label-outside-brain": (
        "residual",
        lambda: ball(1, (66.5, 3.5, 3.5)).astype(np.uint8),
        "100% of the mask lies outside the brain mask",
        "warning",
    ),
    "brain-mask-empty": ("brain_mask", lambda: np.zeros(SHAPE, np.uint8), "the brain mask is empty", "error"),
    "brain-mask-volume": ("brain_mask", lambda: ball(40).astype(np.uint8), "the brain mask has ", "warning"),
    "residual-not-smaller": ("residual", lambda: ball(22).astype(np.uint8), "", "warning"),
}


def test_sound_patients_have_no_problem(patients: tuple[Patient, ...]) -> None:
    assert look(patients) == []


@pytest.mark.parametrize("more", [(2,), (2, 4)])
def test_a_label_of_several_structures_is_told_how_to_become_one(
    patients: tuple[Patient, ...], more: tuple[int, ...]
) -> None:
    voxels = ball(10).astype(np.uint8)
    marked = np.flatnonzero(voxels)
    for place, value in enumerate(more):
        voxels.flat[marked[place::3]] = value
    write(patients[1].files["residual"], voxels)
    (problem,) = look(patients)
    assert problem["what"] == f"a mask holds only 0 and 1, but this one also {', '.join(map(str, more))}"
    assert "merge the structures that make it up (residua import does with --label)" in problem["remedy"]


@pytest.mark.parametrize("check", FAULTS)
def test_a_problem_of_voxels_is_reported_by_its_check(
    tmp_path: Path, patients: tuple[Patient, ...], check: str
) -> None:
    column, voxels, what, severity = FAULTS[check]
    write(patients[1].files[column], voxels())
    before = snapshot(tmp_path)
    (problem,) = look(patients)
    assert (problem["check"], problem["severity"]) == (check, severity)
    assert problem["what"].startswith(what)
    assert problem["remedy"]
    assert (problem["row"], problem["patient"], problem["subject"]) == (3, "GOT1", column)
    assert problem["file"] == patients[1].files[column]
    assert snapshot(tmp_path) == before


def test_an_image_of_nearly_one_value_is_doubted(patients: tuple[Patient, ...]) -> None:
    voxels = np.zeros(SHAPE, np.int16)
    voxels[5, 5, 1:14] = np.arange(13) * 10 + 1
    write(patients[1].files["post_t1"], voxels)
    found = {problem["check"]: problem for problem in look(patients)}
    assert found["image-nearly-constant"]["what"] == f"all but 13 of {voxels.size} voxels are 0"
    assert found["image-nearly-constant"]["severity"] == "warning"


def test_a_mask_that_fills_the_head_is_doubted(patients: tuple[Patient, ...]) -> None:
    write(patients[1].files["pre_tumor"], ball(66).astype(np.uint8))
    (problem,) = look(patients)
    assert (problem["check"], problem["subject"], problem["severity"]) == ("label-too-large", "pre_tumor", "warning")


def test_damage_behind_a_sound_header_is_found(patients: tuple[Patient, ...]) -> None:
    path = Path(patients[0].files["post_flair"])
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 50] = bytes(50)
    path.write_bytes(whole)
    (problem,) = look(patients)
    assert (problem["check"], problem["subject"]) == ("voxels-unreadable", "post_flair")


def test_a_wrong_checksum_is_found_although_all_voxels_can_be_read(patients: tuple[Patient, ...]) -> None:
    path = Path(patients[0].files["post_flair"])
    whole = bytearray(path.read_bytes())
    whole[-8] ^= 1
    path.write_bytes(whole)
    (problem,) = look(patients)
    assert problem["check"] == "voxels-unreadable"


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PSR"])
def test_one_scan_under_two_sequences_is_found_in_any_stored_orientation(
    patients: tuple[Patient, ...], codes: str
) -> None:
    files = patients[0].files
    image = nib.load(files["post_t1ce"])
    nib.save(image.as_reoriented(nib.orientations.axcodes2ornt(codes)), files["post_t1"])
    (problem,) = look(patients)
    assert (problem["check"], problem["subject"]) == ("sequences-identical", "post_t1")
    assert problem["what"] == "the same voxels as post_t1ce"


def test_digests_do_not_depend_on_the_stored_order_and_masks_have_none(patients: tuple[Patient, ...]) -> None:
    first = check_voxels(patients, KINDS, DRAWN_ON)["digests"]
    path = patients[0].files["post_t1ce"]
    image = nib.load(path)
    nib.save(image.as_reoriented(nib.orientations.axcodes2ornt("LPS")), path)
    assert check_voxels(patients, KINDS, DRAWN_ON)["digests"] == first
    assert set(first["STO1"]) == {"post_t1ce", "post_t1", "post_flair", "pre_t1ce"}
    found = [digest for digests in first.values() for digest in digests.values()]
    assert len(set(found)) == len(found)


def test_several_processes_find_what_one_finds(patients: tuple[Patient, ...]) -> None:
    write(patients[1].files["post_t1"], np.full(SHAPE, 7, np.int16))
    told: list[tuple[int, int]] = []
    alone = check_voxels(patients, KINDS, DRAWN_ON)
    together = check_voxels(patients, KINDS, DRAWN_ON, workers=2, progress=lambda *done: told.append(done))
    assert together == alone
    assert told == [(1, 2), (2, 2)]


class TestCache:
    """What was read is kept by content."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        # The files of a test are younger than a file's time can be trusted.
        monkeypatch.setattr(caching, "_SETTLED_NS", -(10**18))
        return tmp_path / "voxels"

    def test_a_second_look_reads_nothing(
        self, folder: Path, patients: tuple[Patient, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(patients[1].files["post_t1"], np.full(SHAPE, 7, np.int16))
        first = check_voxels(patients, KINDS, DRAWN_ON, folder)
        assert first["problems"]

        def refuse(*arguments: Any) -> None:
            raise AssertionError("voxels or contents were read again")

        monkeypatch.setattr("residua.cohort.checks.voxels.load", refuse)
        monkeypatch.setattr(caching, "digest", refuse)
        assert check_voxels(patients, KINDS, DRAWN_ON, folder) == first

    def test_no_process_starts_to_look_up_what_is_known(
        self, folder: Path, patients: tuple[Patient, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class StartedError(Exception):
            pass

        def refuse(*arguments: Any) -> None:
            raise StartedError

        first = check_voxels(patients, KINDS, DRAWN_ON, folder)
        monkeypatch.setattr("residua.cluster.pool._pool", refuse)
        assert check_voxels(patients, KINDS, DRAWN_ON, folder, workers=4) == first
        write(patients[0].files["post_t1"], np.full(SHAPE, 7, np.int16))
        write(patients[1].files["post_t1"], np.full(SHAPE, 7, np.int16))
        with pytest.raises(StartedError):
            check_voxels(patients, KINDS, DRAWN_ON, folder, workers=4)

    def test_a_touched_file_is_hashed_and_not_read(
        self, folder: Path, patients: tuple[Patient, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = check_voxels(patients, KINDS, DRAWN_ON, folder)
        for path in patients[0].files.values():
            os.utime(path, (1, 1))

        def refuse(*arguments: Any) -> None:
            raise AssertionError("voxels were read again")

        monkeypatch.setattr("residua.cohort.checks.voxels.load", refuse)
        assert check_voxels(patients, KINDS, DRAWN_ON, folder) == first

    def test_a_changed_file_is_read_again(self, folder: Path, patients: tuple[Patient, ...]) -> None:
        assert look(patients, cache=folder) == []
        write(patients[0].files["post_t1"], np.full(SHAPE, 7, np.int16))
        (problem,) = look(patients, cache=folder)
        assert problem["check"] == "image-constant"

    @pytest.mark.parametrize("content", [b"", b"{", b'{"record": {}, "digest": "0"}', b"[1]"])
    def test_a_damaged_entry_is_no_entry(self, folder: Path, patients: tuple[Patient, ...], content: bytes) -> None:
        first = check_voxels(patients, KINDS, DRAWN_ON, folder)
        entries = list(folder.rglob("*.json"))
        assert entries
        for entry in entries:
            entry.write_bytes(content)
        assert check_voxels(patients, KINDS, DRAWN_ON, folder) == first
        assert all(json.loads(entry.read_text())["digest"] != "0" for entry in entries)

    def test_entries_name_nobody(self, folder: Path, patients: tuple[Patient, ...]) -> None:
        look(patients, cache=folder)
        for entry in folder.rglob("*.json"):
            assert "STO1" not in entry.read_text()
            assert "images" not in entry.read_text()

    def test_another_version_starts_anew(
        self, folder: Path, patients: tuple[Patient, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look(patients, cache=folder)
        monkeypatch.setattr(caching, "VERSION", caching.VERSION + 1)
        look(patients, cache=folder)
        assert len(list(folder.iterdir())) == 2


def test_a_crash_at_one_patient_does_not_affect_others(patients: tuple[Patient, ...]) -> None:
    Path(patients[0].files["post_t1"]).write_bytes(gzip.compress(b"\x00" * 400))
    (problem,) = look(patients)
    assert problem["patient"] == "STO1"
    assert check_voxels(patients, KINDS, DRAWN_ON)["residual_ml"]["GOT1"] > 0


def test_a_cohort_stripped_elsewhere_is_seen_and_the_method_that_keeps_it_whole_proposed(
    patients: tuple[Patient, ...], tmp_path: Path
) -> None:
    def found(method: str) -> list[str]:
        settings = study(brain_mask={"method": method})
        verdict = check_cohort(settings, f"{tmp_path}/cohort.tsv", cache=tmp_path / "cache")
        return [f"{p.severity} {p.check}" for p in verdict.problems if "stripped" in p.check]

    assert (found("deepbet"), found("stripped")) == ([], ["warning scans-not-stripped"])
    for number, patient in enumerate(patients):
        stripped = np.where(ball(70), scan(number), -20 * number)
        write(patient.files["post_t1ce"], stripped.astype(np.int16))
    assert (found("deepbet"), found("stripped")) == (["warning scans-stripped"], [])
    assert found("given") == []


def noisy(voxels: Any, by: float) -> Any:
    """Voxels that miss their values by as much, to both sides."""
    return (voxels + by * np.random.default_rng(0).choice([-1, 0, 1], SHAPE)).astype(np.float32)


@pytest.mark.parametrize("by", [1e-7, 1e-5, 9e-4])
def test_noise_of_rounding_in_a_mask_is_read_as_what_it_means(by: float) -> None:
    grid = Grid(SHAPE, np.diag([STEP, STEP, STEP, 1.0]))
    drawn, found = (facts_of(Image(voxels, grid)) for voxels in (ball(20).astype(np.float32), noisy(ball(20), by)))
    assert label_problems(found) == []
    assert found.volume_ml == drawn.volume_ml > 0


def test_noise_of_rounding_among_structures_is_no_value_of_its_own() -> None:
    grid = Grid(SHAPE, np.diag([STEP, STEP, STEP, 1.0]))
    several = ball(30) + 1.0 * ball(20) + 2.0 * ball(10)
    (problem,) = label_problems(facts_of(Image(noisy(several, 1e-6), grid)))
    assert problem.what == "a mask holds only 0 and 1, but this one also 2, 4"
    assert "merge the structures that make it up (residua import does with --label)" in problem.remedy
