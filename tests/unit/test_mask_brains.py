"""A batch of brain masks: one failure hides no other, and what is finished is not made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from residua.brain.mask import mask_brains
from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.problems.problem import Problem, failed
from residua.publishing.batches import for_each_patient, settings_digest
from residua.publishing.failure_report import problems_among, require_none
from residua.publishing.failures import sound_among, sound_files
from residua.publishing.publish import digest, read_json, stage, verified, write_json
from residua.settings.brain_mask import BrainMask

GIVEN = BrainMask(method="given")
GRID = Grid((24, 24, 24), np.diag([6.0, 6.0, 6.0, 1.0]))
EVERYWHERE = (slice(4, 20),) * 3
"""4096 voxels of 0.216 ml: 885 ml."""


def write(folder: Path, name: str, data: Any) -> str:
    path = folder / f"{name}.nii.gz"
    volumes.save(Image(np.asarray(data), GRID), path)
    return str(path)


def head(folder: Path, patient: str, value: float = 1.0) -> str:
    return write(folder, f"{patient}_head", np.full(GRID.shape, value, np.float32))


def brain(folder: Path, patient: str, *boxes: tuple[slice, slice, slice]) -> str:
    data = np.zeros(GRID.shape, dtype=bool)
    for box in boxes:
        data[box] = True
    return write(folder, f"{patient}_brain", data)


def test_masks_are_written_with_their_checks_and_sources(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    references, given = {"STO1": head(tmp_path, "STO1")}, {"STO1": brain(tmp_path, "STO1", EVERYWHERE)}
    mask_brains(GIVEN, references, given, out)
    mask, record = volumes.load_mask(out / "STO1.nii.gz"), read_json(out / "STO1.json")
    assert np.count_nonzero(mask.data) == 4096
    assert record["checks"]["volume_ml"] == pytest.approx(884.7, abs=0.1)
    assert record["made_from"] == [digest(references["STO1"]), digest(given["STO1"])]
    assert record["sha256"] == digest(out / "STO1.nii.gz")


def test_a_failed_mask_is_a_problem_of_its_patient_and_the_others_are_made(tmp_path: Path) -> None:
    manifest = tmp_path / "out/manifest.json"
    halves = ((slice(0, 24), slice(0, 24), slice(0, 5)), (slice(0, 24), slice(0, 24), slice(12, 18)))
    boxes = {
        "STO1": (EVERYWHERE,),
        "STO2": (),
        "STO3": ((slice(0, 4),) * 3,),
        "STO4": halves,
        "STO5": (EVERYWHERE,),
    }
    references = {patient: head(tmp_path, patient) for patient in boxes}
    given = {patient: brain(tmp_path, patient, *parts) for patient, parts in boxes.items()}
    references["STO5"] = head(tmp_path, "STO5", np.nan)
    with stage(manifest) as part:
        mask_brains(GIVEN, references, given, part)
    found = problems_among([], [str(manifest)])
    said = [str(Problem.from_json(record)) for record in found["problems"]]
    assert found["records"] == 5
    assert [line.split(":")[0] for line in said] == [f"patient STO{number}, brain mask" for number in (2, 3, 4, 5)]
    assert "is empty" in said[0]
    assert "14 ml" in said[1]
    assert "2 pieces, the largest of them 55%" in said[2]
    assert "not finite" in said[3]
    assert all("set the patient's role to exclude" in line for line in said)
    # What is no brain is kept to be looked at, and nothing is made of it.
    assert {path.name for path in manifest.parent.glob("*.nii.gz")} == {f"STO{n}.nii.gz" for n in (1, 2, 3, 4)}
    assert list(sound_files(manifest)) == ["STO1"]
    with pytest.raises(ResiduaError, match=r"^4 of 5 registrations and brain masks failed") as raised:
        require_none(found)
    assert str(raised.value).splitlines()[1:] == [f"  {line}" for line in said]
    with pytest.raises(ResiduaError, match=r"^4 of 5 .* check_preprocessing lists the patients$"):
        require_none(found, brief=True)
    require_none({"records": 5, "problems": []})


def test_of_a_batch_remain_those_with_a_sound_mask_and_a_sound_registration(tmp_path: Path) -> None:
    manifest, patients = tmp_path / "out/manifest.json", ["STO1", "STO2", "STO3"]
    given = {"STO1": brain(tmp_path, "STO1"), **{name: brain(tmp_path, name, EVERYWHERE) for name in patients[1:]}}
    with stage(manifest) as part:
        mask_brains(GIVEN, {name: head(tmp_path, name) for name in patients}, given, part)
    another = failed("registration-scaled", "another head", "check it", "STO3", "post_t1").to_json()
    for patient, problem in zip(patients, (None, None, another), strict=True):
        write_json(tmp_path / f"{patient}.json", {"problem": problem})
    registrations = [str(tmp_path / f"{patient}.json") for patient in patients]
    assert [patient for patient, _ in sound_among(patients, manifest, registrations)] == ["STO2"]
    assert [patient for patient, _ in sound_among(patients, manifest, [])] == ["STO2", "STO3"]
    for wrong in (registrations[:-1], [*registrations, registrations[-1]]):
        with pytest.raises(ValueError, match="zip"):
            sound_among(patients, manifest, wrong)
    assert problems_among(registrations, []) == {"records": 3, "problems": [another]}


def test_one_error_names_every_patient_whose_file_cannot_be_read_and_the_others_are_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    names = ("STO1", "STO2", "STO3")
    references = {patient: head(tmp_path, patient) for patient in names}
    given = {patient: brain(tmp_path, patient, EVERYWHERE) for patient in names}
    for patient in names[1:]:
        Path(references[patient]).write_bytes(b"no image")
    with pytest.raises(ResiduaError) as raised:
        mask_brains(GIVEN, references, given, out)
    title, *lines = str(raised.value).splitlines()
    assert title.startswith("brain masks: 2 of 3 patients failed; the others are finished, and the next run skips them")
    assert [line.split(":")[0] for line in lines] == ["  patient STO2", "  patient STO3"]
    assert all("cannot be read as NIfTI" in line for line in lines)
    assert sorted(path.name for path in out.iterdir()) == ["STO1.json", "STO1.nii.gz"]


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    other = Image(np.ones((20, 20, 20), dtype=bool), Grid((20, 20, 20), np.diag([6.0, 6.0, 6.0, 1.0])))
    volumes.save(other, tmp_path / "other.nii.gz")
    (tmp_path / "out").mkdir()
    with pytest.raises(ResiduaError, match="patient STO1: brain mask: shape"):
        mask_brains(GIVEN, {"STO1": head(tmp_path, "STO1")}, {"STO1": str(tmp_path / "other.nii.gz")}, tmp_path / "out")


def test_a_retry_makes_only_failed_changed_and_new_masks(tmp_path: Path) -> None:
    manifest, resumes = tmp_path / "results/manifest.json", settings_digest(GIVEN.extraction(), "code")
    sources = {name: [tmp_path / f"{name}.txt"] for name in ("STO1", "STO2", "STO3", "STO4", "STO5")}
    for name, (file,) in sources.items():
        file.write_text(name)
    made = []

    def make(patient: str, target: Path) -> dict[str, Any]:
        made.append(patient)
        if sources[patient][0].read_text() == "STO2":
            raise ResiduaError("is no brain")
        target.write_text(patient)
        return {}

    def attempt(*patients: str) -> None:
        with stage(manifest, resumes=resumes) as part:
            for_each_patient({name: sources[name] for name in patients}, make, part, "brain masks")

    with pytest.raises(ResiduaError, match="patient STO2: is no brain"):
        attempt("STO1", "STO2", "STO3", "STO4")
    assert made == ["STO1", "STO2", "STO3", "STO4"]
    sources["STO2"][0].write_text("mended")
    sources["STO3"][0].write_text("another scan")
    made.clear()
    attempt("STO1", "STO2", "STO3", "STO5")
    assert made == ["STO2", "STO3", "STO5"]
    assert [name for name in verified(manifest) if name.endswith(".nii.gz")] == [
        f"STO{number}.nii.gz" for number in (1, 2, 3, 5)
    ]


def test_a_file_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    source, made = tmp_path / "source", []
    source.write_text("scan")
    (tmp_path / "out").mkdir()

    def make(patient: str, target: Path) -> dict[str, Any]:
        made.append(patient)
        target.write_text("whole")
        return {}

    for damage in ("", "nothing", "who"):
        if damage:
            (tmp_path / "out/STO1.nii.gz").write_text(damage)
        for_each_patient({"STO1": [source]}, make, tmp_path / "out", "brain masks")
    for_each_patient({"STO1": [source]}, make, tmp_path / "out", "brain masks")
    assert made == ["STO1"] * 3


def test_a_source_that_is_gone_is_named_for_its_patient(tmp_path: Path) -> None:
    with pytest.raises(ResiduaError, match=r"patient STO1: .*nowhere: the file does not exist"):
        for_each_patient({"STO1": [tmp_path / "nowhere"]}, lambda patient, target: {}, tmp_path, "brain masks")


def test_other_settings_or_code_are_another_work() -> None:
    digests = {
        settings_digest(*pair) for pair in (({"a": 1, "b": 2}, "x"), ({"a": 1, "b": 3}, "x"), ({"a": 1, "b": 2}, "y"))
    }
    assert len(digests) == 3
    assert settings_digest({"b": 2, "a": 1}, "x") in digests
