"""Miniatures of public sets in their documented layout, with images of 4x5x3 voxels."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cohort_tables import write_image

SEGMENTATION = np.zeros((4, 5, 3), np.uint8)
"""One voxel of value 1, two of 2, three of 3 and four of 4."""
for _value in (1, 2, 3, 4):
    SEGMENTATION[_value - 1, :_value, 1] = _value


def only(*values: int) -> NDArray[np.uint8]:
    """Return the segmentation with all other values removed."""
    return np.where(np.isin(SEGMENTATION, values), SEGMENTATION, 0).astype(np.uint8)


def write_rows(path: Path, columns: Sequence[str], *rows: Sequence[str], delimiter: str = ",") -> None:
    """Write a clinical table, with quotation marks as from a spreadsheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([columns, *rows])


def write_session(folder: Path, names: Mapping[str, NDArray[np.uint8] | None], extension: str = ".nii.gz") -> None:
    """Write an image (None) or a segmentation for each name."""
    for name, voxels in names.items():
        write_image(folder / f"{name}{extension}", voxels)


def rhuh_gbm(root: Path) -> Path:
    """Write RHUH-0001 complete; RHUH-0002 without enhancing tumour, as .nii, in other case, without recurrence scan."""
    release = root / "PKG - RHUH-GBM-nii-v1" / "RHUH-GBM_nii_v1"
    for time in "012":
        stem = f"RHUH-0001_{time}"
        names = dict.fromkeys(f"{stem}_{kind}" for kind in ("adc", "flair", "t1", "t1ce", "t2"))
        write_session(release / "RHUH-0001" / time, {**names, f"{stem}_segmentations": only(1, 2, 3)})
    for time, labels in (("0", only(1, 2, 3)), ("1", only(2))):
        stem = f"rhuh-0002_{time}"
        names = dict.fromkeys(f"{stem}_{kind}" for kind in ("FLAIR", "T1", "T1CE", "T2"))
        write_session(release / "rhuh-0002" / time, {**names, f"{stem}_seg": labels}, ".nii")
    (release / "RHUH-0001" / "notes.txt").write_text("a note")
    columns = ("Patient ID", "Days from earliest imaging to surgery ", "Age", "Sex", "WHO grade")
    rows = (("RHUH-0001", "1", "65", "Male", "4"), ("RHUH-0002", "12", "58", "Female", "4"))
    write_rows(root / "clinical_data_TCIA_RHUH-GBM.csv", columns, *rows)
    return root


LUMIERE_RATING = (
    "Rating (according to RANO, PD: Progressive disease, SD: Stable disease, PR: Partial response, "
    "CR: Complete response, Pre-Op: Pre-Operative, Post-Op: Post-Operative)"
)
LUMIERE_WEEKS = {
    "Patient-001": {"week-000-1": "Pre-Op", "week-000-2": "Post-Op", "week-044": "PD"},
    # The suffix contradicts the order of time; then a second operation.
    "Patient-020": {"week-000": "Post-Op ", "week-000-1": "Pre-Op", "week-030": "Pre-Op", "week-031": "Post-Op"},
    "Patient-033": {"week-000": "Pre-Op", "week-001": "Pre-Op", "week-002": "Post-Op/PD"},
    "Patient-060": {"week-000": "Pre-Op", "week-012": ""},
}


def lumiere(root: Path) -> Path:
    """Write four patients with all files of each week, ratings with the flaws of the real table, one with a scanner."""
    for patient, weeks in LUMIERE_WEEKS.items():
        for week in weeks:
            folder = root / "Imaging-v202211" / "Imaging" / patient / week
            write_session(folder, dict.fromkeys(("CT1", "T1", "T2", "FLAIR")))
            glio, bratumia = folder / "HD-GLIO-AUTO-segmentation", folder / "DeepBraTumIA-segmentation"
            write_session(
                glio / "native", {"segmentation_CT1_origspace": only(1, 2), "segmentation_T1_origspace": None}
            )
            write_session(glio / "registered", {"segmentation": only(1, 2), "CT1_r2s_bet_reg": None})
            write_session(bratumia / "native" / "segmentation", {"ct1_seg_mask": only(1, 2, 3), "t1_seg_mask": None})
            write_session(bratumia / "atlas" / "segmentation", {"seg_mask": only(1, 2, 3)})
    rated = [(patient, week, "", rating) for patient, weeks in LUMIERE_WEEKS.items() for week, rating in weeks.items()]
    columns = ("Patient", "Date", "LessThan3Months", LUMIERE_RATING, "Rating rationale (L: Lesion)")
    write_rows(root / "LUMIERE-ExpertRating-v202211.csv", columns, *[(*row, "L: 13mm x 26mm") for row in rated])
    people = ("Patient", "Survival time (weeks)", "Sex", "Age at surgery (years)", "IDH (WT: wild type)")
    rows = (("Patient-001", "72", "female", "57", "WT"), ("Patient-020", "na", "male", "na", "WT"))
    write_rows(root / "LUMIERE-Demographics_Pathology.csv", people, *rows)
    scanner = ("Patient", "Timepoint", "Sequence", "Field strength", "Manufacturer", "Sex", "Age")
    first = ("Patient-001", "week-000-2")
    scans = ((*first, "T1", "1.5", "PHILIPS", "F", "57"), (*first, "CT1", "3", "SIEMENS", "F", "57"))
    write_rows(root / "LUMIERE-MRinfo.csv", scanner, *scans)
    return root


UCSF_CLINICAL = (
    "SubjectID",
    "Days from 1st surgery/DX  to 1st scan",
    "Days from 1st scan to 2nd scan",
    "EOR at 1st SX",
)


def ucsf_alptdg(root: Path, with_table: bool = True) -> Path:
    """Write 100001 (resected, 2 days), 100002 (60 days), 100003 (biopsy), 100004 (negative), 100006 (no row)."""
    release = root / "UCSF_POSTOP_GLIOMA_DATASET_FINAL_v1.0"
    for patient in ("100001", "100002", "100003", "100004", "100006"):
        folder = release / patient
        for time in ("time1", "time2"):
            stem = f"{patient}_{time}"
            names = dict.fromkeys(f"{stem}_{kind}" for kind in ("t1", "t1ce", "t2", "flair", "t1ce-t1"))
            write_session(folder, {**names, f"{stem}_seg": SEGMENTATION.astype(np.float64)})
        write_session(folder, {f"{patient}_flair_subtraction": None, f"{patient}_t1ce_subtraction_seg": only(1, 2)})
    workbook = release / "UCSF_PostopGlioma_Table S1 R1 V5.0_UNBLINDED_FINAL.xlsx"
    workbook.write_bytes(b"PK a workbook")
    if with_table:
        rows = [("100001", "2", "60.1", "GTR"), ("100002", "60", "64.9", "STR"), ("100003", "1", "70", "BX")]
        rows.append(("100004", "-3", "30", "GTR"))
        write_rows(release / "Clinical Info.csv", UCSF_CLINICAL, *rows)
        columns = ("SubjectID", "Timepoint", "Full ID", "Patient Sex", "Patient Age")
        scans = (("100001.0", "2", "b", "M", "52"), ("100001.0", "1", "a", "M", "51"))
        write_rows(release / "UCSF-LPTDG.csv", columns, *scans)
    return root


def mu_glioma_post(root: Path) -> Path:
    """Write 0003 (before surgery, 2 and 90 days), 0005 (66 days, no mask), 0008 (no row, a gap in the numbers)."""
    points = {"PatientID_0003": (1, 2, 3), "PatientID_0005": (1,), "PatientID_0008": (2, 5)}
    for patient, numbers in points.items():
        for point in numbers:
            stem = f"{patient}_Timepoint_{point}"
            names = dict.fromkeys(f"{stem}_brain_{kind}" for kind in ("t1n", "t1c", "t2w", "t2f"))
            masks = {} if patient == "PatientID_0005" else {f"{stem}_tumorMask": SEGMENTATION}
            write_session(root / "MU-Glioma-Post" / patient / f"Timepoint_{point}", {**names, **masks})
    columns = (
        *("Patient_ID", "Sex at Birth", "Age at diagnosis"),
        "Number of days from Diagnosis to First surgery or procedure ",
        *(f"Number of Days from Diagnosis to {n} MRI (Timepoint_{n[0]}) " for n in ("1st", "2nd", "3rd")),
    )
    rows = (
        ("PatientID_0003", "Female", "57", "1", "-4", "3", "91"),
        ("PatientID_0005", "Male", "49", "0", "66", "", ""),
    )
    write_rows(root / "MU-Glioma-Post_ClinicalData-July2025.csv", columns, *rows, delimiter=";")
    return root


BUILDERS = {
    "rhuh-gbm": rhuh_gbm,
    "lumiere": lumiere,
    "ucsf-alptdg": ucsf_alptdg,
    "mu-glioma-post": mu_glioma_post,
}
"""The function that writes each set, by its layout."""
