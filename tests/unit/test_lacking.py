"""Networks that are trained to do without channels: what is trained, and with which subsets they are judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cohort_tables import config, row, study, write_table
from residua.cohort.cohort import load_cohort
from residua.errors import ResiduaError
from residua.networks.cases import Channel
from residua.networks.selected import read_selected
from residua.networks.selection import select_cases
from residua.publishing.publish import digest, stage
from residua.settings.classification import Classification
from residua.settings.study import load_study
from residua.statistics.subsets import compare_subsets
from residua.tables.supplement import subsets as subsets_table
from residua.wiring import lacking, preparation, publication
from residua.wiring.loaded import LoadedStudy

INPUTS = {
    "A": ["post_t1ce"],
    "C": ["post_t1ce", "post_t1", "post_flair"],
    "any": ["post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_tumor"],
}


def loaded_study(folder: Path, **changes: Any) -> LoadedStudy:
    records = [row(f"{hospital}1", hospital) for hospital in ("STO", "GOT", "PAR", "AMS")]
    (folder / "images").mkdir()
    for record in records:
        for name in [record[column] for column in record if column.startswith(("post_", "pre_", "residual"))]:
            (folder / name).touch()
    settings = study(inputs=INPUTS, **changes)
    return LoadedStudy(settings, load_cohort(settings, write_table(folder, records)))


@pytest.fixture
def dropping(tmp_path: Path) -> LoadedStudy:
    return loaded_study(tmp_path, channel_dropout={"any": 0.5})


@pytest.mark.parametrize(
    ("dropout", "told"),
    [
        ({"B": 0.5}, "channel_dropout names B, which is missing under inputs"),
        ({"A": 0.5}, "channel_dropout.A: the input configuration needs post_t1ce"),
        ({"none": 0.5}, "channel_dropout.none: the input configuration needs post_t1ce"),
        ({"any": 0}, "channel_dropout.any"),
        ({"any": 1}, "channel_dropout.any"),
    ],
)
def test_a_share_that_cannot_be_left_out_is_refused(dropout: dict[str, float], told: str) -> None:
    inputs = {**INPUTS, "none": ["post_t1", "post_flair"]}
    with pytest.raises(ResiduaError) as error:
        load_study(config(inputs=inputs, channel_dropout=dropout))
    assert told in str(error.value)


def test_a_selection_is_the_same_as_ever_unless_its_inputs_leave_channels_out(
    dropping: LoadedStudy, tmp_path: Path
) -> None:
    plain = {"name": "post_t1ce", "is_label": False}
    assert preparation.channel_records(dropping, "C")[0] == plain
    assert all(set(record) == set(plain) for record in preparation.channel_records(dropping, "C"))
    first, *others = preparation.channel_records(dropping, "any")
    assert first == plain
    assert [record["dropout"] for record in others] == [0.5] * 4
    assert [record["drawn_on"] for record in others] == [None, None, None, "pre_t1ce"]
    for records in (preparation.channel_records(dropping, name) for name in INPUTS):
        selection = select_cases([], {"training": [], "validation": []}, [Channel(**record) for record in records])
        assert selection["channels"] == records


def test_every_possible_subset_is_judged_and_a_label_never_without_its_sequence(dropping: LoadedStudy) -> None:
    found = lacking.subsets(dropping, "any")
    # T1w and FLAIR or not, and before surgery nothing, the sequence, or the sequence with its label.
    assert len(found) == len(set(found)) == 2 * 2 * 3
    assert found[0] == tuple(INPUTS["any"])
    assert found[-1] == ("post_t1ce",)
    assert all("pre_t1ce" in given for given in found if "pre_tumor" in given)
    assert len(lacking.names(dropping)) == 11
    assert [lacking.channels_of(name) for name in lacking.names(dropping)] == [list(given) for given in found[1:]]


def test_networks_of_the_same_channels_stand_beside_a_subset(dropping: LoadedStudy) -> None:
    compared = lacking.compared(dropping)
    beside = {tuple(record["given"]): [] for record in compared}
    for record in compared:
        if record["arch"] == "nnunet":
            beside[tuple(record["given"])].append((record["inputs"], record["file"]))
    assert beside["post_t1ce",] == [
        ("any", "results/lacking/nnunet/any/post_t1ce.parquet"),
        ("A", "results/metrics/nnunet/A.parquet"),
    ]
    assert beside[tuple(INPUTS["any"])] == [("any", "results/metrics/nnunet/any.parquet")]
    assert [inputs for inputs, _ in beside[tuple(INPUTS["C"])]] == ["any", "C"]
    assert publication.supplement(dropping)["subsets"] == "subsets"


def test_without_channel_dropout_nothing_is_planned(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path)
    assert lacking.names(loaded) == lacking.compared(loaded) == []
    assert "subsets" not in publication.supplement(loaded)


def test_a_network_is_shown_only_what_is_given(tmp_path: Path) -> None:
    names, files = ("post_t1ce", "post_t1", "post_flair"), {}
    for name in names:
        with stage(tmp_path / name / "manifest.json") as part:
            (part / "AMS1.npz").write_text(name)
        file = tmp_path / name / "AMS1.npz"
        files[name] = {"path": str(file), "digest": digest(file)}
    channels = [Channel(name, False).to_json() for name in names]
    record = {"channels": channels, "files": {"AMS1": files}, "training": [], "validation": ["AMS1"]}
    selection = tmp_path / "holdout.json"
    selection.write_text(json.dumps(record))
    (whole,) = read_selected(str(selection))
    assert whole.lacking == ()
    (case,) = read_selected(str(selection), ["post_t1ce", "post_flair"])
    assert case.lacking == (1,)
    assert case.channels == whole.channels


def test_a_patient_who_lacks_a_channel_is_selected_with_the_grid_of_another(tmp_path: Path) -> None:
    channels = [Channel(name, name == "pre_tumor") for name in ("post_t1ce", "post_t1", "pre_tumor")]
    for name, members in (("post_t1ce", ("AMS1", "AMS2")), ("post_t1", ("AMS2",)), ("pre_tumor", ("AMS1", "AMS2"))):
        with stage(tmp_path / name / "AMS-0" / "manifest.json") as part:
            for patient in members:
                (part / f"{patient}.npz").write_text(f"{name} of {patient}")
    manifests = [str(tmp_path / channel.name / "AMS-0" / "manifest.json") for channel in channels]
    patients = {"training": [], "validation": ["AMS1", "AMS2"]}
    whole = select_cases(manifests, patients, channels)
    assert "lacking" not in whole
    assert select_cases(manifests, patients, channels, {}) == whole
    selection = tmp_path / "holdout.json"
    selection.write_text(json.dumps(select_cases(manifests, patients, channels, {"AMS1": ["post_t1"]})))
    one, other = read_selected(str(selection))
    assert (one.lacking, other.lacking) == ((1,), ())
    assert [file.parts[-3] for file in one.channels] == ["post_t1ce", "post_t1ce", "pre_tumor"]
    assert [file.parts[-3] for file in other.channels] == ["post_t1ce", "post_t1", "pre_tumor"]
    one, other = read_selected(str(selection), ["post_t1ce"])
    assert (one.lacking, other.lacking) == ((1, 2), (1, 2))


def test_the_numbers_of_a_subset_are_those_of_the_hold_out(tmp_path: Path) -> None:
    cases = {
        "split": ["validation", "test", "test", "test"],
        "reference_ml": [5.0, 2.0, 2.0, 0.0],
        "predicted_ml": [5.0, 1.0, 0.0, 1.0],
        "dice": [0.9, 0.5, 0.1, 0.0],
    }
    pd.DataFrame(cases).to_parquet(tmp_path / "one.parquet")
    record = {
        "file": str(tmp_path / "one.parquet"),
        "arch": "nnunet",
        "inputs": "any",
        "given": ["post_t1ce", "post_t1"],
    }
    settings = load_study(config())
    frame = compare_subsets([record], Classification(residual_tumor_ml=0.175, min_overlap_dice=0))
    (found,) = frame.to_dict("records")
    assert (found["n"], found["n_positive"], found["dice"]) == (3, 2, pytest.approx(0.3))
    assert (found["sensitivity"], found["specificity"], found["balanced_accuracy"]) == (50.0, 0.0, 25.0)
    (shown,) = subsets_table(frame, {"nnunet": "nnU-Net"}, settings.statistics).frame.to_dict("records")
    assert shown["Channels"] == "post-operative T1w-CE and post-operative T1w"
    assert (shown["Input"], shown["DSC-P (%)"].text, shown["bAcc (%)"].text) == ("any", "30.00", "25.00")


def test_what_is_undefined_on_a_subset_counts_nobody(tmp_path: Path) -> None:
    cases = {"split": "test", "reference_ml": [0.0] * 3, "predicted_ml": [0.0, 0.0, 1.0], "dice": [0.0] * 3}
    pd.DataFrame(cases).to_parquet(tmp_path / "one.parquet")
    record = {"file": str(tmp_path / "one.parquet"), "arch": "nnunet", "inputs": "any", "given": ["post_t1ce"]}
    frame = compare_subsets([record], Classification(residual_tumor_ml=0.175, min_overlap_dice=0))
    assert "dice_sd" not in frame
    (shown,) = subsets_table(frame, {}, load_study(config()).statistics).frame.to_dict("records")
    assert str(shown["Sensitivity (%)"]) == "n/a (n=0, 3 undefined)"
    assert str(shown["bAcc (%)"]) == "n/a (n=0, 3 undefined)"
    assert str(shown["Specificity (%)"]) == "66.67 (n=3)"
    assert (shown["DSC-P (%)"].text, shown["DSC-P (%)"].n) == ("n/a", 0)
