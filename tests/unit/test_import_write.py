from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort_tables import write_image
from importer_trees import SEGMENTATION, imported, only, record_of, rows_of, voxels, write_cohort
from residua.cohort.table.writing import building
from residua.errors import ResiduaError
from residua.importers.command import LAYOUTS
from residua.importers.found import NOT_EARLY, Found, FoundPatient, Label
from residua.importers.identifiers import hospital_identifiers, safe_identifiers
from residua.importers.labels import derive, parse_rules
from residua.importers.record import summary
from residua.importers.window import Window, judged
from residua.importers.write import write_into


def one(tmp_path: Path, **changes: Any) -> Found:
    """A source with one patient who has the reference image."""
    image = write_image(tmp_path / "source" / "a.nii.gz")
    fields: dict[str, Any] = {"source_id": "Patient-001", "hospital": "St. X", "images": {"post_t1ce": image}}
    return Found("folders", (FoundPatient(**{**fields, **changes}),))


def test_table_has_relative_paths_and_a_record(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    found = one(tmp_path, clinical={"age": "61"}, remarks=("odd",))
    written = write_cohort(found, tmp_path / "out", lambda *numbers: done.append(numbers))
    assert written == tmp_path / "out" / "cohort.tsv"
    assert rows_of(tmp_path / "out") == {
        "Patient001": {
            "patient": "Patient001",
            "hospital": "StX",
            "role": "auto",
            "source_id": "Patient-001",
            "post_t1ce": "../source/a.nii.gz",
            "age": "61",
        }
    }
    record = record_of(tmp_path / "out")
    patient = {"source_id": "Patient-001", "exclusion_reason": "", "remarks": ["odd"]}
    assert record["patients"] == {"Patient001": patient}
    assert record["hospitals"] == {"StX": "St. X"}
    lacking = {"post_t1": 1, "post_flair": 1, "pre_t1ce": 1}
    assert (record["counts"]["lacking"], record["counts"]["labels"]) == (lacking, {"residual": 0, "pre_tumor": 0})
    assert done == [(1, 1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]


def test_table_has_all_study_columns_and_additional_ones_with_content_only(tmp_path: Path) -> None:
    t2 = write_image(tmp_path / "t2.nii.gz")
    table = write_cohort(one(tmp_path, images={"post_t2": t2}, clinical={"sex": "F"}), tmp_path / "out")
    assert table.read_text(encoding="utf-8").splitlines()[0].split("\t") == [
        *("patient", "hospital", "role", "exclusion_reason", "source_id"),
        *("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "residual", "pre_tumor", "post_t2", "sex"),
    ]


def test_path_broken_by_a_symbolic_link_is_absolute(tmp_path: Path) -> None:
    deep = tmp_path / "far" / "away"
    deep.mkdir(parents=True)
    (tmp_path / "link").symlink_to(deep)
    write_cohort(one(tmp_path), tmp_path / "link" / "out")
    (row,) = rows_of(tmp_path / "link" / "out").values()
    assert row["post_t1ce"] == str(tmp_path / "source" / "a.nii.gz")


def test_converted_images_become_part_of_the_new_folder(tmp_path: Path) -> None:
    with building(tmp_path / "out") as part:
        image = write_image(part / "images" / "a.nii.gz")
        write_into(part, tmp_path / "out", one(tmp_path, images={"post_t1ce": image}))
    (row,) = rows_of(tmp_path / "out").values()
    assert row["post_t1ce"] == "images/a.nii.gz"


def test_nonempty_folder_is_rejected_and_empty_one_accepted(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(ResiduaError, match="is not empty; name a new or empty folder"):
        write_cohort(one(tmp_path), out)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    (out / "mine.txt").unlink()
    assert write_cohort(one(tmp_path), out).is_file()


def test_failure_leaves_nothing_and_keeps_the_part_of_another_import(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match="no patient found in the layout folders"):
        write_cohort(Found("folders", ()), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part" / "begun").write_text("begun")
    with pytest.raises(ResiduaError, match=r"out\.part: exists already.* delete it and retry"):
        write_cohort(one(tmp_path), tmp_path / "out")
    assert (tmp_path / "out.part" / "begun").is_file()


def test_duplicate_patient_is_rejected(tmp_path: Path) -> None:
    patient = one(tmp_path).patients[0]
    with pytest.raises(ResiduaError, match="patient Patient-001 was found more than once"):
        write_cohort(Found("folders", (patient, patient)), tmp_path / "out")


def geometry(header: Any) -> list[Any]:
    names = ("dim", "pixdim", "qform_code", "sform_code", "quatern_b", "qoffset_x", "srow_x", "srow_z", "xyzt_units")
    return [np.asarray(header[name]).tolist() for name in names]


def test_label_is_derived_from_nifti_2(tmp_path: Path) -> None:
    image = nib.Nifti2Image(SEGMENTATION.astype(np.int16), np.eye(4))
    image.header["descrip"] = b"DOE^JANE"
    nib.save(image, tmp_path / "seg.nii.gz")
    label = (tmp_path / "seg.nii.gz").rename(tmp_path / "seg.Nii.Gz")
    assert derive(Label(label, (1, 4)), tmp_path / "made.nii.gz") == ()
    made: Any = nib.load(tmp_path / "made.nii.gz")
    assert type(made) is nib.Nifti2Image
    assert np.array_equal(voxels(tmp_path / "made.nii.gz"), np.isin(SEGMENTATION, (1, 4)))
    assert bytes(made.header["descrip"]).strip(b"\0") == b""


def test_derived_label_is_binary_with_the_geometry_of_its_file_and_no_free_text(tmp_path: Path) -> None:
    affine = np.array([[0, 0, 2.0, -7], [-1.0, 0, 0, 3], [0, 1.5, 0, 11], [0, 0, 0, 1]])
    image = nib.Nifti1Image(SEGMENTATION.astype(np.float64), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, 4)
    image.set_qform(affine, 1)
    image.header["descrip"] = b"DOE^JANE 1950"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"DOE^JANE"))
    nib.save(image, tmp_path / "seg.nii.gz")
    assert derive(Label(tmp_path / "seg.nii.gz", (1, 4)), tmp_path / "made.nii.gz") == ()
    made: Any = nib.load(tmp_path / "made.nii.gz")
    source: Any = nib.load(tmp_path / "seg.nii.gz")
    assert geometry(made.header) == geometry(source.header)
    assert (int(made.header["sform_code"]), int(made.header["qform_code"])) == (4, 1)
    assert made.get_data_dtype() == np.uint8
    assert np.array_equal(voxels(tmp_path / "made.nii.gz"), np.isin(SEGMENTATION, (1, 4)))
    assert bytes(made.header["descrip"]).strip(b"\0") == b""
    assert len(made.header.extensions) == 0


def test_scaled_file_is_read_with_its_slope(tmp_path: Path) -> None:
    image = nib.Nifti1Image((SEGMENTATION * 2).astype(np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, 0)
    nib.save(image, tmp_path / "seg.nii.gz")
    derive(Label(tmp_path / "seg.nii.gz", (4,)), tmp_path / "made.nii.gz")
    assert int(voxels(tmp_path / "made.nii.gz").sum()) == 4


def test_empty_label_gives_an_empty_mask_and_missing_file_no_annotation(tmp_path: Path) -> None:
    segmentation = write_image(tmp_path / "source" / "seg.nii.gz", only(1, 2))
    labels = {"residual": Label(segmentation, (4,)), "pre_tumor": Label(tmp_path / "no.nii.gz", (1,))}
    write_cohort(one(tmp_path, labels=labels), tmp_path / "out")
    (row,) = rows_of(tmp_path / "out").values()
    assert row["residual"] == "labels/Patient001_residual.nii.gz"
    assert not voxels(tmp_path / "out" / row["residual"]).any()
    assert "pre_tumor" not in row
    record = record_of(tmp_path / "out")
    assert record["counts"]["labels"] == {"residual": 1, "pre_tumor": 0}
    assert record["patients"]["Patient001"]["remarks"] == ["no label was derived: no.nii.gz: the file does not exist"]
    assert record["label_rules"] == {"residual": ["values 4"], "pre_tumor": ["values 1"]}


def test_binary_label_is_used_unchanged(tmp_path: Path) -> None:
    mask = write_image(tmp_path / "source" / "mask.nii.gz", only(1))
    write_cohort(one(tmp_path, labels={"residual": Label(mask)}), tmp_path / "out")
    (row,) = rows_of(tmp_path / "out").values()
    assert row["residual"] == "../source/mask.nii.gz"
    assert not (tmp_path / "out" / "labels").exists()


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (None, ()),
        ((1, 2, 3), ()),
        ((), ("seg.nii.gz also contains 1, 2, 3, not defined by the rule or the documentation",)),
    ],
)
def test_undefined_values_are_remarked(tmp_path: Path, known: Any, told: tuple[str, ...]) -> None:
    label = Label(write_image(tmp_path / "seg.nii.gz", SEGMENTATION), (4,), known)
    assert derive(label, tmp_path / "made.nii.gz") == told


@pytest.mark.parametrize("values", [SEGMENTATION * 0.3, np.where(SEGMENTATION == 4, np.nan, 1.0)])
def test_segmentation_without_whole_numbers_is_rejected(tmp_path: Path, values: Any) -> None:
    with pytest.raises(ResiduaError, match=r"^seg\.nii\.gz: contains values that are not whole numbers"):
        derive(Label(write_image(tmp_path / "seg.nii.gz", values), (4,)), tmp_path / "made.nii.gz")


def test_damaged_file_is_reported_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "seg.nii.gz").write_bytes(b"no image")
    with pytest.raises(ResiduaError) as raised:
        derive(Label(tmp_path / "seg.nii.gz", (4,)), tmp_path / "made.nii.gz")
    assert str(raised.value).startswith("seg.nii.gz: cannot be read as NIfTI")
    assert str(tmp_path) not in str(raised.value)


def test_parse_rules_reads_label_and_values() -> None:
    assert parse_rules(["residual=4", "pre_tumor= 4, 1"]) == {"residual": (4,), "pre_tumor": (1, 4)}


@pytest.mark.parametrize("text", ["residual", "residual=", "residual=a", "residual=0", "Residual=1", "=1"])
def test_invalid_rule_is_quoted(text: str) -> None:
    with pytest.raises(ResiduaError, match=f"^--label {text}: write the label and its values"):
        parse_rules([text])


def test_two_rules_for_one_label_are_rejected() -> None:
    with pytest.raises(ResiduaError, match="residual already has a rule"):
        parse_rules(["residual=1", "residual=4"])


def test_identifiers_are_alphanumeric_and_do_not_depend_on_the_order() -> None:
    names = ["sub-001_x", "RHUH-0001", "UCSF-PDGM-0004", "SUB1", "Tromsø 1", "Río", "患者", ""]
    made = safe_identifiers(names, "patients")
    assert made == {
        "sub-001_x": "sub001x",
        "RHUH-0001": "RHUH0001",
        "UCSF-PDGM-0004": "UCSFPDGM0004",
        "SUB1": "SUB1",
        "Tromsø 1": "Tromso1",
        "Río": "Rio",
        "患者": "u60a3u8005",
        "": "unnamed",
    }
    assert safe_identifiers(reversed(names), "patients") == made


def test_a_whole_number_that_was_kept_as_a_float_is_the_number() -> None:
    assert hospital_identifiers(["1.0", "2.0", "10.0"]) == {"1.0": "1", "2.0": "2", "10.0": "10"}
    assert safe_identifiers(["1.0", "Klinik 1.0", "1.5"], "persons") == {
        "1.0": "1",
        "Klinik 1.0": "Klinik10",
        "1.5": "15",
    }


@pytest.mark.parametrize(
    "names",
    [
        ("1", "1.0"),
        ("sub-1", "SUB1"),
        ("sub-1", "su-b1"),
        ("P-1-11", "P-11-1"),
        ("Jose", "José"),
        ("Jose\N{COMBINING ACUTE ACCENT}", "Jos\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("a b", "a_b"),
        ("--", ""),
    ],
)
def test_patients_that_become_one_identifier_are_named(tmp_path: Path, names: tuple[str, str]) -> None:
    patient = one(tmp_path).patients[0]
    found = Found("folders", tuple(replace(patient, source_id=name) for name in ("other", *names)))
    with pytest.raises(ResiduaError) as raised:
        write_cohort(found, tmp_path / "out")
    assert f"patients that may be the same: {' and '.join(map(repr, sorted(names)))}: " in str(raised.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("names", "identifier"),
    [
        (("St. Olav", "ST OLAV", "St.Olav", "St. Olav"), "StOlav"),
        (("st-olav", "ST_OLAV", " St.  Olav "), "StOlav"),
        (("Río Hortega", "Rio\N{COMBINING ACUTE ACCENT} Hortega", "RIO HORTEGA"), "RIOHORTEGA"),
        (("R\N{LATIN SMALL LETTER I WITH ACUTE}o", "Ri\N{COMBINING ACUTE ACCENT}o"), "Rio"),
        (("Tromsø", "TROMSØ", "Tromso", "Tromsø"), "Tromso"),
        (("Site-1", "site 1", "SITE1", "site1"), "SITE1"),
        (("10.0", "10", " 10.0 "), "10"),
        (("北京 医院", "北京医院"), "u5317u4eacu533bu9662"),
    ],
)
def test_spellings_of_one_hospital_are_one_hospital(tmp_path: Path, names: tuple[str, ...], identifier: str) -> None:
    patient = one(tmp_path).patients[0]
    patients = [replace(patient, source_id=str(n), hospital=name) for n, name in enumerate(names)]
    write_cohort(Found("folders", tuple(patients)), tmp_path / "out")
    assert {row["hospital"] for row in rows_of(tmp_path / "out").values()} == {identifier}
    (remark,) = record_of(tmp_path / "out")["remarks"]
    assert remark.startswith(f"hospital {identifier}: one hospital in several spellings: ")
    assert all(name in remark for name in names)
    assert remark in summary(record_of(tmp_path / "out"))


@pytest.mark.parametrize("names", [("Site 1-2", "Site 12"), ("1", "01"), ("Klinik 1.1", "Klinik 11")])
def test_hospitals_that_may_be_one_are_asked_about(tmp_path: Path, names: tuple[str, str]) -> None:
    patient = one(tmp_path).patients[0]
    patients = [replace(patient, source_id=str(n), hospital=name) for n, name in enumerate(names)]
    with pytest.raises(ResiduaError) as raised:
        write_cohort(Found("folders", tuple(patients)), tmp_path / "out")
    assert str(raised.value).startswith("hospitals that may be the same: ")
    assert all(repr(name) in str(raised.value) for name in names)


@pytest.mark.parametrize(
    "names", [("Berg", "Bergen"), ("北京", "上海"), ("A1", "A2"), ("Site 1-2", "Site 13"), ("1.0", "10.0")]
)
def test_different_hospitals_stay_different(names: tuple[str, str]) -> None:
    assert len(set(hospital_identifiers(names).values())) == 2


@given(st.lists(st.text(st.sampled_from("aA1x2-_ éß患"), max_size=5), max_size=6))
def test_identifiers_are_always_safe_and_unique(names: list[str]) -> None:
    try:
        made = safe_identifiers(names, "patients")
    except ResiduaError:
        assert len(set(names)) > 1
        return
    assert set(made) == set(names)
    assert all(identifier.isascii() and identifier.isalnum() for identifier in made.values())
    assert len({identifier.casefold() for identifier in made.values()}) == len(made)
    assert all(made[name] == name for name in made if name.isascii() and name.isalnum())


@pytest.mark.parametrize(
    ("hours", "assume", "reason"),
    [
        ("72", False, ""),
        ("72.5", False, f"{NOT_EARLY}: the scan was later than 72 h after surgery"),
        ("72.5", True, f"{NOT_EARLY}: the scan was later than 72 h after surgery"),
        ("-1", False, f"{NOT_EARLY}: the scan was before surgery"),
        ("", False, f"{NOT_EARLY}: the time from surgery to the scan is not known"),
        ("soon", False, f"{NOT_EARLY}: the time from surgery to the scan is not known"),
        ("", True, ""),
    ],
)
def test_scan_is_early_by_evidence_or_assumption_only(tmp_path: Path, hours: str, assume: bool, reason: str) -> None:
    found = judged(one(tmp_path, clinical={"hours_since_surgery": hours}), Window(assume_early=assume))
    assert found.patients[0].exclusion_reason == reason


def test_window_is_configurable_and_other_reasons_stay(tmp_path: Path) -> None:
    late = one(tmp_path, clinical={"hours_since_surgery": "90"})
    assert judged(late, Window(96)).patients[0].exclusion_reason == ""
    excluded = one(tmp_path, exclusion_reason="withdrew")
    assert judged(excluded, Window()).patients[0].exclusion_reason == "withdrew"
    without = one(tmp_path, images={})
    assert judged(without, Window()).patients[0].exclusion_reason == ""


def test_excluded_patient_has_role_exclude_and_reasons_are_counted(tmp_path: Path) -> None:
    write_cohort(judged(one(tmp_path), Window()), tmp_path / "out")
    (row,) = rows_of(tmp_path / "out").values()
    reason = f"{NOT_EARLY}: the time from surgery to the scan is not known"
    assert (row["role"], row["exclusion_reason"]) == ("exclude", reason)
    counts = record_of(tmp_path / "out")["counts"]
    assert (counts["not_early"], counts["excluded"]) == (1, {reason: 1})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_a_command(layout: str) -> None:
    ran = imported(layout, "--help")
    assert ran.exit_code == 0
    assert "--out" in ran.stdout


def test_wrong_usage_and_missing_source_are_reported(tmp_path: Path) -> None:
    assert imported("nothing").exit_code == 2
    ran = imported("brats", tmp_path / "no", "--out", tmp_path / "out")
    assert (ran.exit_code, ran.stderr) == (1, f"{tmp_path}/no: no such folder; give the folder with the data\n")
    assert list(tmp_path.iterdir()) == []


def test_layout_modules_are_loaded_on_demand() -> None:
    code = "import sys, residua.cli; print(*sorted(m for m in sys.modules if m.startswith('residua.importers.')))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["residua.importers.command", "residua.importers.found"]
