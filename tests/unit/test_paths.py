"""Paths of the tables: the file that the system finds, however the path is written."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from cohort_tables import headers, row, rows, study, write_image, write_images, write_table
from residua.cohort.cohort import judged_cohort
from residua.cohort.table.paths import absolute_path, plain_path
from residua.cohort.table.rater_table import judged_raters
from residua.cohort.table.writing import building
from residua.images.volumes import load_grid
from whole_tables import read_patients


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """``study/images`` is a link to ``elsewhere/deep``, so that ``study/images/..`` is ``elsewhere``."""
    (tmp_path / "elsewhere/deep").mkdir(parents=True)
    (tmp_path / "study").mkdir()
    (tmp_path / "study/images").symlink_to("../elsewhere/deep")
    (tmp_path / "study/a.txt").write_text("another person's")
    (tmp_path / "elsewhere/a.txt").write_text("the system's")
    return tmp_path


@pytest.mark.parametrize(
    "path",
    [
        "study/images/../a.txt",
        "study/./images//../a.txt",
        "elsewhere/../study/images/../a.txt",
        "study/images/../deep/../a.txt",
        "study/images/../../elsewhere/a.txt",
    ],
)
def test_dots_behind_a_link_lead_on(path: str, linked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(linked)
    for given in (path, str(linked / path)):
        assert Path(plain_path(given)).read_text() == Path(given).read_text() == "the system's"
    assert Path(absolute_path(path)).read_text() == "the system's"


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("./a/../b.nii", "b.nii"),
        ("../x//y", "../x/y"),
        ("a/../../b", "../b"),
        ("/../a/./b/", "/a/b"),
        ("../../a", "../../a"),
        (".", "."),
        ("é/../b", "b"),
    ],
)
def test_detours_without_a_link_are_left_out(
    path: str, plain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert plain_path(path) == plain


def test_the_cohort_and_the_raters_read_the_scan_that_the_system_finds(tmp_path: Path) -> None:
    deep = tmp_path / "elsewhere/deep"
    deep.mkdir(parents=True)
    (tmp_path / "study").mkdir()
    (tmp_path / "study/images").symlink_to(deep)
    mine = write_image(tmp_path / "elsewhere/scan.nii.gz")
    other = write_image(tmp_path / "study/scan.nii.gz", affine=[[5, 0, 0, 0], [0, 5, 0, 0], [0, 0, 5, 0], [0, 0, 0, 1]])
    table = write_table(tmp_path / "study", [row("STO1", "STO", post_t1ce="images/../scan.nii.gz")])
    (patient,) = read_patients(table, ["post_t1ce"])
    assert load_grid(patient.files["post_t1ce"]).spacing_mm == load_grid(mine).spacing_mm
    assert load_grid(patient.files["post_t1ce"]).spacing_mm != load_grid(other).spacing_mm
    ratings = tmp_path / "study/raters.tsv"
    ratings.write_text("patient\trater\texpertise\tmask\nA1\tr1\texpert\timages/../scan.nii.gz\n")
    (rating,) = judged_raters(str(ratings), ["A1"], [])[0].ratings
    assert Path(rating.mask).samefile(mine)


def test_one_mask_by_two_paths_is_repeated(tmp_path: Path) -> None:
    write_image(tmp_path / "m/a.nii.gz")
    (tmp_path / "link").symlink_to("m")
    ratings = tmp_path / "raters.tsv"
    ratings.write_text(
        "patient\trater\texpertise\tmask\nA1\tr1\texpert\tm/a.nii.gz\nA1\tr2\texpert\tlink/../link/a.nii.gz\n"
    )
    assert "mask-repeated" in [problem.check for problem in judged_raters(str(ratings), ["A1"], [])[1]]


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_accents_find_the_file_however_they_are_stored(on_disk: str, in_table: str, tmp_path: Path) -> None:
    records = rows()
    records[1] = row("GOT1", "GOT", post_t1="Müller-Straße/é/post_t1.nii.gz")
    stored = [{key: unicodedata.normalize(on_disk, cell) for key, cell in record.items()} for record in records]
    written = [{key: unicodedata.normalize(in_table, cell) for key, cell in record.items()} for record in records]
    write_images(tmp_path, stored)
    table = write_table(tmp_path, written)
    cohort, problems = judged_cohort(study(), table)
    assert [problem for problem in problems if problem.is_error] == []
    assert [problem for problem in headers(study(), cohort.patients.values()) if problem.is_error] == []


def test_an_import_writes_where_the_system_goes(linked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(linked)
    with building(Path("study/images/../new")) as part:
        (part / "cohort.tsv").write_text("")
    assert (linked / "elsewhere/new/cohort.tsv").is_file()
    assert not (linked / "study/new").exists()
