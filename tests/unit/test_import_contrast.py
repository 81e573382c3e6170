"""T1w with or without contrast agent: where names contradict each other, a question is asked and no column filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from importer_trees import imported, record_of, rows_of, write_tree
from residua.importers.contrast import QUESTION, contrast_in

WITH = (
    *(
        "gd",
        "mprageGd",
        "gdMPRAGE",
        "postcontrast",
        "postGd",
        "contrast",
        "ce",
        "CE",
        "T1ce",
        "T1c",
        "mprageKM",
        "post",
    ),
    *("spacece", "gadolinium", "Gadovist", "t1wce", "enhanced", "T1 3D +C", "t1_mprage_sag_KM", "T1 POST GAD"),
)
WITHOUT = ("precontrast", "noncontrast", "nogd", "native", "preGd", "unenhanced", "T1w ohne KM", "SAG T1 PRE-CONTRAST")
NEITHER = (
    "space",
    "mprage",
    "slice",
    "3D",
    "iso1mm",
    "hires",
    "cor",
    "TSE",
    "reduced",
    "t1_sag_postop",
    "T1 post op",
    "pre",
)


@pytest.mark.parametrize(
    ("text", "said"),
    [*((text, True) for text in WITH), *((text, False) for text in WITHOUT), *((text, None) for text in NEITHER)],
)
def test_names_speak_of_contrast_agent_or_not(text: str, said: bool | None) -> None:
    assert contrast_in(text) is said


def study(root: Path, *names: str, sidecar: dict[str, Any] | None = None) -> Path:
    """One participant with images after surgery, and a sidecar for the first."""
    stem = "sub-01/ses-postop/anat/sub-01_ses-postop_"
    files: dict[str, Any] = {f"{stem}{name}.nii.gz": None for name in (*names, "FLAIR")}
    if sidecar is not None:
        files[f"{stem}{names[0]}.json"] = sidecar
    tables = {"participants.tsv": "participant_id\thospital\nsub-01\tSTO\n"}
    return write_tree(root, {"dataset_description.json": {"Name": "x", "BIDSVersion": "1.9.0"}, **tables, **files})


def row(out: Path) -> dict[str, str]:
    return {column: Path(cell).name for column, cell in rows_of(out)["sub01"].items() if column.startswith("post_t1")}


@pytest.mark.parametrize(
    ("name", "sidecar", "sign"),
    [
        ("acq-gd_T1w", None, "has no ce entity, but acq-gd"),
        ("acq-postcontrast_T1w", None, "has no ce entity, but acq-postcontrast"),
        ("acq-MPRAGEce_T1w", None, "has no ce entity, but acq-MPRAGEce"),
        ("acq-mprage_rec-gad_T1w", None, "has no ce entity, but rec-gad"),
        ("ce-none_acq-gd_T1w", None, "has ce-none, but acq-gd"),
        ("T1w", {"ContrastBolusAgent": "Dotarem"}, "has no ce entity, but ContrastBolusAgent 'Dotarem'"),
        ("T1w", {"ContrastBolusIngredient": "GADOLINIUM"}, "has no ce entity, but ContrastBolusIngredient"),
        ("T1w", {"SeriesDescription": "t1_mprage_sag_KM"}, "has no ce entity, but SeriesDescription"),
        ("ce-GD_acq-precontrast_T1w", None, "has ce-GD, but acq-precontrast"),
        ("ce-GD_T1w", {"ContrastBolusAgent": "NONE"}, "has ce-GD, but ContrastBolusAgent 'NONE'"),
    ],
)
def test_contradiction_leaves_the_column_empty_and_asks(
    tmp_path: Path, name: str, sidecar: dict[str, Any] | None, sign: str
) -> None:
    root = study(tmp_path / "s", name, sidecar=sidecar)
    ran = imported("bids", root, "--out", tmp_path / "out")
    assert ran.exit_code == 0
    assert row(tmp_path / "out") == {}
    (remark,) = record_of(tmp_path / "out")["patients"]["sub01"]["remarks"]
    assert remark.startswith(f"{QUESTION}sub-01_ses-postop_{name}.nii.gz {sign}")
    assert "1 T1w image(s) with or without contrast agent? They are not used" in ran.stdout
    entity = name.split("_")[0] if "-" in name else "ses-postop"
    file = f"sub-01_ses-postop_{name}.nii.gz"
    for option, column in (("--contrast", "post_t1ce"), ("--native", "post_t1")):
        out = tmp_path / column
        assert imported("bids", root, "--out", out, option, entity).exit_code == 0
        assert row(out) == {column: file}


@pytest.mark.parametrize(
    ("sidecar", "names", "columns"),
    [
        (None, ("ce-GD_T1w", "T1w"), ("post_t1ce", "post_t1")),
        (None, ("acq-space_T1w", "acq-space_ce-gd_T1w"), ("post_t1", "post_t1ce")),
        ({"ContrastBolusAgent": "Dotarem"}, ("ce-GD_T1w", "acq-precontrast_T1w"), ("post_t1ce", "post_t1")),
        ({"ContrastBolusAgent": ""}, ("ce-GD_T1w", "ce-none_T1w"), ("post_t1ce", "post_t1")),
        ({"ContrastBolusAgent": "none"}, ("T1w", "ce-GD_acq-postGd_T1w"), ("post_t1", "post_t1ce")),
    ],
)
def test_agreeing_names_ask_nothing_and_answers_change_nothing(
    tmp_path: Path, sidecar: Any, names: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    root = study(tmp_path / "s", *names, sidecar=sidecar)
    ran = imported("bids", root, "--out", tmp_path / "out", "--native", "ses-postop")
    assert row(tmp_path / "out") == {
        column: f"sub-01_ses-postop_{name}.nii.gz" for column, name in zip(columns, names, strict=True)
    }
    assert "contrast agent?" not in ran.stdout


def test_folders_ask_about_a_name_that_a_star_swallowed(tmp_path: Path) -> None:
    files = ("Magdeburg/Gd01/Gd01_T1_GD.nii.gz", "Magdeburg/Gd02/Gd02_T1_mprage.nii.gz")
    root = write_tree(tmp_path / "s", dict.fromkeys((*files, "Magdeburg/Gd01/Gd01_FL.nii.gz")))
    pattern = ("--pattern", "{hospital}/{patient}/{patient}_{sequence}*.nii.gz", "--map", "post_flair=FL")
    ran = imported("folders", root, "--out", tmp_path / "out", *pattern, "--map", "post_t1=T1")
    rows = rows_of(tmp_path / "out")
    assert ("post_t1" in rows["Gd01"], "post_t1" in rows["Gd02"]) == (False, True)
    (remark,) = record_of(tmp_path / "out")["patients"]["Gd01"]["remarks"]
    assert remark == f"{QUESTION}Gd01_T1_GD.nii.gz is not used as post_t1; name it more exactly in the pattern"
    assert remark in ran.stdout
    exact = imported("folders", root, "--out", tmp_path / "exact", *pattern, "--map", "post_t1ce=T1_GD")
    assert rows_of(tmp_path / "exact")["Gd01"]["post_t1ce"].endswith("Gd01_T1_GD.nii.gz")
    assert "contrast" not in exact.stdout


def test_mapping_against_its_name_is_done_and_remarked(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "s", {"a/T1_GD.nii.gz": None})
    options = ("--pattern", "{patient}/{sequence}.nii.gz", "--hospital", "STO", "--map", "post_t1=T1_GD")
    ran = imported("folders", root, "--out", tmp_path / "out", *options)
    assert rows_of(tmp_path / "out")["a"]["post_t1"].endswith("T1_GD.nii.gz")
    assert "--map post_t1=T1_GD: the name says the contrary about contrast agent; look at a scan" in ran.stdout
