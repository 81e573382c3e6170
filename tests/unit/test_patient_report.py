"""What is told of a new patient: the record, the warnings, the page and the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages import Page
from residua.images.volumes import Grid, Image, save
from residua.inference.contents import contents_of
from residua.inference.page import patient_page
from residua.inference.panels import Maps, panels_of
from residua.inference.patient_maps import PatientParts, maps_of
from residua.inference.patients_table import patients_table, recorded
from residua.inference.prediction import prediction_record
from residua.publishing.publish import DamagedStageError, stage, write_json
from residua.resection.record import resection_record

ESTIMATE = {"value": 0.1, "low": None, "high": None}
CALIBRATION = {
    "scale_ml": 0.175, "intercept": -2.0, "slope": 2.0, "certainty": 0.8, "undecidable_ml": [0.062, 0.77],
    "patients": 90,
    "brier": ESTIMATE, "brier_of_prevalence": 0.2, "expected_calibration_error": ESTIMATE, "bins": [],
}  # fmt: skip
LIMITS = [
    {"subject": "brain", "measure": "volume_ml", "low": 1100, "high": 1700, "median": 1400, "patients": 300},
    {"subject": "post_t1ce", "measure": "coarsest_mm", "low": 0.9, "high": 1.5, "median": 1, "patients": 300},
    {"subject": "post_t1ce", "measure": "missing_percent", "low": 0, "high": 2, "median": 0, "patients": 300},
]
BUNDLE: dict[str, Any] = {
    "digest": "0123456789abcdef", "arch": "nnunet", "inputs": "A", "label": "nnU-Net", "channels": ["post_t1ce"],
    "folds": [0, 1], "residua": "0.1", "cut_off_ml": 0.175, "limits": LIMITS, "calibration": CALIBRATION,
    "calibration_note": "",
}  # fmt: skip
OUTCOME: dict[str, Any] = {
    "patient": "P17", "state": "predicted", "excluded": None, "problems": [], "bundle": "/models/a.zip",
    "given": {"post_t1ce": "/data/Doe^Jane/t1ce.nii.gz", "pre_t1ce": "/data/Doe^Jane/before.nii.gz"},
    "threshold": 0.5, "out_of_fold_score": 0.8, "why": "nnunet A is the only bundle",
    "probability": "results/p.nii.gz", "mask": "results/m.nii.gz",
}  # fmt: skip
USUAL = {"brain": {"volume_ml": 1400.0}, "post_t1ce": {"coarsest_mm": 1.0, "missing_percent": 0.0}}


def resection_of(voxels: int, members_ml: tuple[float, ...], before_ml: float | None = 20.0) -> dict[str, Any]:
    """The resection of a mask of so many voxels of 0.1 ml."""
    mask = np.zeros((20, 20, 20), dtype=bool)
    mask[:voxels, 5, 5] = True
    grid = Grid((20, 20, 20), np.diag([10.0, 10.0, 1.0, 1.0]))
    members = {f"fold{fold}": volume for fold, volume in enumerate(members_ml)}
    found = resection_record(Image(mask, grid), members_ml, before_ml, 0.175)
    return {**found, "members_ml": members, "mean_pairwise_dice": 0.75}


def record_of(voxels: int = 20, members_ml: tuple[float, ...] = (1.0, 4.0), **changes: Any) -> dict[str, Any]:
    resection = resection_of(voxels, members_ml, changes.pop("before_ml", 20.0))
    measures = changes.pop("measures", USUAL)
    return prediction_record(OUTCOME, {**BUNDLE, **changes}, resection, measures)


def test_numbers_come_with_the_range_over_the_folds() -> None:
    record = record_of()
    volumes = {name: value and round(value, 3) for name, value in record["volumes"].items()}
    assert volumes == {"residual_ml": 2.0, "residual_low_ml": 1.0, "residual_high_ml": 4.0, "before_ml": 20.0}
    resection = record["resection"]
    extent = [round(resection[f"extent_{end}percent"]) for end in ("", "low_", "high_")]
    assert extent == [90, 80, 95]
    assert (resection["rano_resect"], resection["rano_resect_means"]) == ("3A", "subtotal, at most 5 cm³")
    assert record["folds"]["mean_pairwise_dice"] == 0.75
    assert record["warnings"] == []
    assert record["schema"] == 1


@pytest.mark.parametrize(
    ("voxels", "probability", "told", "by_cut"),
    [(0, 0.12, "gross total resection", False), (1, 0.25, "undecidable", False), (3, 0.50, "undecidable", True),
     (20, 0.95, "residual tumour", True)],
)  # fmt: skip
def test_near_the_cut_off_the_class_is_undecidable(voxels: int, probability: float, told: str, by_cut: bool) -> None:
    found = record_of(voxels, (voxels / 10,))["classification"]
    assert found["probability"] == pytest.approx(probability, abs=0.01)
    assert (found["told"], found["residual_tumour"]) == (told, by_cut)


def test_without_calibration_no_probability_is_told_and_the_reason_is() -> None:
    record = record_of(calibration=None, calibration_note="not estimable: one fold only")
    assert (record["classification"]["probability"], record["classification"]["told"]) == (None, "residual tumour")
    assert [warning["kind"] for warning in record["warnings"]] == ["not-calibrated"]
    assert record["warnings"][0]["what"] == "no probability is told (not estimable: one fold only)"


@pytest.mark.parametrize(
    ("measures", "measure", "what"),
    [
        ({"brain": {"volume_ml": 700.0}}, "volume_ml", "700 ml, below what the models saw in 300 patients"),
        ({"post_t1ce": {"coarsest_mm": 6.0}}, "coarsest_mm", "6.00 mm, above what the models saw in 300 patients"),
        ({"post_t1ce": {"missing_percent": 9.0}}, "missing_percent", "9.0 %, above what the models saw"),
    ],
)
def test_a_scan_outside_of_what_the_models_saw_is_told(measures: Any, measure: str, what: str) -> None:
    (warning,) = record_of(measures=measures)["warnings"]
    assert (warning["kind"], warning["measure"]) == ("outside", measure)
    assert what in warning["what"].replace("\N{NO-BREAK SPACE}", " ")


def test_what_lies_outside_is_one_sentence_about_each_scan() -> None:
    record = record_of(
        measures={"brain": {"volume_ml": 700.0}, "post_t1ce": {"coarsest_mm": 6.0, "missing_percent": 9.0}}
    )
    assert [warning["measure"] for warning in record["warnings"]] == ["volume_ml", "coarsest_mm", "missing_percent"]
    first, second = (text.replace("\N{NO-BREAK SPACE}", " ") for text in contents_of(record).cautions)
    assert first.startswith(
        "Brain mask: the volume of the brain mask is 700 ml, below what the models saw in 300 patients"
    )
    assert second.startswith(
        "Post-operative T1w-CE: unlike what the models saw in 300 patients: the largest voxel size is"
    )
    assert second.count("; ") == 1
    assert "is 6.00 mm (above " in second
    assert "is 9.0 % (above " in second


@pytest.mark.parametrize(
    ("members", "before", "limits", "kinds"),
    [
        ((0.0, 4.0), 20.0, LIMITS, ["folds-disagree"]),
        ((1.0, 4.0), 1.0, LIMITS, ["larger-after-surgery"]),
        ((1.0, 4.0), None, [], ["no-limits"]),
        ((0.0, 0.1), 20.0, LIMITS, []),
    ],
)
def test_numbers_at_odds_are_told(members: Any, before: Any, limits: Any, kinds: list[str]) -> None:
    warnings = record_of(20, members, before_ml=before, limits=limits)["warnings"]
    assert [warning["kind"] for warning in warnings] == kinds


def test_a_limit_of_the_quality_control_is_flagged_without_other_patients() -> None:
    (flag,) = record_of(measures={"brain": {"volume_ml": 800.0}}, limits=LIMITS[1:])["flags"]
    assert (flag["subject"], flag["measure"]) == ("brain", "volume_ml")
    assert "below the limit of 900" in flag["what"]


def test_the_page_shows_numbers_with_their_uncertainty_and_loads_nothing() -> None:
    page = Page(
        patient_page(contents_of(record_of(measures={"brain": {"volume_ml": 700.0}})), "data:image/png;base64,")
    )
    words = " ".join(" ".join(page.words).replace("\N{NO-BREAK SPACE}", " ").split())
    for said in (
        "Research use only", "patient P17", "probability of residual tumour (0.175 ml or more): 95 %", "2.00 ml",
        "1.00 ml to 4.00 ml over the folds", "90.0 %", "80.0 to 95.0 % over the folds", "Class 3A",
        "700 ml, below what the models saw in 300 patients", "below the limit of 900 ml", "Pre-operative T1w-CE given",
    ):  # fmt: skip
        assert said in words, said
    assert page.links == ["data:image/png;base64,"]


def test_a_patient_without_a_prediction_has_a_page_that_says_why() -> None:
    outcome = {**OUTCOME, "state": "failed", "problems": [{"check": "x", "what": "it does not fit", "remedy": "look"}]}
    record = prediction_record(outcome, BUNDLE)
    assert (record["volumes"], record["classification"], record["warnings"]) == (None, None, [])
    words = " ".join(Page(patient_page(contents_of(record))).words)
    assert "It does not fit: look." in words
    assert "Not predicted: a registration or the brain mask cannot be used." in words


@pytest.mark.parametrize(
    ("measures", "told"),
    [
        (None, "Not measured."),
        (USUAL, "No flag: no measure of registration and brain mask is beyond its limit."),
        (
            {"brain": {"volume_ml": 800.0}},
            "Brain mask: the volume of the brain mask is 800 ml, below the limit of 900 ml.",
        ),
    ],
)
def test_a_failed_patients_measures_are_told_too(measures: Any, told: str) -> None:
    record = prediction_record({**OUTCOME, "state": "failed"}, BUNDLE, None, measures)
    assert record["measured"] == (measures is not None)
    (flag,) = contents_of(record).flags
    assert flag.replace("\N{NO-BREAK SPACE}", " ").startswith(told)
    words = " ".join(" ".join(Page(patient_page(contents_of(record))).words).replace("\N{NO-BREAK SPACE}", " ").split())
    assert told.removesuffix(".") in words


def published(folder: Path, *names: str) -> list[str]:
    """Publish files that hold their own name, and return the manifest."""
    with stage(folder / "manifest.json") as part:
        for name in names:
            (part / name).write_text(name)
    return [str(folder / "manifest.json")]


def test_maps_that_were_changed_since_they_were_made_are_refused(tmp_path: Path) -> None:
    made = {name: published(tmp_path / name, "P17.nii.gz") for name in ("probabilities", "masks", "members")}
    parts = PatientParts(**made, resections=[], brought_back=[], quality=[], brain=[], images={}, before=None)
    assert {name: file.parent.name for name, file in maps_of("P17", parts).items()} == {
        "probability.nii.gz": "probabilities", "mask.nii.gz": "masks", "disagreement.nii.gz": "members",
    }  # fmt: skip
    for name in made:
        (tmp_path / name / "P17.nii.gz").write_text("changed")
        with pytest.raises(DamagedStageError, match=rf"{name}: 1 file"):
            maps_of("P17", parts)
        (tmp_path / name / "P17.nii.gz").write_text("P17.nii.gz")


def test_a_record_that_was_changed_is_not_tabulated(tmp_path: Path) -> None:
    with stage(tmp_path / "P17/manifest.json") as part:
        write_json(part / "prediction.json", record_of())
    manifest = str(tmp_path / "P17/manifest.json")
    assert recorded(manifest) == record_of()
    (tmp_path / "P17/prediction.json").write_text("{}")
    with pytest.raises(DamagedStageError, match=r"prediction\.json"):
        recorded(manifest)


def given_of(record: dict[str, Any]) -> dict[str, str]:
    return dict(contents_of(record).given)


def test_a_region_whose_label_is_not_given_is_told() -> None:
    record = prediction_record(
        {**OUTCOME, "seen_whole_without": "pre_tumor"}, BUNDLE, resection_of(20, (0.0, 4.0)), USUAL
    )
    assert [warning["kind"] for warning in record["warnings"]] == ["region", "folds-disagree"]
    assert "around the pre-operative tumour, which is not given" in record["warnings"][0]["what"]
    assert contents_of(record).cautions[0].startswith("The models were trained on the region around")


def test_a_channel_that_is_not_given_is_told_first_and_nowhere_as_read() -> None:
    why = "nnunet B sees zeros in place of post_t1, which it was never trained to do without: the result is doubtful"
    outcome = {**OUTCOME, "why": why, "lacking": ["post_t1"]}
    bundle = {**BUNDLE, "channels": ["post_t1ce", "post_t1"]}
    record = prediction_record(outcome, bundle, resection_of(20, (0.0, 4.0)), USUAL)
    assert record["lacking"] == ["post_t1"]
    assert [warning["kind"] for warning in record["warnings"]] == ["lacking", "folds-disagree"]
    assert record["warnings"][0]["what"] == why
    assert contents_of(record).cautions[0] == f"{why[0].upper()}{why[1:]}."
    assert given_of(record) == {
        "Post-operative T1w-CE": "read by the models",
        "Pre-operative T1w-CE": "given",
        "Post-operative T1w": "not given; zeros in its place",
    }
    failed = prediction_record({**outcome, "state": "failed"}, bundle)
    assert failed["warnings"] == []
    assert given_of(failed) == {
        "Post-operative T1w-CE": "given",
        "Pre-operative T1w-CE": "given",
        "Post-operative T1w": "not given",
    }


def test_who_lacks_nothing_is_told_so() -> None:
    record = record_of()
    assert record["lacking"] == []
    assert given_of(record) == {"Post-operative T1w-CE": "read by the models", "Pre-operative T1w-CE": "given"}


def test_the_table_has_a_row_per_patient_and_empty_cells_for_what_is_not_known() -> None:
    refused = prediction_record({**OUTCOME, "patient": "P18", "state": "refused", "problems": []})
    head, *rows = (line.split("\t") for line in patients_table([record_of(before_ml=None), refused]).splitlines())
    first, second = (dict(zip(head, row, strict=True)) for row in rows)
    assert (first["patient"], first["class"], first["residual_ml"], first["extent_percent"]) == (
        "P17", "residual tumour", "2", "",
    )  # fmt: skip
    assert (second["patient"], second["state"], second["class"], second["residual_ml"]) == ("P18", "refused", "", "")


@pytest.mark.parametrize("empty", [False, True])
def test_slices_go_through_the_mask_or_the_highest_probability(tmp_path: Path, empty: bool) -> None:
    shape, grid = (20, 24, 12), Grid((20, 24, 12), np.diag([2.0, 2.0, 3.0, 1.0]))
    probability = np.zeros(shape, np.float32)
    probability[4, 6, 8] = 0.4 if empty else 0.9
    brain = np.zeros(shape, dtype=bool)
    brain[2:18, 2:22, 1:11] = True
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    parts = {"image": image, "brain": brain, "mask": probability > 0.5, "probability": probability}
    for name, values in parts.items():
        save(Image(values, grid), tmp_path / f"{name}.nii.gz")
    files = {name: tmp_path / f"{name}.nii.gz" for name in parts}
    shown = panels_of(
        Maps(
            {"post_t1ce": str(files["image"])},
            files["brain"],
            files["mask"],
            files["probability"],
            files["probability"],
        )
    )
    titles = [panel.title for panel in shown.panels]
    assert titles == [
        "Post-operative T1w-CE, axial", "Post-operative T1w-CE, coronal", "Post-operative T1w-CE, sagittal",
        "Post-operative T1w-CE, closer", "Disagreement of the folds",
    ]  # fmt: skip
    axial, coronal, sagittal, close, spread = shown.panels
    # The patient's right is at the left, anterior or superior at the top.
    assert axial.pixels[23 - 6, 19 - 4] == image[4, 6, 8]
    assert coronal.pixels[11 - 8, 19 - 4] == image[4, 6, 8]
    assert sagittal.pixels[11 - 8, 23 - 6] == image[4, 6, 8]
    assert (coronal.pixel_mm, sagittal.pixel_mm) == ((2.0, 3.0), (2.0, 3.0))
    assert close.field.centre_mm == (2.0 * (15 + 0.5), 2.0 * (17 + 0.5))
    assert spread.spread is not None
    assert spread.spread[17, 15] == pytest.approx(0.4 if empty else 0.9)
    assert bool(axial.outline[17, 15]) != empty
    assert ("highest probability (40 %)" in shown.where) == empty


@pytest.mark.parametrize("empty", [False, True])
def test_the_scan_before_surgery_is_shown_through_the_mask_or_the_middle_of_the_head(
    tmp_path: Path, empty: bool
) -> None:
    shape, grid = (20, 24, 12), Grid((20, 24, 12), np.diag([2.0, 2.0, 3.0, 1.0]))
    head = np.zeros(shape, np.float32)
    head[4:14, 4:20, 3:10] = 100 + np.arange(7)
    mask = np.zeros(shape, dtype=bool)
    mask[6:8, 6:8, 8] = not empty
    parts = {"head": head, "mask": mask, "nothing": np.zeros(shape, np.float32)}
    for name, values in parts.items():
        save(Image(values, grid), tmp_path / f"{name}.nii.gz")
    file = {name: tmp_path / f"{name}.nii.gz" for name in parts}
    before = (str(file["head"]), file["mask"])
    maps = Maps({"post_t1ce": before[0]}, file["head"], file["nothing"], file["nothing"], file["nothing"], before)
    shown = panels_of(maps).panels[-1]
    assert shown.title == "Before surgery, own grid"
    assert shown.pixels.max() == (106 - 3 if empty else 105)
    assert bool(shown.outline.any()) != empty
    # The head alone, and a margin of 8 mm.
    assert (shown.field.width_mm, shown.field.height_mm) == pytest.approx((10 * 2 + 16, 16 * 2 + 16), abs=2)
