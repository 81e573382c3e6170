"""One training's manifest: exactly its channels and patients, each file with its digest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from residua.errors import DamagedStageError
from residua.networks.cases import Channel
from residua.networks.selected import read_selected, read_training_set
from residua.networks.selection import select_cases
from residua.networks.training_data import data_beside
from residua.publishing.publish import digest, read_json, stage, write_json

BATCHES = {"STO-0": ("STO1", "STO2"), "GOT-0": ("GOT1",)}
GROUPS = {"training": ["STO2", "STO1"], "validation": ["GOT1"]}
CHANNELS = ["post_t1ce", "pre_tumor"]
T1CE = Channel("post_t1ce", is_label=False)
BOTH = (T1CE, Channel("pre_tumor", is_label=True))


def prepared(folder: Path, batch: str, channel: str, content: str = "") -> str:
    """The manifest of a batch's prepared channel, whose files hold their own name."""
    manifest = folder / "prepared" / channel / batch / "manifest.json"
    with stage(manifest) as part:
        for patient in BATCHES[batch]:
            (part / f"{patient}.b2nd").write_text(f"{patient} {channel} {content}")
    return str(manifest)


def all_prepared(folder: Path, channels: Sequence[str] = (*CHANNELS, "residual")) -> list[str]:
    return [prepared(folder, batch, channel) for channel in channels for batch in BATCHES]


def selection(folder: Path) -> str:
    """A written selection of two training patients and one to validate."""
    record = select_cases(all_prepared(folder), GROUPS, BOTH)
    write_json(folder / "fold0.json", record)
    return str(folder / "fold0.json")


def file_of(folder: Path, channel: str, patient: str, batch: str) -> Path:
    return folder / "prepared" / channel / batch / f"{patient}.b2nd"


def test_the_record_names_channels_groups_and_each_file_with_its_digest(tmp_path: Path) -> None:
    record = select_cases(all_prepared(tmp_path), GROUPS, BOTH)
    assert record.keys() == {"channels", "files", "training", "validation"}
    assert record["channels"] == [
        {"name": "post_t1ce", "is_label": False},
        {"name": "pre_tumor", "is_label": True},
    ]
    assert (record["training"], record["validation"]) == (["STO2", "STO1"], ["GOT1"])
    assert list(record["files"]) == ["GOT1", "STO1", "STO2"]
    for patient, batch in (("STO1", "STO-0"), ("STO2", "STO-0"), ("GOT1", "GOT-0")):
        assert record["files"][patient].keys() == {*CHANNELS, "residual"}
        for channel, entry in record["files"][patient].items():
            path = file_of(tmp_path, channel, patient, batch)
            assert entry == {"path": str(path), "digest": digest(path)}


def test_the_record_is_of_builtins_that_json_keeps(tmp_path: Path) -> None:
    patients: dict[str, Any] = {"training": ("STO1",), "validation": ("GOT1",)}
    record = select_cases(all_prepared(tmp_path), patients, (T1CE,))
    write_json(tmp_path / "record.json", record)
    assert read_json(tmp_path / "record.json") == record


def test_patients_outside_the_selection_are_excluded(tmp_path: Path) -> None:
    record = select_cases(all_prepared(tmp_path), {"training": [], "validation": ["STO2"]}, BOTH)
    assert list(record["files"]) == ["STO2"]


def test_another_patients_or_channels_files_do_not_change_the_record(tmp_path: Path) -> None:
    groups = {"training": ["STO1"], "validation": ["STO2"]}
    manifests = [prepared(tmp_path, "STO-0", "post_t1ce")]
    before = select_cases(manifests, groups, [T1CE])
    prepared(tmp_path, "GOT-0", "post_t1ce", "changed")
    prepared(tmp_path, "STO-0", "pre_tumor", "changed")
    assert select_cases(manifests, groups, [T1CE]) == before
    prepared(tmp_path, "STO-0", "post_t1ce", "changed")
    assert select_cases(manifests, groups, [T1CE]) != before


def test_paths_stay_relative_to_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = select_cases([prepared(Path(), "GOT-0", "post_t1ce")], {"validation": ["GOT1"]}, [T1CE])
    assert record["files"]["GOT1"]["post_t1ce"]["path"] == "prepared/post_t1ce/GOT-0/GOT1.b2nd"


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    manifests = all_prepared(tmp_path)
    Path(manifests[0]).unlink()
    with pytest.raises(DamagedStageError, match=r"post_t1ce/STO-0/manifest\.json: cannot be read"):
        select_cases(manifests, GROUPS, BOTH)


def test_a_training_set_has_its_channels_in_order_and_the_reference_standard(tmp_path: Path) -> None:
    data, files = read_training_set(selection(tmp_path))
    assert data.channels == BOTH
    assert (data.training, data.validation) == (("STO2", "STO1"), ("GOT1",))
    assert data.cases.keys() == data.references.keys() == {"STO1", "STO2", "GOT1"}
    assert data.cases["STO1"].patient == "STO1"
    assert data.cases["STO1"].channels == tuple(file_of(tmp_path, channel, "STO1", "STO-0") for channel in CHANNELS)
    assert data.references["GOT1"] == file_of(tmp_path, "residual", "GOT1", "GOT-0")
    assert files == {file: digest(file) for file in tmp_path.rglob("*.b2nd")}
    assert len(files) == 3 * 3


def test_the_hold_out_needs_no_reference_standard(tmp_path: Path) -> None:
    groups = {"training": [], "validation": ["GOT1", "STO1"]}
    record = select_cases(all_prepared(tmp_path, CHANNELS), groups, BOTH)
    write_json(tmp_path / "holdout.json", record)
    cases = read_selected(str(tmp_path / "holdout.json"))
    assert [case.patient for case in cases] == ["GOT1", "STO1"]
    assert cases[0].channels == tuple(file_of(tmp_path, channel, "GOT1", "GOT-0") for channel in CHANNELS)


def test_only_validation_patients_are_predicted(tmp_path: Path) -> None:
    assert [case.patient for case in read_selected(selection(tmp_path))] == ["GOT1"]


def train_on(chosen: str, folder: Path) -> None:
    """A training as the rule starts it, without an epoch."""
    data, files = read_training_set(chosen)
    with data_beside(data, files, folder, None, print):
        pass


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("other")])
@pytest.mark.parametrize(
    ("channel", "patient", "batch"),
    [("post_t1ce", "STO1", "STO-0"), ("pre_tumor", "GOT1", "GOT-0"), ("residual", "STO2", "STO-0")],
)
def test_a_file_missing_or_changed_since_is_named_with_the_command_that_rebuilds_it(
    tmp_path: Path, channel: str, patient: str, batch: str, damage: Any
) -> None:
    chosen = selection(tmp_path)
    path = file_of(tmp_path, channel, patient, batch)
    damage(path)
    with pytest.raises(DamagedStageError) as raised:
        train_on(chosen, tmp_path)
    assert str(raised.value) == (
        f"{path}: missing or changed since it was made. "
        f"Rebuild with: rm {path.parent}/manifest.json and run the same snakemake command again"
    )


def test_a_prediction_refuses_damaged_channels_and_ignores_other_files(tmp_path: Path) -> None:
    chosen = selection(tmp_path)
    file_of(tmp_path, "residual", "GOT1", "GOT-0").unlink()
    file_of(tmp_path, "post_t1ce", "STO1", "STO-0").unlink()
    assert len(read_selected(chosen)) == 1
    file_of(tmp_path, "pre_tumor", "GOT1", "GOT-0").write_text("other")
    with pytest.raises(DamagedStageError, match="GOT1"):
        read_selected(chosen)
