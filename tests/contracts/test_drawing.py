"""The figures drawn in their own environment: files, places and colours, meshes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments import python_in

FIGURES = ("figure1", "figure1_without_a_patient", "figure3", "figure3_without_a_patient", "figure4")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    script = str(Path(__file__).parent / "drawing_check.py")
    done = python_in("core", script, str(tmp_path_factory.mktemp("figures")))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.mark.parametrize("name", FIGURES)
def test_files_are_fit_to_print_undated_and_name_nobody(drawn: dict[str, Any], name: str) -> None:
    found = drawn[name]
    assert found["true_type"]
    assert not found["dated"]
    assert not found["named"]
    assert found["size"][0] >= 1000
    assert found["size"][1] >= 100
    assert found["words"].startswith(f"Figure {name[6]}. ")


def test_equal_data_give_equal_files(drawn: dict[str, Any]) -> None:
    assert drawn["figure1"]["same"]


def test_the_annotation_is_at_the_patients_right_of_its_own_column(drawn: dict[str, Any]) -> None:
    # Labels, then two tiles side by side: the first ends at 0.55; the right of the patient is at its left.
    low, _, high = drawn["figure1"]["green"]
    assert 0.09 < low < high < 0.32


def test_a_network_that_segmented_nothing_is_drawn_without_red(drawn: dict[str, Any]) -> None:
    red, blue = drawn["figure3"]["red"], drawn["figure3"]["blue"]
    assert red[2] < 0.5
    assert blue[0] < 0.5 < blue[2]


def test_a_study_without_a_complete_patient_has_a_figure_that_says_so(drawn: dict[str, Any]) -> None:
    assert drawn["figure1_without_a_patient"]["words"].startswith("Figure 1. No patient of the study has every")


def test_a_holdout_without_tumour_has_a_figure_that_says_so(drawn: dict[str, Any]) -> None:
    assert drawn["figure3_without_a_patient"]["red"] == []
    assert "No patient of the hold-out set" in drawn["figure3_without_a_patient"]["words"]


def test_scorers_with_two_cases_one_and_none_are_drawn(drawn: dict[str, Any]) -> None:
    assert "n = 0 to 2" in drawn["figure4"]["words"]


def test_the_participant_flow_keeps_its_words_in_their_boxes_and_names_nobody(drawn: dict[str, Any]) -> None:
    found = drawn["flow"]
    assert found["same"]
    assert found["true_type"]
    assert not found["dated"]
    assert not found["named"]
    assert found["words"].startswith("Participant flow. ")
    assert found["in_one_box"] == 1
    assert found["boxes_that_touch"] == 0
    # Of twelve reasons eight are shown; 31 patients and 12 more; a dollar begins no formula.
    assert "– 4 other reasons: 4" in found["lines"]
    assert "Assessed: 43" in found["lines"]
    assert any("$\\void$" in line for line in found["lines"])


def test_the_resections_are_drawn_alike_without_dates_and_names_also_without_a_patient(drawn: dict[str, Any]) -> None:
    found = drawn["resection"]
    assert found["same"]
    for each in (found, found["nobody"]):
        assert each["true_type"]
        assert not each["dated"]
        assert not each["named"]
        assert each["words"].startswith("Extent of resection (not in the article). ")
    # A row for each network.
    assert found["size"][1] > 1.9 * found["nobody"]["size"][1]
    assert "No patient of the hold-out set" in found["nobody"]["words"]


def test_disagreement_of_a_single_voxel_is_drawn_as_large_as_it_is(drawn: dict[str, Any]) -> None:
    found = drawn["disagreement"]
    assert found["square"] / found["one_voxel"] == pytest.approx(64, rel=0.3)


def test_a_sheet_with_too_much_to_tell_cuts_its_texts_and_keeps_them_apart(drawn: dict[str, Any]) -> None:
    found = drawn["sheet"]
    assert found["covered"] == []
    assert found["outside"] == []
    assert sum("more: see report.html" in words for words in found["words"]) == 2
    assert any("… (see report.html)" in words for words in found["words"])


def test_meshes_keep_their_volume_and_no_component_is_lost(drawn: dict[str, Any]) -> None:
    found = drawn["surfaces"]
    assert found["outwards"] > 0
    assert found["volume_ratio"] == pytest.approx(1, abs=0.03)
    assert found["one_voxel"] > 0
    assert not found["nothing"]


def test_meshes_are_seen_from_the_front_without_holes_and_the_nearer_on_top(drawn: dict[str, Any]) -> None:
    found = drawn["surfaces"]
    assert found["right_is_left_of_left"]
    assert found["filled"] == pytest.approx(1, abs=0.03)
    # 0.8 of the upper colour over 0.8 of the lower one: 0.8 and 0.16 of 0.96.
    assert found["nearer_on_top"] == [[212, 0, 42, 245], [42, 0, 212, 245]]


def test_the_words_of_a_scale_stay_within_the_picture_however_wide_it_is(drawn: dict[str, Any]) -> None:
    for left, right, bottom, top in drawn["scale"].values():
        assert 0 < left < right < 1
        assert 0 < bottom < top < 1
