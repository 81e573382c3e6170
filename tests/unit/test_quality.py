"""Flags of values far from the others or beyond a limit, and the page that shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import Page
from residua.errors import ResiduaError
from residua.publishing.publish import stage, write_json
from residua.quality.catalogue import CATALOGUE, Measure, printed
from residua.quality.cohort import Outputs, assess_cohort
from residua.quality.cohort_page import cohort_page
from residua.quality.flag_rules import FLAG_RULES
from residua.quality.flags import Flag, read_flags, write_flags
from residua.quality.judge import flags_of, measure_frame
from residua.quality.measures import Measures, brain_measures, label_measures, sequence_measures
from residua.quality.outliers import FAR, FEWEST, robust_z
from residua.report.quality import quality

VALUES = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=FEWEST, max_size=40)
SMALLEST = 0.1
SOUND = {
    "mutual_information": {"before": 0.4, "after": 0.7},
    "jacobian": {"min": 0.6, "p01": 0.8, "p99": 1.2, "max": 1.5, "folded_percent": 0.0},
    "affine": {"rotation_degrees": 3.0, "translation_mm": 4.0, "scales": [1.0, 0.99, 1.02]},
}
MASK = {
    "volume_ml": 1400.0,
    "components": 1,
    "largest_share": 1.0,
    "face_shares": {"left": 0.0, "right": 0.01},
    "holes_ml": 0.0,
}


def cohort(n: int = 12, **odd: Measures) -> tuple[dict[str, Measures], dict[str, str]]:
    """Patients P0 to Pn-1 of two hospitals who differ a little; ``odd`` replaces measures of some."""
    records: dict[str, Any] = {}
    for i in range(n):
        wiggle = 0.01 * ((i * 7) % n)
        sequence = sequence_measures(SOUND)
        sequence["similarity_gain"] = 0.3 + wiggle
        sequence["mirrored_gain"] = -0.1 - wiggle
        sequence["brain_similarity"] = 0.6 + wiggle
        brain = brain_measures({**MASK, "volume_ml": 1400.0 + 1000 * wiggle})
        records[f"P{i}"] = {
            "post_t1": sequence,
            "brain": brain,
            "residual": label_measures(100, 100, 0.001, None),
            "pre_tumor": label_measures(90, 90, 0.001, 0.1),
        }
    for patient, subjects in odd.items():
        for subject, measures in subjects.items():
            records[patient][subject].update(measures)
    return records, {patient: "STO" if i % 2 else "GOT" for i, patient in enumerate(records)}


def flags(n: int = 12, **odd: Measures) -> list[Flag]:
    return flags_of(measure_frame(*cohort(n, **odd)))


@given(VALUES, st.integers(0, FEWEST - 1), st.sampled_from([-1, 1]))
def test_a_value_shifted_far_away_is_always_an_outlier(values: list[float], which: int, side: int) -> None:
    shifted = np.array(values)
    shifted[which] = side * 1e5
    assert side * robust_z(shifted, SMALLEST)[which] > FAR


@given(st.floats(-1e6, 1e6), st.integers(0, 40))
def test_equal_values_have_no_outlier(value: float, n: int) -> None:
    assert not (np.abs(robust_z(np.full(n, value), SMALLEST)) > FAR).any()


@given(VALUES, st.floats(-50, 50), st.sampled_from([-1.0, 0.5, 4.0]))
def test_outliers_depend_on_neither_origin_nor_unit(values: list[float], shift: float, factor: float) -> None:
    data = np.array(values)
    moved = robust_z(factor * data + shift, abs(factor) * SMALLEST)
    np.testing.assert_allclose(moved, np.sign(factor) * robust_z(data, SMALLEST), atol=1e-6)


def test_the_score_is_that_of_iglewicz_and_hoaglin() -> None:
    values = np.array([2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3])
    mad = np.median(np.abs(values - np.median(values)))
    np.testing.assert_allclose(robust_z(values, 1e-9), 0.6745 * (values - np.median(values)) / mad)
    assert (np.abs(robust_z(values, 1e-9)) > FAR).sum() == 2


def test_few_patients_are_not_compared_but_limits_hold() -> None:
    assert np.isnan(robust_z(np.arange(FEWEST - 1.0), SMALLEST)).all()
    (flag,) = flags(4, P2={"brain": {"volume_ml": 700.0}})
    assert (flag.patient, flag.kind, flag.measure) == ("P2", "limit", "volume_ml")
    assert flag.what.endswith("is 700\u00a0ml, below the limit of 900\u00a0ml")


def test_a_mirrored_scan_is_said_to_be_one_and_no_patient_is_unusually_asymmetric() -> None:
    assert flags(P2={"post_t1": {"mirrored_gain": -1.5}}, P3={"post_t1": {"mirrored_gain": 0.005}}) == []
    (flag,) = flags(P2={"post_t1": {"mirrored_gain": 0.011}})
    assert (flag.patient, flag.kind, flag.measure) == ("P2", "limit", "mirrored_gain")
    assert "the scan fits better mirrored left to right" in flag.look
    assert "check its orientation" in flag.act


def test_a_tiny_difference_from_equal_values_is_not_flagged() -> None:
    assert flags(P3={"post_t1": {"rotation_degrees": 13.0}}) == []
    (flag,) = flags(P3={"post_t1": {"rotation_degrees": 18.0}})
    assert (flag.kind, flag.measure) == ("outlier", "rotation_degrees")
    assert "5.0 robust standard deviations above the median of 12 patients (3.0" in flag.what


@pytest.mark.parametrize(
    ("subject", "measure", "value", "reason"),
    [
        ("post_t1", "similarity_gain", -0.1, "post-operative T1w: lost similarity by registration"),
        ("post_t1", "brain_similarity", 0.2, "post-operative T1w: does not resemble the reference within the brain"),
        ("post_t1", "mirrored_gain", 0.02, "post-operative T1w: fits better mirrored left to right"),
        ("post_t1", "folded_percent", 0.2, "post-operative T1w: a warp that folds"),
        ("post_t1", "affine_scale", 1.15, "post-operative T1w: a change of the head's size"),
        ("post_t1", "affine_scale", 0.85, "post-operative T1w: a change of the head's size"),
        ("brain", "volume_ml", 850.0, "brain mask: an implausible volume"),
        ("brain", "volume_ml", 2100.0, "brain mask: an implausible volume"),
        ("brain", "border_percent", 6.0, "brain mask: reaches over the border of the image"),
        ("residual", "inside_brain_percent", 98.0, "residual tumour: partly outside the brain mask"),
        ("pre_tumor", "volume_ratio", 0.3, "pre-operative tumour: a changed volume"),
    ],
)
def test_a_value_beyond_a_limit_is_flagged_even_if_all_have_it(
    subject: str, measure: str, value: float, reason: str
) -> None:
    """All patients have the value, so none is far from the others."""
    everybody = {f"P{i}": {subject: {measure: value}} for i in range(12)}
    found = flags(**everybody)
    assert {(flag.kind, flag.measure, flag.reason) for flag in found} == {("limit", measure, reason)}
    assert len(found) == 12


def test_an_unusual_template_overlap_is_flagged() -> None:
    overlaps = {f"P{i}": {"brain": {"template_dice": 0.96 + 0.001 * (i % 3)}} for i in range(12)}
    overlaps["P5"] = {"brain": {"template_dice": 0.91}}
    (flag,) = flags(**overlaps)
    assert (flag.patient, flag.measure, flag.kind) == ("P5", "template_dice", "outlier")


def test_an_undefined_value_is_neither_compared_nor_flagged() -> None:
    frame = measure_frame(*cohort(P0={"residual": label_measures(0, 0, 0.001, None)}))
    row = frame[(frame["patient"] == "P0") & (frame["measure"] == "inside_brain_percent")].iloc[0]
    assert np.isnan(row["value"])
    assert row["flag"] == ""
    assert flags_of(frame) == []
    others = frame[(frame["measure"] == "inside_brain_percent") & frame["value"].notna()]
    assert set(others["compared"]) == {11}


def test_limits_come_before_outliers_and_a_patient_stays_together() -> None:
    found = flags(
        P1={"post_t1": {"rotation_degrees": 90.0, "translation_mm": 80.0}},
        P2={"brain": {"border_percent": 8.0}},
        P7={"post_t1": {"translation_mm": 200.0}},
    )
    assert [flag.patient for flag in found] == ["P2", "P7", "P1", "P1"]


def test_flags_come_back_from_their_file_and_other_files_are_refused(tmp_path: Path) -> None:
    found = flags(P2={"brain": {"border_percent": 8.0}})
    write_flags(found, tmp_path / "flags.tsv")
    assert read_flags(tmp_path / "flags.tsv") == found
    write_flags([], tmp_path / "none.tsv")
    assert read_flags(tmp_path / "none.tsv") == []
    (tmp_path / "other.tsv").write_text("patient\tvalue\nP1\t3\n")
    with pytest.raises(ResiduaError, match="cannot be read as flags"):
        read_flags(tmp_path / "other.tsv")


def test_a_registration_without_jacobian_has_its_similarity() -> None:
    found = sequence_measures({"mutual_information": {"before": 0.25, "after": 0.75}})
    assert found == {"similarity_before": 0.25, "similarity_after": 0.75, "similarity_gain": 0.5}
    assert (
        sequence_measures({**SOUND, "affine": {**SOUND["affine"], "scales": [1.05, 0.9, 1.0]}})["affine_scale"] == 0.9
    )


def test_a_label_that_was_warped_has_a_ratio_and_one_that_was_not_lies_in_the_brain() -> None:
    assert label_measures(200, 199, 0.01, None) == {"volume_ml": 2.0, "inside_brain_percent": 99.5}
    assert label_measures(200, 100, 0.01, 4.0) == {"volume_ml": 2.0, "native_ml": 4.0, "volume_ratio": 0.5}
    assert label_measures(0, 0, 0.01, 0.0)["volume_ratio"] is None


def test_every_number_is_printed_with_a_title_and_its_unit() -> None:
    subjects, _ = cohort(1)
    labels = {"residual": subjects["P0"]["residual"], "pre_tumor": subjects["P0"]["pre_tumor"]}
    records = {"post_t1": sequence_measures(SOUND), "brain": brain_measures(MASK), **labels}
    shown = {(subject, name): printed(subject, name) for subject, own in records.items() for name in own}
    units = {"ml": "ml", "mm": "mm", "percent": "%", "degrees": "degrees"}
    assert {key: how.unit for key, how in shown.items()} == {key: units.get(key[1].split("_")[-1], "") for key in shown}
    assert not [how.title for how in shown.values() if "_" in how.title]
    for subject, own in records.items():
        assert len({printed(subject, name).title for name in own}) == len(own)
    assert printed("residual", "volume_ml").shown(0.1) == "0.10\u00a0ml"
    assert printed("brain", "components").shown(1) == "1"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The quality control of a cohort with one hospital whose name would be markup, judged from published batches."""
    records, hospitals = cohort(P4={"post_t1": {"similarity_gain": -0.2}, "brain": {"volume_ml": 2500.0}})
    manifests = {}
    for hospital in ("STO", "GOT"):
        manifests[f"{hospital}-0"] = str(tmp_path / f"{hospital}-0" / "manifest.json")
        with stage(manifests[f"{hospital}-0"]) as part:
            for patient in (p for p, own in hospitals.items() if own == hospital):
                write_json(part / f"{patient}.json", {"patient": patient, "measures": records[patient], "problems": []})
                (part / f"{patient}.html").write_text("a page")
    named = {patient: hospital.replace("GOT", "<i>&GOT") for patient, hospital in hospitals.items()}
    out = Outputs(*(str(tmp_path / name) for name in ("quality.parquet", "flags.tsv", "index.html")))
    assess_cohort(manifests, named, out)
    return tmp_path


def test_the_page_is_well_formed_links_every_patient_and_loads_no_other_file(run: Path) -> None:
    text = (run / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert str(run) not in text
    assert "<i>&GOT" not in text
    files = {link for link in page.links if not link.startswith("#")}
    assert files == {f"{'STO' if i % 2 else 'GOT'}-0/P{i}.html" for i in range(12)}
    assert all((run / file).is_file() for file in files)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    words = " ".join(" ".join(page.words).split())
    assert "1 of 12 patients is flagged" in words
    assert words.index("below the limit of −0.005") < words.index("All patients 12 patients")
    assert "above the limit of 2000" in words
    assert "draw a better mask" in words


def test_the_table_has_a_row_per_measure_with_its_flag(run: Path) -> None:
    table = pd.read_parquet(run / "quality.parquet")
    assert list(table["patient"].unique()) == [f"P{i}" for i in range(12)]
    assert not table.duplicated(["patient", "subject", "measure"]).any()
    flagged = table[table["flag"] != ""]
    assert set(zip(flagged["patient"], flagged["subject"], flagged["measure"], strict=True)) == {
        ("P4", "post_t1", "similarity_gain"),
        ("P4", "brain", "volume_ml"),
    }


def test_equal_measures_give_an_equal_page(run: Path, tmp_path: Path) -> None:
    before = (run / "index.html").read_bytes()
    records, hospitals = cohort()
    frame = measure_frame(records, hospitals)
    pages = {patient: f"{patient}.html" for patient in records}
    assert cohort_page(frame, flags_of(frame), pages, {}) == cohort_page(frame, flags_of(frame), pages, {})
    assert cohort_page(frame, [], pages, {}).encode() != before


def test_failed_patients_come_first_with_reason_and_how_to_exclude_them(run: Path) -> None:
    frame = measure_frame(*cohort())
    pages = {patient: f"{patient}.html" for patient in frame["patient"]}
    page = Page(cohort_page(frame, [], pages, {"P7": ["patient P7, post_t1: it shows <another> head"]}))
    words = " ".join(" ".join(page.words).split())
    assert "1 of 12 patients failed. No network is trained until" in words
    assert words.index("Failed patients P7") < words.index("it shows <another> head.") < words.index("residua exclude")
    assert page.ids.index("failed") < page.ids.index("flagged")
    assert "P7.html" in page.links
    assert "failed" not in Page(cohort_page(frame, [], pages, {})).ids
    text = cohort_page(frame, [], pages, {"P7": ["patient P7, post_t1: it failed"]}, most_excluded=0.05)
    assert "leaves them out until their scans are corrected; it stops where more than 5 % of the patients fail" in text
    assert "No network is trained" not in text


@pytest.mark.parametrize("n", [1, 12])
@pytest.mark.parametrize("how", CATALOGUE, ids=lambda how: how.name)
def test_a_measure_that_is_defined_for_nobody_is_said_to_be_so(how: Measure, n: int) -> None:
    records, hospitals = cohort(n)
    for subjects in records.values():
        subjects["brain"].update(template_dice=0.95, template_distance_mm=6.0)  # type: ignore[attr-defined]
        for measures in subjects.values():
            if how.name in measures:
                measures[how.name] = None  # type: ignore[index]
    frame = measure_frame(records, hospitals)
    own = frame[frame["measure"] == how.name]
    assert len(own) >= n
    if how.name != "volume_ml":
        assert set(own["flag"]) == {""}
        assert set(own["compared"]) == {0}
    page = Page(cohort_page(frame, flags_of(frame), {patient: f"{patient}.html" for patient in records}, {}))
    words = " ".join(" ".join(page.words).split())
    assert f"{how.title[1:]} Not defined for any patient." in words
    assert words.count("not defined") >= n
    assert "nan" not in words


def test_a_thousand_patients_make_a_page_of_moderate_size() -> None:
    frame = measure_frame(*cohort(1000))
    page = cohort_page(frame, flags_of(frame), {f"P{i}": f"STO-0/P{i}.html" for i in range(1000)}, {})
    assert len(page.encode()) < 1_500_000


def test_every_flag_rule_has_what_to_look_at_and_what_to_do() -> None:
    assert list(FLAG_RULES) == [measure.name for measure in CATALOGUE]
    for measure in CATALOGUE:
        rule = FLAG_RULES[measure.name]
        assert rule.look
        assert rule.act
        assert rule.unusual
        assert rule.smallest > 0
        assert (measure.low is None and measure.high is None) == (not rule.wrong)
        # Reasons are counted in the participant flow: numbers would make each its own.
        assert not re.search(r"\d", rule.wrong + rule.unusual)


def test_the_report_counts_flagged_patients_and_names_none() -> None:
    found = flags(P2={"brain": {"border_percent": 8.0}}, P3={"brain": {"border_percent": 9.0, "volume_ml": 100.0}})
    said = " ".join(quality(found, 12))
    assert "2 patients were flagged" in said
    assert "brain mask: reaches over the border of the image (2)" in said
    assert "P2" not in said
    assert quality([], 12) == ("Registration and brain mask of 12 patients were measured, and none was flagged.",)
