from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from importer_trees import imported, record_of, rows_of, write_tree
from public_sets import rhuh_gbm
from residua.importers.tree import LINK, files_below

PATTERN = ("--pattern", "{hospital}/{patient}/{column}.nii.gz")
BIDS = {
    "dataset_description.json": {"Name": "a study", "BIDSVersion": "1.9.0"},
    "participants.tsv": "participant_id\thospital\nsub-01\tSTO\n",
    "sub-01/ses-postop/anat/sub-01_ses-postop_ce-GD_T1w.nii.gz": None,
}


def names(root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files_below(root)]


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def test_each_real_folder_is_listed_once_and_by_its_own_path(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "data", {"b/one.txt": "1", "b/c/two.txt": "2"})
    write_tree(tmp_path / "store", {"p/three.txt": "3"})
    link(root / "a", "b")
    link(root / "b" / "back", "../..")
    link(root / "b" / "self", ".")
    link(root / "linked", "../store/p")
    link(root / "again", str(tmp_path / "store"))
    link(root / "broken", "nothing")
    assert names(root) == ["a", "again/p/three.txt", "b/back", "b/c/two.txt", "b/one.txt", "b/self", "broken", "linked"]


def test_links_back_into_the_data_end_in_every_layout(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "bids", BIDS)
    link(root / "derivatives/one/sourcedata/raw", "../../../..")
    link(root / "derivatives/two/sourcedata/raw", "../../../..")
    assert imported("bids", root, "--out", tmp_path / "out").exit_code == 0
    assert list(rows_of(tmp_path / "out")) == ["sub01"]
    folders = write_tree(tmp_path / "folders", {"STO/1/post_t1ce.nii.gz": None})
    link(folders / "GRO/2", "../../elsewhere/2")
    write_tree(tmp_path / "elsewhere", {"2/post_t1ce.nii.gz": None})
    link(folders / "ZZZ", ".")
    assert imported("folders", folders, "--out", tmp_path / "out2", *PATTERN).exit_code == 0
    assert list(rows_of(tmp_path / "out2")) == ["2", "1"]
    assert record_of(tmp_path / "out2")["left"] == {"ZZZ": LINK}


def test_public_set_with_links_is_read_once(tmp_path: Path) -> None:
    root = rhuh_gbm(tmp_path / "set")
    (folder,) = root.rglob("RHUH-0001")
    link(root / "copy", str(folder.parent))
    link(root / "up", "..")
    link(folder.with_name("RHUH-0009"), "RHUH-0001")
    assert imported("rhuh-gbm", root, "--out", tmp_path / "out").exit_code == 0
    assert list(rows_of(tmp_path / "out")) == ["RHUH0001", "rhuh0002"]
    left = record_of(tmp_path / "out")["left"]
    linked = {name for name, why in left.items() if why == LINK}
    assert linked == {"copy/RHUH-0009", "up", folder.parent.relative_to(root).as_posix()}


def test_linked_patient_folders_are_followed(tmp_path: Path) -> None:
    store = write_tree(tmp_path / "store", {name.removeprefix("sub-01/"): None for name in BIDS if "T1w" in name})
    root = write_tree(tmp_path / "bids", {name: text for name, text in BIDS.items() if "T1w" not in name})
    link(root / "sub-01", str(store))
    assert imported("bids", root, "--out", tmp_path / "out").exit_code == 0
    assert rows_of(tmp_path / "out")["sub01"]["post_t1ce"].endswith("sub-01_ses-postop_ce-GD_T1w.nii.gz")


def test_files_that_macos_adds_are_no_images(tmp_path: Path) -> None:
    noise = {name.replace("/anat/", "/anat/._"): "mac" for name in BIDS if name.endswith(".nii.gz")}
    root = write_tree(tmp_path / "bids", {**BIDS, **noise, "._participants.tsv": "mac"})
    assert imported("bids", root, "--out", tmp_path / "out").exit_code == 0
    assert rows_of(tmp_path / "out")["sub01"]["role"] == "exclude"
    assert record_of(tmp_path / "out")["left"] == {}
    assert "post_t1ce" in rows_of(tmp_path / "out")["sub01"]


@pytest.mark.parametrize(("form", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_are_found_in_either_unicode_form(tmp_path: Path, form: str, typed: str) -> None:
    name = unicodedata.normalize(form, "Größe/Müller/après.nii.gz")  # type: ignore[arg-type]
    write_tree(tmp_path / "s", {name: None})
    asked = [unicodedata.normalize(typed, text) for text in ("Größe/{patient}/{sequence}.nii.gz", "post_t1ce=après")]  # type: ignore[arg-type]
    options = ("--pattern", asked[0], "--map", asked[1], "--hospital", "STO")
    assert imported("folders", tmp_path / "s", "--out", tmp_path / "out", *options).exit_code == 0
    (row,) = rows_of(tmp_path / "out").values()
    assert row["source_id"] == unicodedata.normalize("NFC", "Müller")
    assert os.path.isfile(tmp_path / "out" / row["post_t1ce"])


DATASET = '{"channel_names": {"0": "T1Gd"}, "labels": {"background": 0, "t": 1}, "file_ending": ".nrrd"}'


@pytest.mark.parametrize(
    ("files", "options", "told"),
    [
        (
            {"dataset.json": DATASET, "imagesTr/A_0000.nrrd": "NRRD"},
            ("nnunet", "--hospital", "STO"),
            "A_0000.nrrd, an NRRD image: convert it to NIfTI (.nii.gz)",
        ),
        ({"STO/1/post_t1ce.mha": "x"}, ("folders", *PATTERN), "post_t1ce.mha, a MetaImage: convert it to NIfTI"),
        ({"a/t1.mgz": "x", "b/t1.mgz": "x"}, ("folders", *PATTERN), "t1.mgz, a FreeSurfer image: convert it"),
        ({"a/t1.hdr": "x", "a/t1.img": "x"}, ("brats",), "t1.hdr, one of a pair of files (Analyze or NIfTI)"),
        ({"a/IM0001": "\0" * 128 + "DICM"}, ("brats",), "IM0001, a DICOM file: use residua import dicom"),
        ({"sub-01/sub-01_T1w.nrrd": "x", **BIDS}, ("bids",), "sub-01_T1w.nrrd, an NRRD image: convert it"),
        ({"data.7z": "x"}, ("bids",), "data.7z, an archive: unpack it"),
        ({"RHUH-0001/1/1.dcm": "x"}, ("rhuh-gbm",), "1.dcm, a DICOM file: use residua import dicom"),
        ({"RHUH/x.nrrd": "x"}, ("rhuh-gbm",), "x.nrrd, an NRRD image: convert it to NIfTI"),
    ],
)
def test_files_of_another_kind_are_named_where_nothing_was_found(
    tmp_path: Path, files: dict[str, str], options: tuple[str, ...], told: str
) -> None:
    root = write_tree(tmp_path / "s", {name: text for name, text in files.items() if text is not None})
    ran = imported(options[0], root, "--out", tmp_path / "out", *options[1:])
    assert ran.exit_code == 1
    assert told in ran.stderr
    assert not (tmp_path / "out").exists()


def test_a_walk_of_many_links_takes_no_time(tmp_path: Path) -> None:
    for number in range(12):
        for other in range(12):
            link(tmp_path / str(number) / f"to{other}", f"../{other}")
    code = "import pathlib, sys, residua.importers.tree as t; print(len(t.files_below(pathlib.Path(sys.argv[1]))))"
    ran = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=20, check=True)
    assert ran.stdout == f"{12 * 12}\n"
