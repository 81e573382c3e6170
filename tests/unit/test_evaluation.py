"""Two folders of masks, compared file by file."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path
from typing import Any
from unicodedata import normalize

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from residua.cli import app
from residua.errors import ResiduaError
from residua.evaluation.covariates import read_covariates
from residua.evaluation.folders import evaluate_folders
from residua.images.volumes import Grid, Image, save
from residua.metrics.voxelwise import CaseMetrics

GRID = Grid((6, 5, 4), np.diag([1.0, 1.0, 2.0, 1.0]))


def _save(path: Path, voxels: int, grid: Grid = GRID, value: float = 1.0) -> None:
    data = np.zeros(grid.shape, dtype=np.float32)
    data[:voxels, 0, 0] = value
    save(Image(data, grid), path)


def test_one_row_a_case_with_all_metrics(tmp_path: Path) -> None:
    for case, (drawn, predicted) in {"p2": (2, 4), "p1": (0, 0)}.items():
        _save(tmp_path / "reference" / f"{case}.nii.gz", drawn)
        _save(tmp_path / "prediction" / f"{case}.nii.gz", predicted)
    (tmp_path / "prediction" / "notes.txt").write_text("not an image", encoding="utf-8")
    found = evaluate_folders(tmp_path / "reference", tmp_path / "prediction").cases
    assert list(found.columns) == ["case", *(field.name for field in fields(CaseMetrics))]
    assert found["case"].tolist() == ["p1", "p2"]
    assert math.isnan(found["dice"][0])
    row = found.iloc[1]
    assert (row["dice"], row["recall"], row["precision"]) == pytest.approx((2 / 3, 1.0, 0.5))
    assert (row["reference_ml"], row["predicted_ml"]) == pytest.approx((0.004, 0.008))


def test_masks_match_whatever_axis_order_and_suffix_they_are_stored_with(tmp_path: Path) -> None:
    _save(tmp_path / "reference" / "p.nii.gz", 3)
    _save(tmp_path / "prediction" / "p.nii.gz", 3, Grid(GRID.shape, GRID.affine, "LPS"), value=255)
    assert evaluate_folders(tmp_path / "reference", tmp_path / "prediction").cases["dice"].tolist() == [1.0]


def test_suffixes_in_capitals_are_pairs_too_and_lack_a_counterpart_aloud(tmp_path: Path) -> None:
    """Old archives and Windows write them; two of three pairs were left out, and nothing said so."""
    for name in ("p1.nii.gz", "P2.NII.GZ", "p3.NII.GZ"):
        _save(tmp_path / "reference" / name, 3)
    for name in ("p1.NII.GZ", "P2.Nii.Gz"):
        _save(tmp_path / "prediction" / name, 3)
    with pytest.raises(ResiduaError, match=r"reference/p3\.NII\.GZ: no prediction has this name"):
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")
    nib.save(nib.Nifti1Image(np.ones(GRID.shape), GRID.affine), tmp_path / "prediction/p3.NII")
    assert evaluate_folders(tmp_path / "reference", tmp_path / "prediction").cases["case"].tolist() == [
        "P2",
        "p1",
        "p3",
    ]


def test_names_in_either_unicode_form_are_one_case(tmp_path: Path) -> None:
    """A Mac writes letter and accent (NFD), a table from elsewhere one sign (NFC)."""
    _save(tmp_path / "reference" / f"{normalize('NFC', 'Jö')}.nii.gz", 3)
    _save(tmp_path / "prediction" / f"{normalize('NFD', 'Jö')}.nii.gz", 3)
    cases = evaluate_folders(tmp_path / "reference", tmp_path / "prediction").cases["case"].tolist()
    assert cases == [normalize("NFC", "Jö")]
    table = tmp_path / "clinical.csv"
    table.write_text(f"case,sex\n{normalize('NFD', 'Jö')},f\n", encoding="utf-8")
    assert read_covariates(table, cases).groups["sex"] == {cases[0]: "f"}


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    shifted = GRID.affine.copy()
    shifted[0, 3] = 1.0
    for case in ("alone", "shifted", "smaller", "broken"):
        _save(tmp_path / "reference" / f"{case}.nii.gz", 2)
    _save(tmp_path / "prediction" / "stranger.nii.gz", 2)
    _save(tmp_path / "prediction" / "shifted.nii.gz", 2, Grid(GRID.shape, shifted))
    _save(tmp_path / "prediction" / "smaller.nii.gz", 2, Grid((6, 5, 3), GRID.affine))
    (tmp_path / "prediction" / "broken.nii.gz").write_bytes(b"nothing")
    with pytest.raises(ResiduaError) as raised:
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")
    lines = str(raised.value).splitlines()
    assert "5 problem(s)" in lines[0]
    assert len(lines) == 6
    for case, says in {
        "reference/alone": "no prediction has this name",
        "prediction/stranger": "no reference has this name",
        "prediction/shifted": "differs from that of the reference",
        "prediction/smaller": "shape (6, 5, 3)",
        "prediction/broken": "cannot be read",
    }.items():
        assert sum(f"{case}.nii.gz" in line and says in line for line in lines) == 1, case


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, 0.7, 1.7])
def test_what_is_no_mask_is_refused(tmp_path: Path, value: float) -> None:
    _save(tmp_path / "reference" / "p.nii.gz", 2)
    _save(tmp_path / "prediction" / "p.nii.gz", 2, value=value)
    with pytest.raises(ResiduaError, match=r"prediction/p.nii.gz: expected a mask of 0 and one positive whole number"):
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")


def test_noise_of_rounding_is_neither_a_label_nor_tumour(tmp_path: Path) -> None:
    mask = np.zeros(GRID.shape)
    mask[:2] = 1
    noisy = mask + 1e-6 * np.random.default_rng(0).choice([-1, 0, 1], mask.shape)
    for folder, voxels in (("reference", mask), ("prediction", noisy)):
        save(Image(voxels.astype(np.float32), GRID), tmp_path / folder / "case.nii.gz")
    (found,) = evaluate_folders(tmp_path / "reference", tmp_path / "prediction").cases.to_dict("records")
    assert (found["dice"], found["hd95_mm"]) == (1.0, 0.0)


def test_a_probability_map_is_refused_and_so_is_a_value_above_1_in_it(tmp_path: Path) -> None:
    _save(tmp_path / "reference" / "p.nii.gz", 2)
    for values, shown in (((0.2, 0.9), "0.2, 0.9"), ((0.5, 1.2), "0.5, 1.2"), ((1.0, math.nan), "1, nan")):
        data = np.zeros(GRID.shape, dtype=np.float32)
        data[:2, 0, 0] = values
        save(Image(data, GRID), tmp_path / "prediction" / "p.nii.gz")
        with pytest.raises(ResiduaError, match=f"found {shown} besides 0; write one label as 1"):
            evaluate_folders(tmp_path / "reference", tmp_path / "prediction")


def test_several_labels_are_not_silently_merged(tmp_path: Path) -> None:
    data = np.zeros(GRID.shape, dtype=np.float32)
    data[0, 0, :3] = [1, 2, 4]
    save(Image(data, GRID), tmp_path / "reference" / "p.nii.gz")
    _save(tmp_path / "prediction" / "p.nii.gz", 2)
    with pytest.raises(ResiduaError, match="found 1, 2, 4 besides 0"):
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResiduaError, match="empty: holds no NIfTI file"):
        evaluate_folders(tmp_path / "empty", tmp_path / "empty")
    with pytest.raises(ResiduaError, match="absent: the folder does not exist"):
        evaluate_folders(tmp_path / "absent", tmp_path / "empty")


def test_two_files_of_one_case_are_refused(tmp_path: Path) -> None:
    for folder in ("reference", "prediction"):
        _save(tmp_path / folder / "p.nii.gz", 2)
    (tmp_path / "prediction" / "p.nii").write_bytes(b"")
    with pytest.raises(ResiduaError, match=r"the same case as p\.nii"):
        evaluate_folders(tmp_path / "reference", tmp_path / "prediction")


# --- the command ------------------------------------------------------------------------------------------------------

COLUMNS = (
    "case,dice,jaccard,precision,recall,hd95_mm,assd_mm,surface_dice_1mm,surface_dice_2mm,reference_ml,predicted_ml,"
    "absolute_volume_error_ml,volume_error_ml,reference_lesions,found_lesions,predicted_lesions,false_lesions,"
    "lesion_recall,lesion_precision,lesion_f1"
)


def evaluate(folder: Path, *options: object) -> Any:
    arguments = [folder / "reference", folder / "prediction", "--out", folder / "made/cases.csv", *options]
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three cases of voxels of 2 mm³: two thirds of overlap, a missed lesion, a false one."""
    for case, (drawn, predicted) in {"p1": (2, 4), "p2": (3, 0), "p3": (0, 5)}.items():
        _save(tmp_path / "reference" / f"{case}.nii.gz", drawn)
        _save(tmp_path / "prediction" / f"{case}.nii.gz", predicted)
    return tmp_path


def test_the_command_writes_cases_lesions_and_a_summary(pairs: Path) -> None:
    ran = evaluate(pairs, "--min-component-voxels", 2)
    assert ran.exit_code == 0
    files = [pairs / f"made/cases{kind}.csv" for kind in ("", "_lesions", "_summary")]
    assert ran.stdout.split() == [str(file) for file in files]
    assert files[0].read_text(encoding="utf-8").splitlines()[0] == COLUMNS
    cases, lesions, summary = (pd.read_csv(file, keep_default_na=False, na_values=[""]) for file in files)
    assert cases["found_lesions"].tolist() == [1, 0, 0]
    assert cases["false_lesions"].tolist() == [0, 0, 1]
    assert cases["volume_error_ml"].tolist() == pytest.approx([0.004, -0.006, 0.01])
    assert lesions[["case", "lesion", "side"]].to_numpy().tolist() == [
        ["p1", 1, "both"],
        ["p2", 1, "reference"],
        ["p3", 1, "prediction"],
    ]
    assert lesions["dice"].tolist() == pytest.approx([2 / 3, 0, 0])
    whole = summary.set_index("metric")
    assert set(summary["group"]) == {"all"}
    assert whole.loc["dice", ["n", "undefined", "mean"]].tolist() == pytest.approx([3, 0, 2 / 9])
    assert whole.loc["hd95_mm", ["n", "undefined"]].tolist() == [1, 2]
    assert whole.loc["hd95_mm", "note"] == "one value has no sd"
    assert whole.loc["reference_lesions", "total"] == 2


def test_a_number_of_the_summary_that_is_missing_has_a_reason(pairs: Path) -> None:
    assert evaluate(pairs).exit_code == 0
    summary = pd.read_csv(pairs / "made/cases_summary.csv")
    missing = summary[summary["mean"].isna()]
    assert set(missing["metric"]) >= {"lesion_recall", "lesion_dice", "patient_recall"}
    assert missing["note"].notna().all()


def test_subgroups_come_from_the_columns_of_a_table(pairs: Path) -> None:
    table = pairs / "clinical.tsv"
    table.write_text(
        "Patient\tsex\tage\tcomment\np1\tf\t50\tone\np3\tm\t60\ttwo\nelsewhere\tm\t70\t\n", encoding="utf-8"
    )
    assert evaluate(pairs, "--covariates", table, "--residual-tumor-ml", 0.004).exit_code == 0
    summary = pd.read_csv(pairs / "made/cases_summary.csv", keep_default_na=False)
    dice = summary[summary["metric"] == "dice"]
    assert dice[["covariate", "group", "cases"]].to_numpy().tolist() == [
        ["", "all", 3],
        *(["sex", group, 1] for group in ("f", "m", "unknown")),
        *(["age", group, 1] for group in ("50", "60", "unknown")),
        *(["comment", group, 1] for group in ("one", "two", "unknown")),
    ]
    recall = summary[(summary["metric"] == "patient_recall") & (summary["covariate"] == "sex")].set_index("group")
    # p1 is found, p3 has no tumour, p2 (of unknown sex) is missed.
    assert recall["mean"].tolist() == ["100.0", "", "0.0"]
    assert recall.loc["m", "note"] == "no patient with residual tumour in the reference"


def test_a_number_of_many_values_is_split_at_its_median_and_a_text_of_many_is_left_out(tmp_path: Path) -> None:
    table = tmp_path / "clinical.csv"
    rows = "".join(f"c{number},{number}.5,{1.5 + 1.5 * (number % 2)},name{number}\n" for number in range(20))
    table.write_text(f"case,age,field_strength,name\n{rows}", encoding="utf-8")
    found = read_covariates(table, [f"c{number}" for number in range(20)])
    assert list(found.groups) == ["age", "field_strength"]
    assert found.groups["age"]["c9"] == "at most 10"
    assert found.groups["age"]["c10"] == "above 10"
    assert set(found.groups["field_strength"].values()) == {"1.5", "3.0"}
    assert found.left_out == ("name: 20 different values make no subgroups",)


def test_what_is_not_known_is_no_value_and_letter_case_makes_no_group(tmp_path: Path) -> None:
    """One NA of R among ages made a group of each age, and STO and sto were two hospitals."""
    table = tmp_path / "clinical.csv"
    rows = ["50,F,STO", "NA,f,STO", "61,F,sto", "62,M,GRO", "63,M,GRO", "64,M,NaN", "65,M,gro", "66,M, "]
    table.write_text("case,age,sex,site\n" + "".join(f"p{n},{row}\n" for n, row in enumerate(rows)), encoding="utf-8")
    found = read_covariates(table, [f"p{n}" for n in range(8)]).groups
    assert list(found["age"].values()) == ["at most 63", "unknown", *["at most 63"] * 3, *["above 63"] * 3]
    assert list(found["sex"].values()) == [*"FFF", *"MMMMM"]
    assert list(found["site"].values()) == ["STO", "STO", "STO", "GRO", "GRO", "unknown", "GRO", "unknown"]


def test_a_misspelt_case_is_named_as_a_row_without_file_and_a_file_without_row(pairs: Path) -> None:
    table = pairs / "clinical.csv"
    table.write_text("case,sex\np1,f\np2,m\np33,m\n", encoding="utf-8")
    ran = evaluate(pairs, "--covariates", table)
    assert ran.exit_code == 0
    assert "p33: no file has this name, and the row is not used" in ran.stderr
    assert 'p3: the table has no row, and the groups are "unknown"' in ran.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,sex\np1,f\n", "no column names the case"),
        ("case,sex\np1,f\np1,m\n", "p1 has two rows"),
        ("case,sex\nq1,f\n", r"none of its cases \(q1\) is in the folders, whose files are named p1, p2 and p3"),
        ("case,sex\n", "has no row"),
        ("case,sex\n,f\np1,m\n", "a row has no case"),
    ],
)
def test_a_table_of_covariates_that_cannot_be_used_stops_before_anything_is_measured(
    pairs: Path, text: str, says: str
) -> None:
    table = pairs / "clinical.csv"
    table.write_text(text, encoding="utf-8")
    ran = evaluate(pairs, "--covariates", table)
    assert ran.exit_code == 1
    assert re.search(says, ran.stderr)
    assert not (pairs / "made").exists()


def test_an_old_table_stays_when_the_command_fails(pairs: Path) -> None:
    (pairs / "made").mkdir()
    (pairs / "made/cases.csv").write_text("old", encoding="utf-8")
    (pairs / "prediction/p3.nii.gz").unlink()
    ran = evaluate(pairs)
    assert ran.exit_code == 1
    assert f"{pairs / 'reference/p3.nii.gz'}: no prediction has this name" in ran.stderr
    assert (pairs / "made/cases.csv").read_text(encoding="utf-8") == "old"
