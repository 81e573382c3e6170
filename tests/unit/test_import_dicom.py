from __future__ import annotations

import csv
import gzip
import os
import stat
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from cohort_tables import FILES, snapshot
from dicom_commands import confirm, propose, residua
from dicom_trees import BIRTH, IDENTITY, NAME, PLACE, SHAPE, T1, T1CE, uids, world_mm, write_export, write_series
from residua.cohort.table.patients import parse_table
from residua.importers.dicom.proposal_table import scrubbed
from residua.importers.dicom.propose import weighting
from residua.importers.dicom.series import Series


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """The folder of a PACS export."""
    write_export(tmp_path / "pacs")
    return tmp_path / "pacs"


def proposed(export: Path) -> tuple[Path, list[dict[str, str]]]:
    """The proposal of an export, and its rows."""
    out, rows, _ = propose(export, f"{IDENTITY},2020-01-02 13:00")
    return out, rows


def test_every_series_gets_a_proposal_with_confidence_and_reasons(export: Path) -> None:
    before = snapshot(export)
    _, rows = proposed(export)
    by_column = {row["column"]: row for row in rows if row["column"]}
    assert set(by_column) == {"pre_t1ce", "post_t1", "post_t1ce", "post_flair"}
    contrast = by_column["post_t1ce"]
    assert (contrast["patient"], contrast["session"], contrast["slices"]) == ("STO001", "post", "12")
    # Named T1 (0.5), timed as T1 (0.3), contrast by description and tag (0.2).
    assert float(contrast["confidence"]) == pytest.approx(1.0)
    assert "with contrast agent by description and tag" in contrast["reasons"]
    assert "20 h after surgery" in contrast["reasons"] or "21 h after surgery" in contrast["reasons"]
    reasons = " | ".join(row["reasons"] for row in rows if not row["column"])
    for said in ("a localiser", "derived from other images", "holds no structure that can be read"):
        assert said in reasons
    assert all(row["confirmed"] == "" for row in rows)
    assert snapshot(export) == before


def test_proposal_contains_no_identity_and_mapping_is_private(export: Path) -> None:
    out, _ = proposed(export)
    shown = (out / "proposal.tsv").read_text()
    for trace in (NAME, "Jane", IDENTITY, BIRTH, PLACE, "20200103", *uids(export)):
        assert trace not in shown
    private = out / "private"
    assert stat.S_IMODE(os.stat(private).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(private / "mapping.json").st_mode) == 0o600
    assert IDENTITY in (private / "mapping.json").read_text()


def test_unconfirmed_or_repeated_column_is_rejected(export: Path) -> None:
    out, rows = proposed(export)
    refused = residua("import", "dicom-convert", out, "--out", export.parent / "cohort")
    assert refused.exit_code == 1
    assert "is not confirmed; inspect the series and write yes or no" in refused.stderr
    assert refused.stderr.splitlines()[0].endswith("the proposal is not ready (4 to correct):")
    assert not (export.parent / "cohort").exists()
    rows[-1]["column"] = "post_t1ce"
    confirm(out, rows)
    twice = residua("import", "dicom-convert", out, "--out", export.parent / "cohort")
    assert "post_t1ce appears twice for this patient; confirm only one" in twice.stderr


def test_converted_volumes_have_the_dicom_geometry_and_no_identity(tmp_path: Path) -> None:
    export = tmp_path / "pacs"
    voxels = write_export(export)
    out, rows = proposed(export)
    confirm(out, rows)
    before = snapshot(export)
    cohort = tmp_path / "cohort"
    ran = residua("import", "dicom-convert", out, "--out", cohort)
    assert ran.exit_code == 0, ran.output
    assert snapshot(export) == before
    table = parse_table(str(cohort / "cohort.tsv"), FILES)
    (patient,) = table.patients
    assert table.problems == ()
    assert not patient.excluded
    assert (patient.patient, patient.hospital) == ("STO001", "STO")
    assert patient.hours_since_surgery == pytest.approx(20.5)
    assert {**patient.clinical, "hours_since_surgery": ""} == {
        "hours_since_surgery": "", "age": "69", "sex": "F", "field_strength_t": "1.5", "manufacturer": "Siemens",
    }  # fmt: skip
    for column, expected in voxels.items():
        image = nib.load(patient.files[column])
        found = np.asarray(image.dataobj)
        back = np.linalg.inv(image.affine)
        for index in ((0, 0, 0), (SHAPE[0] - 1, 3, 5), (7, SHAPE[1] - 1, SHAPE[2] - 1)):
            i, j, k = np.rint(nib.affines.apply_affine(back, world_mm(*index))).astype(int)
            assert np.allclose(nib.affines.apply_affine(image.affine, (i, j, k)), world_mm(*index), atol=1e-3)
            assert found[i, j, k] == expected[index]
    traces = [t.encode() for t in (NAME, "Jane", IDENTITY, BIRTH, PLACE, "20200103", str(export), *uids(export))]
    for path in cohort.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            content += gzip.decompress(content) if path.suffix == ".gz" else b""
            assert not [trace for trace in traces if trace in content], path


def test_without_surgery_date_confidence_is_halved_and_patient_excluded(tmp_path: Path) -> None:
    write_series(tmp_path / "pacs", "T1 MPRAGE +GD", "20200103 0930", "1.2.3", **T1CE)
    out = tmp_path / "proposal"
    assert residua("import", "dicom", tmp_path / "pacs", "--out", out, "--hospital", "STO").exit_code == 0
    (row,) = csv.DictReader((out / "proposal.tsv").open(), delimiter="\t")
    assert (row["column"], float(row["confidence"])) == ("post_t1ce", pytest.approx(0.5))
    confirm(out, [row])
    assert residua("import", "dicom-convert", out, "--out", tmp_path / "cohort").exit_code == 0
    (patient,) = parse_table(str(tmp_path / "cohort/cohort.tsv"), FILES).patients
    assert patient.exclusion_reason.startswith("not early post-operative")


def test_more_certain_of_two_series_is_proposed_and_both_give_the_reason(tmp_path: Path) -> None:
    for number, (description, tags) in enumerate((("t1 tse", T1CE), ("T1 MPRAGE +GD", T1CE)), start=1):
        write_series(tmp_path / "pacs", description, f"20200103 09{number}0", "1.2.3", number, **tags)
    out = tmp_path / "proposal"
    residua("import", "dicom", tmp_path / "pacs", "--out", out, "--hospital", "STO")
    first, second = csv.DictReader((out / "proposal.tsv").open(), delimiter="\t")
    assert (first["column"], second["column"]) == ("", "post_t1ce")
    assert "another series is preferred for post_t1ce" in first["reasons"]
    assert "preferred to 1 other series for post_t1ce" in second["reasons"]


@pytest.mark.parametrize(
    ("description", "tags", "said"),
    [
        ("T1 MPRAGE", {"RepetitionTime": 5000, "EchoTime": 100, "InversionTime": 0}, "TR, TE and TI are those of T2"),
        ("T1 FLAIR", {"RepetitionTime": 2000, "EchoTime": 10, "InversionTime": 800}, "TR, TE and TI are those of T1"),
        ("T1 nativ", T1CE, "an agent is tagged, but the description says without"),
    ],
)
def test_contradiction_is_asked(tmp_path: Path, description: str, tags: dict[str, Any], said: str) -> None:
    write_series(tmp_path / "pacs", description, "20200103 0930", "1.2.3", **tags)
    _, (row,), printed = propose(tmp_path / "pacs", f"{IDENTITY},2020-01-02 13:00")
    assert (row["column"], row["confidence"]) == ("", "0.00")
    assert f"question: {said}: which is it?" in row["reasons"]
    assert "1 series raise a question" in printed


@pytest.mark.parametrize("agent", ["no", "None", "NO CONTRAST", "ohne KM", "n", "none given", "-", "0", "w/o"])
def test_tag_that_says_no_agent_is_none(tmp_path: Path, agent: str) -> None:
    write_series(tmp_path / "pacs", "T1 MPRAGE", "20200103 0930", "1.2.3", **T1, ContrastBolusAgent=agent)
    _, (row,), _ = propose(tmp_path / "pacs", f"{IDENTITY},2020-01-02 13:00")
    assert (row["column"], row["confidence"]) == ("post_t1", "1.00")


def test_two_series_that_fit_equally_well_are_asked(tmp_path: Path) -> None:
    for number in (1, 2):
        write_series(tmp_path / "pacs", "T1 MPRAGE", f"20200103 09{number}0", "1.2.3", number, **T1)
    _, rows, _ = propose(tmp_path / "pacs", f"{IDENTITY},2020-01-02 13:00")
    assert [row["column"] for row in rows] == ["", ""]
    assert all("question: 2 series fit post_t1 equally well: which is it?" in row["reasons"] for row in rows)


def test_flair_without_an_inversion_time_is_no_contradiction(tmp_path: Path) -> None:
    write_series(tmp_path / "pacs", "FLAIR tra", "20200103 0930", "1.2.3", RepetitionTime=9000, EchoTime=120)
    _, (row,), _ = propose(tmp_path / "pacs", f"{IDENTITY},2020-01-02 13:00")
    assert (row["column"], row["confidence"]) == ("post_flair", "0.80")


def series(description: str, **tags: Any) -> Series:
    return Series(
        patient_id="1", study_uid="1", series_uid="1", when=None, number=1, description=description, modality="MR",
        image_type=(), tr_ms=tags.get("RepetitionTime"), te_ms=tags.get("EchoTime"), ti_ms=tags.get("InversionTime"),
        agent=tags.get("ContrastBolusAgent", ""), spacing_mm=(1.0, 1.0, 1.0), age="", sex="", field_strength_t="",
        manufacturer="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("description", "tags", "kind"),
    [
        ("t1_mprage_sag_p2_iso", T1, "t1"),
        ("t1_mprage_sag_p2_iso_KM", T1CE, "t1ce"),
        ("Ax 3D BRAVO +C", T1CE, "t1ce"),
        ("SAG T1 FSPGR POST GAD", {}, "t1ce"),
        ("3D T1 TFE Gd", T1CE, "t1ce"),
        ("T1W_3D_FFE_ce", {}, "t1ce"),
        ("t1_vibe_tra_nativ", T1, "t1"),
        ("T1 ohne KM", T1, "t1"),
        ("T1 SE pre contrast", T1, "t1"),
        ("t2_tirm_tra_dark-fluid", {"RepetitionTime": 9000, "EchoTime": 90, "InversionTime": 2500}, "flair"),
        ("3D FLAIR CUBE", {}, "flair"),
        ("t2_tse_tra", {"RepetitionTime": 5000, "EchoTime": 100}, "t2"),
        ("AX T2* GRE", {"RepetitionTime": 600, "EchoTime": 40}, ""),
        ("ep2d_diff_3scan_trace_ADC", {"RepetitionTime": 5000, "EchoTime": 55}, ""),
        ("", {"RepetitionTime": 2000, "EchoTime": 3, "ContrastBolusAgent": "Gadovist"}, "t1ce"),
        ("", {"RepetitionTime": 9000, "EchoTime": 120, "InversionTime": 2400}, "flair"),
        ("series 7", {}, ""),
    ],
)
def test_weighting_from_usual_descriptions_and_parameters(description: str, tags: dict[str, Any], kind: str) -> None:
    assert weighting(series(description, **tags))[0] == kind


def test_confidence_is_lower_if_signs_contradict() -> None:
    agreeing = weighting(series("T1 +GD", **T1CE))[1]
    by_tag_only = weighting(series("T1", **T1CE))[1]
    contradicted = weighting(series("T1 +GD", RepetitionTime=5000, EchoTime=100))[1]
    assert agreeing > by_tag_only > contradicted


def test_scrubbed_description_keeps_mri_terms_only() -> None:
    assert scrubbed("t1 mprage KM Jane Doe 19500203") == "t1 mprage KM …"
    assert scrubbed("T1_MPRAGE_sag_iso") == "T1 MPRAGE sag iso"
    assert "4711" not in scrubbed("T1 4711")
