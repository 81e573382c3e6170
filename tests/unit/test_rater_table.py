"""The rater table: read, judged, and the headers of its masks."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cohort_tables import AFFINE, snapshot, write_image
from residua.cohort.checks.rater_headers import check_rater_headers
from residua.cohort.table.rater_table import COLUMNS, Raters, Rating
from residua.errors import ResiduaError
from residua.problems.lists import errors_of
from whole_tables import load_raters

HOLDOUT = ("AMS1", "AMS2")
EXCLUDED = ("AMS9",)
INCLUDED = ("STO1", *HOLDOUT)
WHY = "the inter-rater study compares with the test set's predictions"


def rating(patient: str, rater: str = "expert1", expertise: str = "expert", **cells: str) -> dict[str, str]:
    """One row whose mask is called ``raters/RATER_PATIENT.nii.gz``."""
    mask = f"raters/{rater}_{patient}.nii.gz"
    return {"patient": patient, "rater": rater, "expertise": expertise, "mask": mask, **cells}


def ratings() -> list[dict[str, str]]:
    """Two raters of two patients, in rows 2 to 5."""
    return [rating(patient, *who) for patient in HOLDOUT for who in (("expert1", "expert"), ("novice1", "novice"))]


def write(
    folder: Path,
    records: Sequence[Mapping[str, str]],
    columns: Sequence[str] = COLUMNS,
    delimiter: str = "\t",
    masks: bool = True,
) -> str:
    """Write ``raters.tsv`` and, as empty files, the masks that it names; return its path."""
    lines = [delimiter.join(columns)]
    lines += [delimiter.join(record.get(column, "") for column in columns) for record in records]
    path = folder / "raters.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for record in records if masks else ():
        mask = folder / record["mask"]
        mask.parent.mkdir(exist_ok=True)
        mask.touch()
    return str(path)


def refusal(path: str) -> list[str]:
    """The lines of the error that loading ``path`` raises."""
    with pytest.raises(ResiduaError) as raised:
        load_raters(path, HOLDOUT, EXCLUDED, INCLUDED)
    return str(raised.value).splitlines()


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_rows_become_ratings_in_table_order(tmp_path: Path, delimiter: str) -> None:
    raters = load_raters(write(tmp_path, ratings(), delimiter=delimiter), HOLDOUT, EXCLUDED)
    assert raters.ratings == tuple(
        Rating(patient, rater, expertise, f"{tmp_path}/raters/{rater}_{patient}.nii.gz", row)  # type: ignore[arg-type]
        for row, (patient, rater, expertise) in enumerate(
            [
                ("AMS1", "expert1", "expert"),
                ("AMS1", "novice1", "novice"),
                ("AMS2", "expert1", "expert"),
                ("AMS2", "novice1", "novice"),
            ],
            start=2,
        )
    )
    assert raters.patients == HOLDOUT
    assert raters.left_out == ()


def test_masks_stay_relative_to_the_table_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere.nii.gz"
    (tmp_path / "raters").mkdir()
    write(tmp_path, [rating("AMS1", mask="./raters/.././a.nii.gz"), rating("AMS2", mask=str(elsewhere))])
    monkeypatch.chdir(tmp_path.parent)
    first, second = load_raters(f"{tmp_path.name}/raters.tsv", HOLDOUT, EXCLUDED).ratings
    assert first.mask == f"{tmp_path.name}/a.nii.gz"
    assert second.mask == str(elsewhere)


def test_rows_of_an_excluded_patient_are_skipped_and_listed(tmp_path: Path) -> None:
    records = [rating("AMS9"), rating("AMS1"), rating("AMS9", "novice 1", "beginner")]
    path = write(tmp_path, records)
    (tmp_path / "raters" / "expert1_AMS9.nii.gz").unlink()
    raters = load_raters(path, HOLDOUT, EXCLUDED)
    assert [each.patient for each in raters.ratings] == ["AMS1"]
    assert raters.left_out == ("AMS9",)


def test_a_table_of_excluded_patients_alone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, [rating("AMS9")])
    assert refusal(path)[1:] == [
        f"  {path}: every patient of the table is excluded from the cohort: rate patients that are not excluded, "
        "or set raters "
        "to null in the config"
    ]


def test_all_problems_are_reported_at_once_and_nothing_is_changed(tmp_path: Path) -> None:
    records = [
        rating("AMS1"),
        rating("AMS1"),
        rating("AMS-1", "Dr No"),
        rating("STO1", "novice1", "novice"),
        rating("STO1", "novice2", "novice"),
        rating("AMS3", "novice1", "beginner"),
        rating("XYZ"),
        rating("AMS2", "expert1", "novice"),
        rating("AMS2", "EXPERT1"),
        rating("AMS2", "Novices", "novice"),
        rating("AMS2", "novice2", "", mask="n/a"),
        rating("", "novice3", "novice", mask="raters"),
    ]
    path = write(tmp_path, [record for record in records if record["mask"].endswith(".gz")])
    (tmp_path / "raters" / "expert1_XYZ.nii.gz").unlink()
    write(tmp_path, records, [*COLUMNS, "Expertice", "colour"], masks=False)
    before = snapshot(tmp_path)
    title, *lines = refusal(path)
    assert title == f"{path}: the rater table cannot be used ({len(lines)} to correct):"
    assert lines == [
        "  row 1, column Expertice: unknown column: did you mean expertise?",
        "  row 1, column colour: unknown column: rename or delete it; known are patient, rater, expertise, mask",
        "  row 3 (patient AMS1), column rater: expert1 has also rated this patient in row 2: "
        "give every patient and rater one row",
        "  row 4 (patient AMS-1), column patient: 'AMS-1' is not an identifier: use letters A-Z, a-z and digits only",
        "  row 4 (patient AMS-1), column rater: 'Dr No' is not an identifier: use letters A-Z, a-z and digits only",
        f"  row 5 (patient STO1), column patient: the patient is not in the hold-out (2 rows): remove the row; {WHY}",
        "  row 7 (patient AMS3), column expertise: unknown expertise 'beginner': write novice or expert",
        "  row 7 (patient AMS3), column patient: the cohort table has no patient of this name in the hold-out: "
        f"did you mean AMS2?; {WHY}",
        f"  row 8 (patient XYZ), column mask, {tmp_path}/raters/expert1_XYZ.nii.gz: the file does not exist: "
        "correct the path (relative to the table)",
        "  row 8 (patient XYZ), column patient: the cohort table has no patient of this name in the hold-out: "
        f"correct the name or remove the row; {WHY}",
        "  row 9 (patient AMS2), column expertise: expert1 is novice here and expert in row 2: "
        "give every rater one expertise",
        "  row 10 (patient AMS2), column rater: the rater differs from expert1 in row 2 by upper and lower case only: "
        "write every rater's name in the same way",
        "  row 11 (patient AMS2), column rater: 'Novices' is the name of a group of raters, the consensus or a "
        "network: give the rater another name, such as expert1",
        "  row 12 (patient AMS2), column expertise: unknown expertise '': write novice or expert",
        "  row 12 (patient AMS2), column mask: no file is given: "
        "give the mask (an empty mask means no tumour), or remove the row",
        "  row 13, column patient: '' is not an identifier: use letters A-Z, a-z and digits only",
        f"  row 13, column mask, {tmp_path}/raters: not a file: give the path of the NIfTI file itself",
    ]
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["novices", "EXPERTS", "All", "consensus", "nnunet", "NNUNET"])
def test_a_rater_is_not_called_like_a_group_the_consensus_or_a_network(tmp_path: Path, name: str) -> None:
    (line,) = refusal(write(tmp_path, [rating("AMS1", name), rating("AMS2", name)]))[1:]
    assert line.startswith(f"  row 2 (patient AMS1), column rater: {name!r} is the name of a group of raters")


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, column: str) -> None:
    path = write(tmp_path, ratings(), [each for each in COLUMNS if each != column])
    assert refusal(path)[1:] == [f"  row 1, column {column}: the column is missing: add it to the table"]


def test_repeated_and_unnamed_columns_and_rows_of_wrong_width_are_reported(tmp_path: Path) -> None:
    path = Path(write(tmp_path, ratings(), (*COLUMNS, "mask", "")))
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] += "\tmore"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert refusal(str(path))[1:] == [
        "  row 1, column mask: the column is twice in the header: delete one",
        "  row 1: column number 6 has no name: name or delete it",
        "  row 3 (patient AMS1): 7 cells under 6 columns: give every row one cell per column",
    ]


def test_a_table_that_is_not_there_or_holds_nothing_is_named(tmp_path: Path) -> None:
    assert (
        f"{tmp_path}/no.tsv: the table cannot be read (No such file or directory)" in refusal(f"{tmp_path}/no.tsv")[1]
    )
    path = write(tmp_path, [])
    assert refusal(path)[1:] == [f"  {path}: the table has no rating: add one row per patient and rater"]
    Path(path).write_bytes(b"")
    assert "the table is empty" in refusal(path)[1]


def test_one_mask_in_two_rows_and_a_foreign_path_are_reported(tmp_path: Path) -> None:
    shared = "raters/../raters/expert1_AMS1.nii.gz"
    write(tmp_path, [rating("AMS1")])
    path = write(
        tmp_path, [rating("AMS1"), rating("AMS1", "expert2", mask=shared), rating("AMS2", mask="~/x")], masks=False
    )
    assert refusal(path)[1:] == [
        f"  row 3 (patient AMS1), column mask, {tmp_path}/raters/expert1_AMS1.nii.gz: the same file as in row 2: "
        "give every rating a mask of its own",
        "  row 4 (patient AMS2), column mask: a path that begins with ~ depends on the user: write the path in full",
    ]


@pytest.mark.parametrize("form", ["UTF-16", "semicolon", "Parquet"])
def test_equal_content_gives_equal_ratings_in_every_form(tmp_path: Path, form: str) -> None:
    path = Path(write(tmp_path, ratings()))
    expected = load_raters(str(path), HOLDOUT, EXCLUDED)
    other = tmp_path / "other"
    frame = pd.DataFrame(ratings())
    if form == "Parquet":
        frame.astype({"expertise": "category"}).to_parquet(other)
    else:
        other.write_text(frame.to_csv(index=False, sep=";"), encoding="utf-16" if form == "UTF-16" else "utf-8-sig")
    assert load_raters(str(other), HOLDOUT, EXCLUDED) == expected


def test_reading_a_rater_table_loads_no_array_library() -> None:
    heavy = {"numpy", "nibabel", "pandas", "pyarrow", "torch"}
    listed = f"import sys, residua.cohort.table.rater_table; print({heavy!r} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


CELLS = st.one_of(st.sampled_from([*COLUMNS, "AMS1", "AMS9", "expert", "n/a", '"', "\0"]), st.text(max_size=6))


def _csv(records: list[list[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter="\t").writerows([list(COLUMNS), *records])
    return stream.getvalue().encode("utf-8", "surrogatepass")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.lists(st.lists(CELLS, max_size=6), max_size=4).map(_csv)))
@example(_csv([["AMS1", "expert1", "expert", "x\0y"]]))
@example(_csv([["AMS1", "expert1", "expert", "x" * 5000]]))
def test_any_content_is_read_or_refused_with_a_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "raters.tsv"
    path.write_bytes(content)
    try:
        raters = load_raters(str(path), HOLDOUT, EXCLUDED)
    except ResiduaError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert len(str(error).splitlines()) > 1  # noqa: PT017
    else:
        assert set(raters.patients) <= set(HOLDOUT)
        assert raters.ratings
    assert path.read_bytes() == content


# --- headers of the masks ---------------------------------------------------------------------------------------------


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Raters, dict[str, str]]:
    """Two raters' masks of two patients and the patients' reference images, all on one grid."""
    path = write(tmp_path, ratings())
    for record in ratings():
        write_image(tmp_path / record["mask"], np.zeros((4, 5, 3), np.uint8))
    references = {patient: str(write_image(tmp_path / f"{patient}.nii.gz")) for patient in HOLDOUT}
    return load_raters(path, HOLDOUT, EXCLUDED), references


def test_masks_on_the_grid_of_the_reference_image_are_sound(drawn: tuple[Raters, dict[str, str]]) -> None:
    assert check_rater_headers(*drawn) == []


def test_masks_off_the_grid_and_broken_masks_are_all_reported(
    tmp_path: Path, drawn: tuple[Raters, dict[str, str]]
) -> None:
    raters, references = drawn
    shifted = AFFINE.copy()
    shifted[0, 3] = 1.0
    write_image(Path(raters.ratings[0].mask), np.zeros((6, 5, 3), np.uint8))
    Path(raters.ratings[1].mask).write_bytes(b"")
    write_image(Path(raters.ratings[3].mask), np.zeros((4, 5, 3), np.uint8), shifted)
    before = snapshot(tmp_path)
    first, second, third = (str(problem) for problem in check_rater_headers(raters, references))
    assert first == (
        f"row 2 (patient AMS1), column mask, {raters.ratings[0].mask}: shape (6, 5, 3) of 1x1x2 mm does not lie on the "
        "grid of the reference image, shape (4, 5, 3) of 1x1x2 mm: "
        f"resample the mask to {references['AMS1']} with nearest neighbour, or draw it on that image"
    )
    assert second.startswith(
        f"row 3 (patient AMS1), column mask, {raters.ratings[1].mask}: the file is empty (0 bytes)"
    )
    assert third.startswith(f"row 5 (patient AMS2), column mask, {raters.ratings[3].mask}: shape (4, 5, 3) of")
    assert "but elsewhere in space" in third
    assert snapshot(tmp_path) == before


def test_a_mask_that_went_missing_and_a_broken_reference_are_left_to_their_own_checks(
    drawn: tuple[Raters, dict[str, str]],
) -> None:
    raters, references = drawn
    Path(raters.ratings[0].mask).unlink()
    Path(references["AMS2"]).write_bytes(b"")
    assert errors_of(check_rater_headers(raters, references)) == []
