from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cohort_tables import AFFINE, FILES, snapshot
from public_sets import (
    BUILDERS,
    SEGMENTATION,
    UCSF_CLINICAL,
    lumiere,
    mu_glioma_post,
    rhuh_gbm,
    ucsf_alptdg,
    write_rows,
)
from residua.cohort.table.patient import Patient
from residua.cohort.table.patients import parse_table
from residua.errors import ResiduaError
from residua.importers.found import Found, FoundPatient, Label
from residua.importers.public import commands
from residua.importers.public.lumiere import find_lumiere
from residua.importers.public.mu_glioma_post import find_mu_glioma_post
from residua.importers.public.rhuh_gbm import find_rhuh_gbm
from residua.importers.public.sessions import NO_SCAN, PublicOptions
from residua.importers.public.ucsf_alptdg import find_ucsf_alptdg
from residua.importers.window import UNKNOWN, Window
from residua.settings.brain_mask import BrainMask
from workbooks import Error, write_xlsx

LATER = "not early post-operative: the scan was later than 72 h after surgery"
SETS = {
    "rhuh-gbm": find_rhuh_gbm,
    "lumiere": find_lumiere,
    "ucsf-alptdg": find_ucsf_alptdg,
    "mu-glioma-post": find_mu_glioma_post,
}


def by_id(found: Found) -> dict[str, FoundPatient]:
    return {patient.source_id: patient for patient in found.patients}


def names(root: Path, patient: FoundPatient) -> dict[str, str]:
    """The patient's images below the folder that all sessions of the set share."""
    return {column: "/".join(file.relative_to(root).parts[-3:]) for column, file in patient.images.items()}


def told(layout: str, root: Path, options: PublicOptions = PublicOptions()) -> str:  # noqa: B008
    with pytest.raises(ResiduaError) as raised:
        SETS[layout](root, options)
    return str(raised.value)


def test_rhuh_gbm_is_early_by_its_documentation(tmp_path: Path) -> None:
    found = SETS["rhuh-gbm"](rhuh_gbm(tmp_path), PublicOptions())
    patients = by_id(found)
    assert list(patients) == ["RHUH-0001", "rhuh-0002"]
    first = patients["RHUH-0001"]
    assert (first.hospital, first.exclusion_reason, first.clinical) == ("RHUH", "", {"age": "65", "sex": "M"})
    assert names(tmp_path, first) == {
        "pre_t1ce": "RHUH-0001/0/RHUH-0001_0_t1ce.nii.gz",
        "post_t1ce": "RHUH-0001/1/RHUH-0001_1_t1ce.nii.gz",
        "post_t1": "RHUH-0001/1/RHUH-0001_1_t1.nii.gz",
        "post_flair": "RHUH-0001/1/RHUH-0001_1_flair.nii.gz",
    }
    folder = tmp_path / "PKG - RHUH-GBM-nii-v1" / "RHUH-GBM_nii_v1" / "RHUH-0001"
    assert first.labels == {
        "residual": Label(folder / "1" / "RHUH-0001_1_segmentations.nii.gz", (3,), (1, 2)),
        "pre_tumor": Label(folder / "0" / "RHUH-0001_0_segmentations.nii.gz", (1, 3), (2,)),
    }


def test_rhuh_gbm_accepts_other_case_uncompressed_files_and_short_names(tmp_path: Path) -> None:
    second = by_id(SETS["rhuh-gbm"](rhuh_gbm(tmp_path), PublicOptions()))["rhuh-0002"]
    assert names(tmp_path, second)["post_flair"] == "rhuh-0002/1/rhuh-0002_1_FLAIR.nii"
    assert second.labels["residual"].file.name == "rhuh-0002_1_seg.nii"
    assert second.clinical == {"age": "58", "sex": "F"}


def test_unused_files_are_listed_with_the_reason(tmp_path: Path) -> None:
    left = SETS["rhuh-gbm"](rhuh_gbm(tmp_path), PublicOptions()).left
    folder = "PKG - RHUH-GBM-nii-v1/RHUH-GBM_nii_v1/RHUH-0001"
    assert {name.removeprefix(f"{folder}/"): why for name, why in left.items() if name.startswith(folder)} == {
        "2": "the recurrence scan",
        "notes.txt": "unknown file or folder",
        "0/RHUH-0001_0_adc.nii.gz": "adc: not needed",
        "0/RHUH-0001_0_flair.nii.gz": "flair: not needed",
        "0/RHUH-0001_0_t1.nii.gz": "t1: not needed",
        "0/RHUH-0001_0_t2.nii.gz": "t2: not needed",
        "1/RHUH-0001_1_adc.nii.gz": "adc: not needed",
        "1/RHUH-0001_1_t2.nii.gz": "t2: not needed",
    }


def test_column_option_adds_images(tmp_path: Path) -> None:
    found = SETS["rhuh-gbm"](rhuh_gbm(tmp_path), PublicOptions(columns=("post_t2", "pre_flair")))
    images = names(tmp_path, by_id(found)["RHUH-0001"])
    assert images["post_t2"] == "RHUH-0001/1/RHUH-0001_1_t2.nii.gz"
    assert images["pre_flair"] == "RHUH-0001/0/RHUH-0001_0_flair.nii.gz"
    assert not [name for name in found.left if name.endswith(("_1_t2.nii.gz", "_0_flair.nii.gz"))]


def test_column_without_an_image_in_the_set_is_rejected(tmp_path: Path) -> None:
    assert told("ucsf-alptdg", ucsf_alptdg(tmp_path), PublicOptions(columns=("pre_flair",))) == (
        "ucsf-alptdg has no image for column pre_flair; it has post_t1ce, post_t1, post_flair, post_t2"
    )


def test_second_file_of_one_kind_is_listed_as_unused(tmp_path: Path) -> None:
    rhuh_gbm(tmp_path)
    (zipped,) = tmp_path.rglob("RHUH-0001_1_t1ce.nii.gz")
    zipped.with_name("RHUH-0001_1_t1ce.nii").write_bytes(b"another")
    left = SETS["rhuh-gbm"](tmp_path, PublicOptions()).left
    assert "a second t1ce of the session; RHUH-0001_1_t1ce.nii is used" in left.values()


def test_lumiere_chooses_scans_by_rating_and_not_by_week(tmp_path: Path) -> None:
    patients = by_id(SETS["lumiere"](lumiere(tmp_path), PublicOptions(window=Window(assume_early=True))))
    assert names(tmp_path, patients["Patient-001"]) == {
        "pre_t1ce": "Patient-001/week-000-1/CT1.nii.gz",
        "post_t1ce": "Patient-001/week-000-2/CT1.nii.gz",
        "post_t1": "Patient-001/week-000-2/T1.nii.gz",
        "post_flair": "Patient-001/week-000-2/FLAIR.nii.gz",
    }
    swapped = names(tmp_path, patients["Patient-020"])
    assert swapped["pre_t1ce"] == "Patient-020/week-000-1/CT1.nii.gz"
    assert swapped["post_t1ce"] == "Patient-020/week-000/CT1.nii.gz"
    twice = names(tmp_path, patients["Patient-033"])
    assert twice["pre_t1ce"] == "Patient-033/week-001/CT1.nii.gz"
    assert twice["post_t1ce"] == "Patient-033/week-002/CT1.nii.gz"
    assert [patient.exclusion_reason for patient in patients.values()] == ["", "", "", NO_SCAN]
    assert "post_t1ce" not in patients["Patient-060"].images


def test_lumiere_takes_residual_and_pre_tumor_from_two_segmentations(tmp_path: Path) -> None:
    first = by_id(SETS["lumiere"](lumiere(tmp_path), PublicOptions()))["Patient-001"]
    folder = tmp_path / "Imaging-v202211" / "Imaging" / "Patient-001"
    glio = "HD-GLIO-AUTO-segmentation/native/segmentation_CT1_origspace.nii.gz"
    bratumia = "DeepBraTumIA-segmentation/native/segmentation/ct1_seg_mask.nii.gz"
    assert first.labels == {
        "residual": Label(folder / "week-000-2" / glio, (2,), (1,)),
        "pre_tumor": Label(folder / "week-000-1" / bratumia, (1, 2), (3,)),
    }


def test_lumiere_excludes_patients_and_remarks_the_upper_bound(tmp_path: Path) -> None:
    found = SETS["lumiere"](lumiere(tmp_path), PublicOptions())
    patients = by_id(found)
    assert [patient.exclusion_reason for patient in patients.values()] == [UNKNOWN, UNKNOWN, UNKNOWN, NO_SCAN]
    assert patients["Patient-001"].remarks == ("week-000-2: less than 168 h after the first pre-operative scan",)
    assert patients["Patient-033"].remarks == ("week-002: less than 504 h after the first pre-operative scan",)
    known = {"age": "57", "sex": "F", "manufacturer": "SIEMENS", "field_strength_t": "3"}
    assert patients["Patient-001"].clinical == known
    assert patients["Patient-020"].clinical == {"sex": "M"}
    folder = "Imaging-v202211/Imaging"
    assert found.left[f"{folder}/Patient-001/week-044"] == "rated pd: not one of the two scans"
    assert found.left[f"{folder}/Patient-060/week-012"] == "rated nothing: not one of the two scans"


def test_lumiere_without_ratings_is_reported(tmp_path: Path) -> None:
    (lumiere(tmp_path) / "LUMIERE-ExpertRating-v202211.csv").unlink()
    assert "put LUMIERE-ExpertRating-v202211.csv there" in told("lumiere", tmp_path)


def test_ucsf_includes_only_patients_with_a_documented_resection_within_72_h(tmp_path: Path) -> None:
    patients = by_id(SETS["ucsf-alptdg"](ucsf_alptdg(tmp_path), PublicOptions()))
    assert {name: patient.exclusion_reason for name, patient in patients.items()} == {
        "100001": "",
        "100002": LATER,
        "100003": UNKNOWN,
        "100004": UNKNOWN,
        "100006": UNKNOWN,
    }
    assert patients["100001"].clinical == {"age": "51", "sex": "M", "hours_since_surgery": "48"}
    assert patients["100002"].clinical == {"hours_since_surgery": "1440"}
    assert names(tmp_path, patients["100001"]) == {
        "post_t1ce": "UCSF_POSTOP_GLIOMA_DATASET_FINAL_v1.0/100001/100001_time1_t1ce.nii.gz",
        "post_t1": "UCSF_POSTOP_GLIOMA_DATASET_FINAL_v1.0/100001/100001_time1_t1.nii.gz",
        "post_flair": "UCSF_POSTOP_GLIOMA_DATASET_FINAL_v1.0/100001/100001_time1_flair.nii.gz",
    }
    assert {label: rule.values for label, rule in patients["100001"].labels.items()} == {"residual": (3,)}


def test_unreadable_workbook_is_listed_with_the_remedy(tmp_path: Path) -> None:
    found = SETS["ucsf-alptdg"](ucsf_alptdg(tmp_path, with_table=False), PublicOptions())
    assert {patient.exclusion_reason for patient in found.patients} == {UNKNOWN}
    (why,) = [why for name, why in found.left.items() if name.endswith(".xlsx")]
    remedy = "save the workbook again, or save the sheet as CSV (UTF-8)"
    assert why == f"the workbook is damaged (File is not a zip file): {remedy}"


def test_ucsf_reads_the_sheets_of_its_workbook_unless_they_lie_beside_it_as_text(tmp_path: Path) -> None:
    root = ucsf_alptdg(tmp_path / "text")
    as_text = SETS["ucsf-alptdg"](root, PublicOptions())
    copy = ucsf_alptdg(tmp_path / "workbook", with_table=False)
    (workbook,) = copy.rglob("*.xlsx")
    write_xlsx(
        workbook,
        {
            "Clinical Info": [UCSF_CLINICAL, [100001, 2, 60.1, "GTR"], [100002, 60, 64.9, "STR"]],
            "UCSF-LPTDG": [
                ["SubjectID", "Timepoint", "Full ID", "Patient Sex", "Patient Age"],
                [100001.0, 2, "b", "M", 52],
                [100001.0, 1, "a", "M", 51],
            ],
            "Dictionary": [["SubjectID", "the patient"]],
        },
        hidden=["Dictionary"],
    )
    found = SETS["ucsf-alptdg"](copy, PublicOptions())
    assert [patient.clinical for patient in found.patients[:2]] == [
        patient.clinical for patient in as_text.patients[:2]
    ]
    assert found.patients[0].clinical == {"age": "51", "sex": "M", "hours_since_surgery": "48"}
    assert not [name for name in found.left if name.endswith(".xlsx")]
    shutil.copy(workbook, next(root.rglob("*.xlsx")))
    again = SETS["ucsf-alptdg"](root, PublicOptions())
    assert [patient.clinical for patient in again.patients] == [patient.clinical for patient in as_text.patients]


def test_a_needed_sheet_with_an_error_is_one_message(tmp_path: Path) -> None:
    root = ucsf_alptdg(tmp_path, with_table=False)
    (workbook,) = root.rglob("*.xlsx")
    write_xlsx(workbook, {"Clinical Info": [UCSF_CLINICAL, [100001, Error("#N/A"), 60.1, "GTR"]]})
    with pytest.raises(ResiduaError, match=r"sheet Clinical Info, B2 \(#N/A\): an error instead of a value"):
        SETS["ucsf-alptdg"](root, PublicOptions())


def test_ucsf_does_not_use_the_second_scan_and_difference_images(tmp_path: Path) -> None:
    left = SETS["ucsf-alptdg"](ucsf_alptdg(tmp_path), PublicOptions()).left
    whys = {name.rpartition("/")[2].removeprefix("100001_"): why for name, why in left.items() if "/100001/" in name}
    differences = ("flair_subtraction", "t1ce_subtraction_seg", "time1_t1ce-t1", "time2_t1ce-t1")
    assert whys == {
        "time1_t2.nii.gz": "t2: not needed",
        **{f"{name}.nii.gz": "a difference of images" for name in differences},
        **{f"time2_{kind}.nii.gz": "of the second scan" for kind in ("t1", "t1ce", "t2", "flair", "seg")},
    }


def test_mu_uses_the_first_scan_after_surgery(tmp_path: Path) -> None:
    found = SETS["mu-glioma-post"](mu_glioma_post(tmp_path), PublicOptions())
    patients = by_id(found)
    whys = [patient.exclusion_reason for patient in patients.values()]
    assert whys == ["", LATER, UNKNOWN]
    assert patients["PatientID_0003"].clinical == {"age": "57", "sex": "F", "hours_since_surgery": "48"}
    assert names(tmp_path, patients["PatientID_0003"]) == {
        "post_t1ce": "PatientID_0003/Timepoint_2/PatientID_0003_Timepoint_2_brain_t1c.nii.gz",
        "post_t1": "PatientID_0003/Timepoint_2/PatientID_0003_Timepoint_2_brain_t1n.nii.gz",
        "post_flair": "PatientID_0003/Timepoint_2/PatientID_0003_Timepoint_2_brain_t2f.nii.gz",
    }
    assert patients["PatientID_0005"].clinical["hours_since_surgery"] == "1584"
    assert patients["PatientID_0005"].labels == {}
    assert names(tmp_path, patients["PatientID_0008"])["post_t1ce"].startswith("PatientID_0008/Timepoint_2/")
    assert found.left["MU-Glioma-Post/PatientID_0003/Timepoint_1"] == "before surgery by the clinical table"
    assert found.left["MU-Glioma-Post/PatientID_0003/Timepoint_3"] == "a later scan"


@pytest.mark.parametrize("layout", sorted(SETS))
def test_assume_early_includes_patients_with_unknown_time(tmp_path: Path, layout: str) -> None:
    found = SETS[layout](BUILDERS[layout](tmp_path), PublicOptions("ABC", window=Window(assume_early=True)))
    assert {patient.exclusion_reason for patient in found.patients} <= {"", NO_SCAN, LATER}
    assert {patient.hospital for patient in found.patients} == {"ABC"}
    assert found.layout == layout
    assert found.remarks


def test_wider_window_includes_later_scans(tmp_path: Path) -> None:
    found = find_mu_glioma_post(mu_glioma_post(tmp_path), PublicOptions(window=Window(1584)))
    assert [patient.exclusion_reason for patient in found.patients] == ["", "", UNKNOWN]


@pytest.mark.parametrize("layout", sorted(SETS))
def test_every_file_is_either_used_or_listed(tmp_path: Path, layout: str) -> None:
    root = BUILDERS[layout](tmp_path)
    found = SETS[layout](root, PublicOptions())
    used = {str(file.relative_to(root)) for patient in found.patients for file in patient.images.values()}
    used |= {str(label.file.relative_to(root)) for patient in found.patients for label in patient.labels.values()}
    tables = {file.name for file in root.rglob("*.csv")}
    for file in (file for file in root.rglob("*") if file.is_file()):
        name = str(file.relative_to(root))
        is_told = any(name == left or name.startswith(f"{left}/") for left in found.left)
        by_product = "-segmentation/" in name
        assert (name in used) + is_told == 1 or file.name in tables or by_product, name


@pytest.mark.parametrize("layout", sorted(SETS))
def test_folder_without_the_set_is_reported(tmp_path: Path, layout: str) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK")
    assert "unpack set.zip and give the resulting folder" in told(layout, tmp_path)
    assert "cannot be read (No such file or directory)" in told(layout, tmp_path / "nowhere")


def test_release_in_another_format_is_reported(tmp_path: Path) -> None:
    series = tmp_path / "RHUH-GBM" / "RHUH-0001" / "01-25-2015-NA-RM CEREBRAL-21029"
    series.mkdir(parents=True)
    (series / "1-001.dcm").write_bytes(b"DICM")
    assert "no NIfTI file with a name of rhuh-gbm; give the folder of the NIfTI release" in told("rhuh-gbm", tmp_path)


def test_duplicate_patient_or_table_is_rejected(tmp_path: Path) -> None:
    ucsf_alptdg(tmp_path)
    write_rows(tmp_path / "copy.csv", UCSF_CLINICAL, ("100001", "9", "9", "GTR"))
    assert "both have the columns SubjectID, Days from 1st surgery/DX" in told("ucsf-alptdg", tmp_path)
    (tmp_path / "copy" / "100001").mkdir(parents=True)
    assert "100001 exists twice" in told("ucsf-alptdg", tmp_path)


def test_table_in_another_encoding_is_reported_and_not_ignored(tmp_path: Path) -> None:
    rhuh_gbm(tmp_path)
    table = tmp_path / "clinical_data_TCIA_RHUH-GBM.csv"
    table.write_bytes(table.read_bytes() + "RHUH-0003,1,60,Male,Río\n".encode("latin-1"))
    assert told("rhuh-gbm", tmp_path) == f"{table}: the table is not UTF-8 text: save it as TSV or CSV in UTF-8"


def imported(layout: str, source: Path, out: Path, *options: str) -> Any:
    """What the command of a layout says and exits with."""
    app = typer.Typer()
    app.command()(getattr(commands, layout.replace("-", "_")))
    return CliRunner().invoke(app, [str(source), "--out", str(out), *options])


def patients_of(out: Path) -> dict[str, Patient]:
    """The patients of the table that was written, which must be free of problems."""
    table = parse_table(str(out / "cohort.tsv"), (*FILES, "post_t2"), needed=FILES)
    assert table.problems == ()
    return {patient.patient: patient for patient in table.patients}


@pytest.mark.parametrize("layout", sorted(SETS))
def test_command_writes_a_valid_table_and_does_not_change_the_source(tmp_path: Path, layout: str) -> None:
    source, out = BUILDERS[layout](tmp_path / "source"), tmp_path / "out"
    before = snapshot(source)
    ran = imported(layout, source, out, "--column", "post_t2")
    assert (ran.exit_code, ran.exception) == (0, None)
    assert snapshot(source) == before
    patients = patients_of(out)
    assert len(patients) == len(SETS[layout](source, PublicOptions()).patients)
    for patient in patients.values():
        assert all(Path(file).is_file() for file in patient.files.values())
        assert patient.role == ("exclude" if patient.exclusion_reason else "auto")
    assert any(patient.files.get("post_t2") for patient in patients.values())
    assert json.loads((out / "import.json").read_text())["layout"] == layout


@pytest.mark.parametrize(
    ("layout", "patient", "label", "values"),
    [
        ("rhuh-gbm", "RHUH0001", "residual", (3,)),
        ("rhuh-gbm", "RHUH0001", "pre_tumor", (1, 3)),
        ("rhuh-gbm", "rhuh0002", "residual", ()),
        ("lumiere", "Patient001", "residual", (2,)),
        ("lumiere", "Patient001", "pre_tumor", (1, 2)),
        ("ucsf-alptdg", "100001", "residual", (3,)),
        ("mu-glioma-post", "PatientID0003", "residual", (3,)),
    ],
)
def test_label_holds_its_values_in_the_geometry_of_the_segmentation(
    tmp_path: Path, layout: str, patient: str, label: str, values: tuple[int, ...]
) -> None:
    assert imported(layout, BUILDERS[layout](tmp_path / "source"), tmp_path / "out").exit_code == 0
    mask = nib.load(patients_of(tmp_path / "out")[patient].files[label])
    np.testing.assert_array_equal(np.asarray(mask.dataobj), np.isin(SEGMENTATION, values))
    np.testing.assert_array_equal(mask.affine, AFFINE)


def test_identifiers_are_safe_and_source_id_keeps_the_original(tmp_path: Path) -> None:
    imported("rhuh-gbm", rhuh_gbm(tmp_path / "source"), tmp_path / "out")
    patients = json.loads((tmp_path / "out" / "import.json").read_text())["patients"]
    assert {name: record["source_id"] for name, record in patients.items()} == {
        "RHUH0001": "RHUH-0001",
        "rhuh0002": "rhuh-0002",
    }


def test_summary_reports_patients_that_are_not_early_post_operative(tmp_path: Path) -> None:
    source = lumiere(tmp_path / "source")
    told = imported("lumiere", source, tmp_path / "out").stdout
    assert "not early post-operative: 3 of 4" in told
    assert "residual and pre_tumor are automatic segmentations without manual correction" in told
    assert "not early" not in imported("lumiere", source, tmp_path / "assumed", "--assume-early").stdout
    assert "not early" not in imported("rhuh-gbm", rhuh_gbm(tmp_path / "rhuh"), tmp_path / "rhuh_out").stdout


def test_output_inside_the_source_is_rejected(tmp_path: Path) -> None:
    source = rhuh_gbm(tmp_path / "source")
    before = snapshot(source)
    ran = imported("rhuh-gbm", source, source / "out")
    assert isinstance(ran.exception, ResiduaError)
    assert snapshot(source) == before


@pytest.mark.parametrize("layout", sorted(SETS))
def test_stripped_set_says_how_to_make_its_brain_mask(tmp_path: Path, layout: str) -> None:
    told = imported(layout, BUILDERS[layout](tmp_path / "source"), tmp_path / "out").stdout
    assert "images are brain extracted: set brain_mask.method to stripped in the configuration" in told.splitlines()
    assert BrainMask(method="stripped").method == "stripped"
