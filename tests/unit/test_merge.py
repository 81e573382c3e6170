"""Several cohort tables as one: paths, identifiers, hospitals, raters, and who is in twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from scipy import ndimage
from typer.testing import CliRunner

from cohort_tables import FILES, config, rows, snapshot, write_image, write_images
from importer_trees import imported, write_tree
from residua.cli import app
from residua.cohort.merge.names import names_of
from residua.cohort.merge.tables import Source, merged_rows, remarks_of
from residua.cohort.table.patient import Patient
from residua.cohort.table.patients import parse_table
from residua.cohort.table.writing import tsv_text
from workbooks import write_xlsx

Rows = Sequence[Mapping[str, str]]


def merge(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["merge", *map(str, arguments)], terminal_width=200)


def table(folder: Path, rows: Rows, columns: Sequence[str] | None = None, name: str = "cohort.tsv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    used = columns or list(dict.fromkeys(column for row in rows for column in row))
    (folder / name).write_text(tsv_text(used, rows))
    return folder / name


def row(patient: str, hospital: str, **cells: str) -> dict[str, str]:
    image = f"images/{patient}.nii.gz"
    return {"patient": patient, "hospital": hospital, "role": "auto", "post_t1ce": image, **cells}


def patients(out: Path) -> dict[str, Patient]:
    found = parse_table(str(out / "cohort.tsv"), FILES, ())
    assert found.problems == ()
    return {patient.patient: patient for patient in found.patients}


def refusal(*arguments: object) -> str:
    """The one message of a merge that writes nothing."""
    out = Path(str(arguments[-1]))
    ran = merge(*arguments, "--no-voxels")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert not out.exists()
    assert not list(out.parent.glob(f"{out.name}.part*"))
    return str(ran.stderr).strip()


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two tables in different folders with different columns."""
    first = [row("P1", "STO", age="61"), row("P2", "GOT", post_t1="/scans/P2_t1.nii.gz", age="n/a")]
    second = [row("Q1", "PAR", residual="../masks/Q1.nii.gz", source_id="x y")]
    return table(tmp_path / "A", first), table(tmp_path / "deep" / "B", second)


def test_rows_paths_and_columns_of_both_are_in_the_merged_table(tmp_path: Path, two: tuple[Path, Path]) -> None:
    before = snapshot(tmp_path)
    out = tmp_path / "studies" / "C"
    ran = merge(*two, "--out", out, "--no-voxels")
    assert ran.exit_code == 0, ran.output
    assert (out / "cohort.tsv").read_text() == (
        "patient\thospital\trole\tpost_t1ce\tage\tpost_t1\tresidual\tsource_id\n"
        "P1\tSTO\tauto\t../../A/images/P1.nii.gz\t61\t\t\t\n"
        "P2\tGOT\tauto\t../../A/images/P2.nii.gz\t\t/scans/P2_t1.nii.gz\t\t\n"
        "Q1\tPAR\tauto\t../../deep/B/images/Q1.nii.gz\t\t\t../../deep/masks/Q1.nii.gz\tx y\n"
    )
    assert ran.stdout.splitlines() == [
        f"table 1: {two[0]}: 2 patients",
        f"table 2: {two[1]}: 1 patients",
        "table 1 has no column residual, source_id: empty for its patients",
        "table 2 has no column age, post_t1: empty for its patients",
        f"{out / 'cohort.tsv'}: 3 patients (GOT 1, PAR 1, STO 1); scans were not compared",
    ]
    after = snapshot(tmp_path)
    assert {path: content for path, content in after.items() if path in before} == before
    again = tmp_path / "studies" / "D"
    merge(*two, "--out", again, "--no-voxels")
    for name in ("cohort.tsv", "merge.json"):
        assert (again / name).read_bytes() == (out / name).read_bytes()


def test_paths_lead_to_the_same_files_through_links_and_from_a_working_directory(
    tmp_path: Path, two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    for file in ("A/images/P1.nii.gz", "A/images/P2.nii.gz", "deep/B/images/Q1.nii.gz"):
        write_image(tmp_path / file)
    monkeypatch.chdir(tmp_path / "deep")
    ran = merge("../A/cohort.tsv", "B/cohort.tsv", "--out", "../link/C", "--no-voxels")
    assert ran.exit_code == 0, ran.output
    found = patients(tmp_path / "link" / "C")
    expected = {"P1": "A/images/P1.nii.gz", "P2": "A/images/P2.nii.gz", "Q1": "deep/B/images/Q1.nii.gz"}
    for patient, file in expected.items():
        assert Path(found[patient].files["post_t1ce"]).samefile(tmp_path / file)


def test_other_columns_of_images_are_paths_too(tmp_path: Path) -> None:
    first = table(tmp_path / "A", [row("P1", "STO", post_t2="t2/P1.nii")])
    second = table(tmp_path / "B", [row("Q1", "PAR", post_dwi="dwi.NII.GZ")])
    assert merge(first, second, "--out", tmp_path / "C", "--no-voxels").exit_code == 0
    text = (tmp_path / "C" / "cohort.tsv").read_text()
    assert "\t../A/t2/P1.nii\t" in text
    assert text.endswith("\t../B/dwi.NII.GZ\n")


def test_persons_and_columns_that_only_a_config_knows_are_kept(tmp_path: Path) -> None:
    first = table(tmp_path / "A", [row("P1", "STO", person="Anna", set="test"), row("P2", "STO", person="Anna")])
    second = table(tmp_path / "B", [row("P1", "PAR", person="anna", grade="2")])
    ran = merge(first, second, "--prefix", "2=B", "--out", tmp_path / "C", "--no-voxels")
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "C" / "cohort.tsv").read_text() == (
        "patient\thospital\trole\tpost_t1ce\tperson\tset\tgrade\n"
        "P1\tSTO\tauto\t../A/images/P1.nii.gz\tAnna\ttest\t\n"
        "P2\tSTO\tauto\t../A/images/P2.nii.gz\tAnna\t\t\n"
        "BP1\tPAR\tauto\t../B/images/P1.nii.gz\tBanna\t\t2\n"
    )
    other = table(tmp_path / "E", [row("Q1", "PAR", person="anna")])
    assert refusal(first, other, "--out", tmp_path / "F") == (
        "person anna of table 2 differs from Anna of table 1 by upper and lower case only; rename one (--prefix 2=B)"
    )


def test_a_clash_of_patients_is_one_message_and_a_prefix_mends_it(tmp_path: Path) -> None:
    first = table(tmp_path / "A", [row(f"P{n}", "STO") for n in range(1, 8)])
    second = table(tmp_path / "B", [row(f"p{n}", "PAR") for n in range(1, 9)])
    out = tmp_path / "C"
    assert refusal(first, second, "--out", out) == (
        "7 patient(s) are in two tables: p1 (tables 1 and 2), p2 (tables 1 and 2), p3 (tables 1 and 2), "
        "p4 (tables 1 and 2), p5 (tables 1 and 2) and 2 more; give the patients of one a prefix, such as "
        "--prefix 2=B, or rename them in it; of one patient keep one row"
    )
    assert merge(first, second, "--out", out, "--prefix", "2=B", "--no-voxels").exit_code == 0
    found = patients(out)
    assert list(found) == [*(f"P{n}" for n in range(1, 8)), *(f"Bp{n}" for n in range(1, 9))]
    # The file keeps the name that it has.
    assert found["Bp1"].files["post_t1ce"].endswith("B/images/p1.nii.gz")


def test_hospitals_are_renamed_in_one_table_or_in_all(tmp_path: Path) -> None:
    first = table(tmp_path / "A", [row("P1", "STO"), row("P2", "GOT")])
    second = table(tmp_path / "B", [row("Q1", "STO"), row("Q2", "PAR"), row("Q3", "LYO")])
    cases: list[tuple[list[str], list[str]]] = [
        ([], ["STO", "GOT", "STO", "PAR", "LYO"]),
        (["STO=KAR"], ["KAR", "GOT", "KAR", "PAR", "LYO"]),
        (["2:STO=KAR"], ["STO", "GOT", "KAR", "PAR", "LYO"]),
        (["2:*=FRA"], ["STO", "GOT", "FRA", "FRA", "FRA"]),
        (["2:*=FRA", "2:STO=KAR"], ["STO", "GOT", "KAR", "FRA", "FRA"]),
        (["STO=KAR", "2:*=FRA"], ["KAR", "GOT", "KAR", "FRA", "FRA"]),
        (["STO=GOT", "GOT=STO"], ["GOT", "STO", "GOT", "PAR", "LYO"]),
    ]
    for number, (renames, expected) in enumerate(cases):
        out = tmp_path / f"C{number}"
        options = [part for rename in renames for part in ("--rename", rename)]
        ran = merge(first, second, "--out", out, *options, "--no-voxels")
        assert ran.exit_code == 0, ran.output
        assert [patient.hospital for patient in patients(out).values()] == expected
        shared = [name for name in expected[:2] if name in expected[2:]]
        said = [line for line in ran.stdout.splitlines() if "counts as one" in line]
        assert said == [
            f"a hospital of several tables counts as one: {name} (tables 1 and 2); rename those that are two hospitals "
            f"(--rename 2:{name}=NEW)"
            for name in shared
        ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rename", "STO"], "--rename STO: write OLD=NEW, or N:OLD=NEW"),
        (["--rename", "XYZ=A"], "--rename XYZ=A: no hospital XYZ in any table; there are PAR, STO, Sto"),
        (["--rename", "1:PAR=A"], "--rename 1:PAR=A: no hospital PAR in table 1; there are STO"),
        (["--rename", "3:PAR=A"], "--rename 3:PAR=A: there is no table 3; the command names 2"),
        (["--rename", "PAR=St. Olav"], "--rename PAR=St. Olav: 'St. Olav' is not an identifier: use letters"),
        (["--rename", "PAR=A", "--rename", "PAR=B"], "--rename PAR=B: PAR is renamed to A too; give it one new name"),
        (["--prefix", "B"], "--prefix B: write N=TEXT, N being the place of the table in the command (1, 2, …)"),
        (["--prefix", "0=B"], "--prefix 0=B: there is no table 0"),
        (["--prefix", "2=B_"], "--prefix 2=B_: 'B_' is not an identifier"),
        ([], "hospital Sto of table 2 differs from STO of table 1 by upper and lower case only; rename one"),
    ],
)
def test_a_wrong_option_or_two_spellings_are_one_message(tmp_path: Path, options: list[str], said: str) -> None:
    first = table(tmp_path / "A", [row("P1", "STO")])
    second = table(tmp_path / "B", [row("Q1", "Sto"), row("Q2", "PAR")])
    assert refusal(first, second, *options, "--out", tmp_path / "C").startswith(said)


def test_tables_that_cannot_be_read_are_named(tmp_path: Path, two: tuple[Path, Path]) -> None:
    out = tmp_path / "C"
    broken = table(tmp_path / "broken", [row("P 1", "STO")])
    assert refusal(two[0], broken, "--out", out).startswith(f"{broken}: the cohort table cannot be used (1 to correct)")
    assert refusal(two[0], two[0], "--out", out) == f"{two[0]}: the table is given twice; name every table once"
    assert refusal(two[0], "--out", out) == f"{two[0]}: name two tables or more"
    (out / "kept").mkdir(parents=True)
    assert "is not empty; name a new or empty folder" in merge(*two, "--out", out, "--no-voxels").stderr


def test_a_workbook_is_merged_with_a_text(tmp_path: Path, two: tuple[Path, Path]) -> None:
    (tmp_path / "X").mkdir()
    cells = [["patient", "hospital", "role", "post_t1ce"], [12.0, "LYO", "auto", "a.nii.gz"]]
    book = write_xlsx(tmp_path / "X" / "book.xlsx", {"S": cells, "T": [["x"]]})
    assert merge(two[0], f"{book}#S", "--out", tmp_path / "C", "--no-voxels").exit_code == 0
    assert patients(tmp_path / "C")["12"].files["post_t1ce"] == str(tmp_path / "X" / "a.nii.gz")


def rating(patient: str, rater: str, expertise: str, mask: str) -> dict[str, str]:
    return {"patient": patient, "rater": rater, "expertise": expertise, "mask": mask}


def test_rater_tables_are_merged_with_their_cohorts(tmp_path: Path) -> None:
    first = table(tmp_path / "A", [row("P1", "STO")])
    second = table(tmp_path / "B", [row("P1", "PAR")])
    one = table(tmp_path / "A", [rating("P1", "anna", "expert", "raters/a.nii.gz")], name="raters.tsv")
    other = table(tmp_path / "R", [rating("P1", "anna", "novice", "b.nii.gz")], name="raters.csv")
    out = tmp_path / "C"
    tables = (first, second, "--raters", one, "--raters", f"2={other}")
    ran = merge(*tables, "--out", out, "--prefix", "2=B", "--no-voxels")
    assert ran.exit_code == 0, ran.output
    assert (out / "raters.tsv").read_text() == (
        "patient\trater\texpertise\tmask\nP1\tanna\texpert\t../A/raters/a.nii.gz\nBP1\tBanna\tnovice\t../R/b.nii.gz\n"
    )
    alone = table(tmp_path / "D", [row("Q1", "PAR")])
    more = table(tmp_path / "R", [rating("Q1", "anna", "expert", "b.nii.gz")], name="more.tsv")
    ran = merge(first, alone, "--raters", one, "--raters", f"2={more}", "--out", tmp_path / "G", "--no-voxels")
    remedy = "give the raters of a table a prefix (--prefix) if they are others"
    assert f"a rater of several tables counts as one: anna; {remedy}" in ran.stdout.splitlines()
    said = refusal(first, alone, "--raters", one, "--raters", f"2={other}", "--out", tmp_path / "E")
    assert said.startswith("rater anna (expert) of table 1 and anna (novice) of table 2 would be one; give the")
    said = refusal(first, alone, "--raters", other, "--out", tmp_path / "E")
    assert said == f"--raters {other}: write N={other}, N being the place of its cohort table (1, 2, …)"


def test_a_prefix_keeps_persons_of_two_tables_apart() -> None:
    given = {1: [("P1", ""), ("P2", "one")], 2: [("Q1", "one"), ("Q2", "P1"), ("Q3", "")]}
    sources = []
    for number, of_table in given.items():
        cells = [{"patient": patient, "hospital": "STO"} | ({"person": of} if of else {}) for patient, of in of_table]
        members = [Patient(patient, "STO", "auto", "", None, person=of) for patient, of in of_table]
        sources.append(Source(number, f"{number}.tsv", ("patient", "hospital", "person"), tuple(members), tuple(cells)))
    for prefixes, persons, shared in (
        ([], [None, "one", "one", "P1", None], "2 person(s) are in several tables by their name, and count as one"),
        (["2=B"], [None, "one", "Bone", "BP1", None], ""),
    ):
        merged = merged_rows(sources, names_of([], prefixes, [("STO",), ("STO",)]), str)
        assert [each.cells.get("person") for each in merged] == persons
        said = [remark for remark in remarks_of(sources, merged, ()) if "person" in remark]
        assert len(said) == bool(shared)
        assert "".join(said).startswith(shared)


def head(seed: int) -> Any:
    """A textured ball in air, 2 mm voxels: enough detail to recognise it."""
    shape = (64, 72, 60)
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    place = np.indices(shape).T - (np.array(shape) - 1) / 2
    inside = (np.linalg.norm(place / np.array([28, 32, 27]), axis=-1) < 1).T
    return np.where(inside, 100 + 40 * noise / noise.std(), 0).astype(np.float32)


AFFINE_2MM = np.diag([2.0, 2.0, 2.0, 1.0])


def scan(path: Path, voxels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, AFFINE_2MM), path)


def two_layouts(tmp_path: Path) -> tuple[Path, Path]:
    """A cohort of folders and one in nnU-Net's layout; patient STO/2 is casea there, scaled, STO/3 is caseb."""
    folders = tmp_path / "folders"
    for number in (1, 2, 3):
        scan(folders / "STO" / str(number) / "post_t1ce.nii.gz", head(number))
        scan(folders / "STO" / str(number) / "post_t1.nii.gz", head(10 + number))
    raw = tmp_path / "Dataset001_Residual"
    write_tree(
        raw,
        {
            "dataset.json": {
                "channel_names": {"0": "T1c"},
                "labels": {"background": 0, "residual": 1},
                "numTraining": 3,
                "file_ending": ".nii.gz",
            }
        },
    )
    for case, voxels in (("a", np.where(head(2) > 0, head(2) * 3 + 50, 0)), ("b", head(3)), ("c", head(4))):
        scan(raw / "imagesTr" / f"case{case}_0000.nii.gz", voxels.astype(np.float32))
        scan(raw / "labelsTr" / f"case{case}.nii.gz", (voxels > 190).astype(np.uint8))
    pattern = "{hospital}/{patient}/{column}.nii.gz"
    ran = imported("folders", folders, "--out", tmp_path / "A", "--pattern", pattern, "--assume-early")
    assert ran.exit_code == 0, ran.output
    ran = imported("nnunet", raw, "--out", tmp_path / "B", "--hospital", "PAR", "--assume-early")
    assert ran.exit_code == 0, ran.output
    return tmp_path / "A" / "cohort.tsv", tmp_path / "B" / "cohort.tsv"


def test_the_same_patient_in_two_layouts_is_found(tmp_path: Path) -> None:
    tables = two_layouts(tmp_path)
    out, cache = tmp_path / "C", tmp_path / "cache"
    ran = merge(*tables, "--out", out, "--cache", cache, "--workers", "1", "--json")
    assert ran.exit_code == 1, ran.output
    record = json.loads(ran.stdout)
    assert record == json.loads((out / "merge.json").read_text())
    found = {
        (each["check"], each["severity"], tuple((p["patient"], p["table"]) for p in each["patients"]))
        for each in record["twins"]
    }
    assert found == {
        ("patients-identical", "error", (("3", 1), ("caseb", 2))),
        ("scan-of-two-hospitals", "error", (("2", 1), ("casea", 2))),
    }
    assert record["hospitals"] == {"PAR": 3, "STO": 3}
    shutil.rmtree(out)
    shown = merge(*tables, "--out", out, "--cache", cache, "--workers", "1")
    assert (shown.exit_code, len(patients(out))) == (1, 6)
    lines = [line for line in shown.stdout.splitlines() if line.startswith("error: ")]
    assert len(lines) == 2
    assert "the same voxels under 2 patients: 3 (post_t1ce), caseb (post_t1ce), in different hospitals" in lines[0]
    assert ": 3 in table 1, caseb in table 2: keep the patient whose scan it is" in lines[0]
    assert "one scan, exported anew (" in lines[1]
    assert shown.stdout.splitlines()[-1].endswith("2 group(s) of patients share a scan, or seem to: see above")


def test_what_both_tables_pass_the_merged_one_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(tmp_path / "S", rows(), enlarged=True)
    own: dict[str, list[dict[str, str]]] = {"A": [], "B": []}
    for each in rows():
        files = {column: f"../S/{cell}" for column, cell in each.items() if column in FILES}
        own["B" if each["hospital"] == "AMS" else "A"].append({**each, **files})
    for folder, of_table in own.items():
        table(tmp_path / folder, of_table)
    monkeypatch.chdir(tmp_path)
    ran = merge("A/cohort.tsv", "B/cohort.tsv", "--out", "C", "--workers", "1")
    assert ran.exit_code == 0, ran.output
    Path("config.yaml").write_text(yaml.safe_dump(config()), encoding="utf-8")
    checked = CliRunner().invoke(app, ["check", "C/cohort.tsv", "--workers", "1"])
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.splitlines()[-1] == "C/cohort.tsv: 4 patients to include; the study can run"
    assert [line for line in checked.stdout.splitlines() if line.startswith("error")] == []


def test_two_scans_of_one_person_may_be_alike(tmp_path: Path) -> None:
    first, again = head(1), head(1)
    again[::2] += 25 * (again[::2] > 0)
    for folder, patient, voxels in (("A", "P1", first), ("B", "Q1", again)):
        scan(tmp_path / folder / "images" / f"{patient}.nii.gz", voxels)
    for person, said in (({}, 1), ({"person": "one"}, 0)):
        tables = [
            table(tmp_path / folder, [row(patient, "STO", **person)]) for folder, patient in (("A", "P1"), ("B", "Q1"))
        ]
        out = tmp_path / f"C{said}"
        ran = merge(*tables, "--out", out, "--cache", tmp_path / "cache", "--workers", "1", "--json")
        record = json.loads(ran.stdout)
        assert (ran.exit_code, len(record["twins"])) == (0, said)
        assert [remark for remark in record["remarks"] if "person" in remark] == (
            ["1 person(s) are in several tables by their name, and count as one human being each"] if person else []
        )


def test_without_a_scan_in_common_nobody_is_in_twice(tmp_path: Path) -> None:
    scan(tmp_path / "A" / "images" / "P1.nii.gz", head(1))
    scan(tmp_path / "B" / "images" / "Q1.nii.gz", head(2))
    (tmp_path / "B" / "images" / "Q2.nii.gz").write_bytes(b"no image")
    first = table(tmp_path / "A", [row("P1", "STO"), row("P9", "STO")])
    second = table(tmp_path / "B", [row("Q1", "PAR"), row("Q2", "PAR", residual="images/Q1.nii.gz")])
    ran = merge(first, second, "--out", tmp_path / "C", "--cache", tmp_path / "cache", "--workers", "1")
    assert ran.exit_code == 0, ran.output
    *_, unread, outcome = ran.stdout.splitlines()
    assert unread == "1 patient(s) have an image that cannot be read: residua check names them"
    assert outcome.endswith("4 patients (PAR 2, STO 2); nobody is in twice")
