"""The quality control of one patient, in its own environment: numbers, pictures, page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in
from pages import Page

PATIENT = "GOT001"
MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quality") / "out"


@pytest.fixture(scope="module")
def found(micro_cohort: Path, folder: Path) -> dict[str, Any]:
    script = str(Path(__file__).parent / "quality_check.py")
    done = python_in("core", script, str(micro_cohort), PATIENT, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def test_the_numbers_are_those_of_the_files(found: dict[str, Any]) -> None:
    measures = found["measures"]
    assert measures["post_t1"]["similarity_gain"] == pytest.approx(0.7)
    # The registered image is the reference itself.
    assert measures["post_t1"]["mirrored_gain"] < -0.3
    assert measures["post_t1"]["brain_similarity"] > 1
    assert 900 < measures["brain"]["volume_ml"] < 2000
    assert measures["brain"]["components"] == 1
    assert measures["residual"]["inside_brain_percent"] > 99.5
    assert measures["pre_tumor"]["volume_ratio"] == pytest.approx(1.0)
    assert measures["pre_tumor"]["native_ml"] == pytest.approx(measures["residual"]["volume_ml"])
    # The registered image is the reference, and its header differs by a shift alone.
    seen = [{name: measures[scan][name] for name in measures["post_t1ce"]} for scan in ("post_t1ce", "post_t1")]
    assert seen[0] == seen[1]
    assert seen[0]["missing_percent"] < 1
    assert seen[0]["grey_p01"] < seen[0]["grey_p50"] < seen[0]["grey_p99"]
    assert 0 < measures["brain"]["cut_percent"] < 60


def test_a_misplaced_head_is_seen_before_registration_and_a_placed_one_after_it(found: dict[str, Any]) -> None:
    shown = found["differences"]
    assert shown["before"] > 10
    assert shown["after"] == 0
    # The board has no outline.
    assert shown["board"] < 0.5 * shown["before"]


def test_right_is_at_the_left_and_anterior_at_the_top_or_the_left(found: dict[str, Any]) -> None:
    for row, column, _ in found["corner"].values():
        assert row < 0.3
        assert column < 0.3
    assert found["corner"]["axial"][2] == pytest.approx(40 / 30, rel=0.02)
    assert found["corner"]["coronal"][2] == pytest.approx(40 / 30, rel=0.02)
    assert found["corner"]["sagittal"][2] == pytest.approx(30 / 30, rel=0.02)


def test_the_page_needs_nothing_says_no_place_and_is_small(found: dict[str, Any], folder: Path) -> None:
    text = (folder / f"{PATIENT}.html").read_text(encoding="utf-8")
    page = Page(text)
    pictures = [link for link in page.links if link.startswith("data:image/jpeg;base64,")]
    assert len(pictures) == len(page.alts) == 6
    assert set(page.links) - set(pictures) == {"../index.html"}
    assert str(folder) not in text
    assert "nii.gz" not in text
    assert all(PATIENT in alt for alt in page.alts)
    assert len(set(page.alts)) == len(page.alts)
    assert len(text.encode()) < MOST_BYTES
    assert "prefers-reduced-motion" in text


def test_equal_files_give_an_equal_page_and_headers_alone_move_nothing(found: dict[str, Any]) -> None:
    assert found["same"]
    assert found["by_header"]


def test_a_patient_who_failed_has_a_page_that_says_why(found: dict[str, Any]) -> None:
    text = found["failed"]
    assert text.index("no brain in it") < text.index("another head") < text.index('id="mask"')
    assert len(Page(text).alts) == 6


def test_a_mask_on_another_grid_is_refused_with_the_patients_name(found: dict[str, Any]) -> None:
    assert found["refused"].startswith(f"patient {PATIENT}: brain mask: shape (20, 30, 10)")
