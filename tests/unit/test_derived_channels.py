"""Channels that are computed from two sequences: their values, who has them, and where they are named."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import CHANNELS, record_of, settings_of
from cohort_tables import PUBLISHED, config, row, rows, write_images, write_table
from cohort_tables import study as study_of
from residua.bundle.card import card_of
from residua.bundle.start import fitting_bundle
from residua.cohort.cohort import judged_cohort, load_cohort
from residua.cohort.eligibility import ineligible
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.inference.bundles import Bundle, shared_study
from residua.inference.choice import choose
from residua.inference.new_patients import load_new_patients
from residua.networks.cases import Channel
from residua.networks.dropout import dropped
from residua.networks.exporting import Ensemble
from residua.preparation.derived import derive
from residua.report.methods import methods
from residua.settings.channels import DerivedChannel
from residua.settings.initial_bundle import InitialBundle
from residua.settings.study import load_study
from residua.wiring import lacking, preparation, quality, sharing
from residua.wiring.loaded import LoadedStudy
from residua.wiring.patients import patients_with, with_inputs

GAIN = {"subtract": ["post_t1ce", "post_t1"], "normalise": "brain"}
INPUTS = {"A": ["post_t1ce"], "F": ["post_t1ce", "gain"]}
GRID = Grid((4, 1, 1), np.eye(4))


def image(folder: Path, name: str, values: Sequence[float], grid: Grid = GRID) -> Path:
    file = folder / f"{name}.nii.gz"
    volumes.save(Image(np.array(values, np.float32).reshape(grid.shape), grid), file)
    return file


def made(
    folder: Path, first: Sequence[float], second: Sequence[float], normalise: str, grid: Grid = GRID
) -> list[float]:
    sources = image(folder, "first", first, grid), image(folder, "second", second, grid)
    brain = image(folder, "brain", [1, 1, 1, 0])
    how = DerivedChannel.model_validate({**GAIN, "normalise": normalise})
    derive(sources, brain, how, folder / "made.nii.gz")
    return [float(value) for value in volumes.load(folder / "made.nii.gz").data.ravel()]


def test_the_second_sequence_is_subtracted_from_the_first_within_the_brain(tmp_path: Path) -> None:
    assert made(tmp_path, [5, 7, 9, 9], [1, 4, 10, 2], "none") == [4, 3, -1, 0]


def test_each_sequence_is_first_normalised_over_the_brain_alone(tmp_path: Path) -> None:
    # Means 4 and 20, standard deviations the roots of 8/3 and 200: what lies outside of the brain is not seen.
    first = np.array([-2, 0, 2]) / np.sqrt(8 / 3)
    second = np.array([-10, -10, 20]) / np.sqrt(200)
    found = made(tmp_path, [2, 4, 6, 1000], [10, 10, 40, -1000], "brain")
    assert found == pytest.approx([*(first - second), 0], abs=1e-6)
    # Units and offsets of a scanner play no part.
    assert made(tmp_path, [2002, 2004, 2006, 0], [1, 1, 4, 7], "brain") == pytest.approx(found, abs=1e-4)


def test_a_constant_sequence_counts_as_zero(tmp_path: Path) -> None:
    deviations = np.array([-2, 0, 2]) / np.sqrt(8 / 3)
    assert made(tmp_path, [2, 4, 6, 0], [7, 7, 7, 0], "brain") == pytest.approx([*deviations, 0], abs=1e-6)


def test_on_the_grid_of_a_network_the_brain_is_where_half_a_voxel_lies_in_it(tmp_path: Path) -> None:
    # The mask's voxels have their centres at 0 to 3 mm; these lie at 0, 2 and 2.6 mm.
    finer = Grid((2, 1, 1), np.diag([2.5, 1.0, 1.0, 1.0]))
    assert made(tmp_path, [5, 7], [1, 4], "none", finer) == [4, 3]
    farther = Grid((2, 1, 1), np.diag([2.6, 1.0, 1.0, 1.0]))
    assert made(tmp_path, [5, 7], [1, 4], "none", farther) == [4, 0]


def test_images_on_two_grids_are_refused(tmp_path: Path) -> None:
    sources = image(tmp_path, "first", [1, 2, 3, 4]), image(tmp_path, "second", [1, 2], Grid((2, 1, 1), np.eye(4)))
    with pytest.raises(ResiduaError, match=r"second\.nii\.gz: shape \(2, 1, 1\)"):
        derive(sources, sources[0], DerivedChannel.model_validate(GAIN), tmp_path / "made.nii.gz")


@pytest.mark.parametrize(
    ("derived", "told"),
    [
        ({"gain": {**GAIN, "subtract": ["post_t1ce", "post_t2"]}}, "subtracts post_t2, which is not a sequence"),
        ({"gain": {**GAIN, "subtract": ["post_t1ce", "residual"]}}, "subtracts residual, which is a label"),
        ({"gain": {**GAIN, "subtract": ["gain", "post_t1"]}}, "subtracts gain, which is the channel itself"),
        (
            {"gain": {**GAIN, "subtract": ["post_t1ce", "other"]}, "other": {**GAIN, "subtract": ["gain", "post_t1"]}},
            "gain subtracts other, which is another derived channel; name two of the sequences (post_t1ce, post_t1, "
            "post_flair, pre_t1ce); derived_channels.other subtracts gain, which is another derived channel",
        ),
        ({"post_t1": GAIN}, "derived_channels.post_t1 has the name of a sequence"),
        ({"pre_tumor": GAIN}, "derived_channels.pre_tumor has the name of a label"),
        ({"brain_mask": GAIN}, "derived_channels.brain_mask has the name of a column"),
        ({"age": GAIN}, "derived_channels.age has the name of a column"),
        ({"gain": {**GAIN, "subtract": ["post_t1", "post_t1"]}}, "derived_channels.gain.subtract: post_t1 stands more"),
        ({"gain": {**GAIN, "subtract": ["post_t1ce"]}}, "derived_channels.gain.subtract"),
        ({"gain": {**GAIN, "normalise": "head"}}, "derived_channels.gain.normalise: Input should be 'brain' or 'none'"),
        ({"gain": {**GAIN, "add": []}}, "derived_channels.gain.add: unknown key"),
        ({}, "input configuration F names gain, which is not a sequence, label or derived channel"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(derived: dict[str, Any], told: str) -> None:
    with pytest.raises(ResiduaError) as error:
        load_study(config(inputs=INPUTS, derived_channels=derived))
    assert told in str(error.value)


def test_the_published_study_says_nothing_of_derived_channels_and_an_unused_one_is_in_no_result() -> None:
    plain = load_study(PUBLISHED).model_dump(mode="json")
    assert "derived_channels" not in plain
    assert load_study({**PUBLISHED, "derived_channels": {"gain": GAIN}}).model_dump(mode="json") == plain


def derived_study(folder: Path, records: Sequence[dict[str, str]] | None = None, **changes: Any) -> LoadedStudy:
    settings = study_of(
        **{"inputs": INPUTS, "derived_channels": {"gain": GAIN}, "eligibility": "per_inputs", **changes}
    )
    records = rows() if records is None else records
    write_images(folder, records)
    return LoadedStudy(settings, load_cohort(settings, write_table(folder, records)))


def test_a_patient_without_a_source_has_no_such_channel(tmp_path: Path) -> None:
    loaded = derived_study(tmp_path, [*rows(), row("STO2", "STO", post_t1="")])
    assert with_inputs(loaded, ["STO1", "STO2"], "F") == ["STO1"]
    assert with_inputs(loaded, ["STO1", "STO2"], "A") == ["STO1", "STO2"]
    assert patients_with(loaded, "gain", loaded.cohort.candidates and next(iter(loaded.cohort.batches))) == ["STO1"]
    assert loaded.cohort.eligible("F") == ("STO1", "GOT1", "PAR1", "AMS1")


def test_the_patient_is_told_of_the_source_and_not_of_the_channel(tmp_path: Path) -> None:
    settings = derived_study(tmp_path, eligibility="complete").study
    patient = Patient("STO1", "STO", "auto", "", 2, {"post_t1ce": "a", "residual": "b", "post_flair": "c"})
    (problem,) = ineligible(settings, patient, settings.file_columns)
    assert (problem.subject, problem.what) == ("post_t1", "no file is given, and input configuration F needs it")
    without = [column for column in row("STO1", "STO") if column != "post_t1"]
    _, problems = judged_cohort(settings, write_table(tmp_path, rows(), without))
    (missing,) = [problem for problem in problems if problem.check == "column-missing"]
    assert (
        missing.remedy
        == "add it to the table, or delete it in the config (in inputs F; sequences.moving, derived_channels.gain)"
    )


def test_a_column_of_the_table_may_not_have_the_name_of_a_derived_channel(tmp_path: Path) -> None:
    settings = derived_study(tmp_path).study
    records = [{**record, "gain": "images/gain.nii.gz"} for record in rows()]
    _, problems = judged_cohort(settings, write_table(tmp_path, records, list(records[0])))
    assert [(problem.check, problem.subject) for problem in problems] == [("column-unknown", "gain")]


def test_it_is_prepared_of_stripped_or_of_sampled_sequences(tmp_path: Path) -> None:
    loaded = derived_study(tmp_path)
    paper = preparation.sources_of(loaded, "nnunet", "gain", "STO-0")
    assert paper == [f"results/stripped/{source}/STO-0/manifest.json" for source in GAIN["subtract"]]
    assert preparation.stripped_channels(loaded) == "post_t1ce"
    assert preparation.derived_channels(loaded) == "gain"
    assert preparation.all_channels(loaded) == "post_t1ce|gain|post_t1|residual"
    composed = LoadedStudy(study_of(**{**_changes(), "preparation": "composed"}), loaded.cohort)
    sampled = preparation.sources_of(composed, "agunet", "gain", "STO-0")
    assert sampled == [f"results/sampled/agunet/{source}/STO-0/manifest.json" for source in GAIN["subtract"]]
    assert "gain" not in preparation.sampled_channels(composed).split("|")
    assert quality.assessed_columns(loaded) == ("post_t1",)


def _changes() -> dict[str, Any]:
    return {"inputs": INPUTS, "derived_channels": {"gain": GAIN}}


def test_a_selection_holds_the_definition_and_that_of_others_is_as_ever(tmp_path: Path) -> None:
    loaded = derived_study(tmp_path)
    assert preparation.channel_records(loaded, "A") == [{"name": "post_t1ce", "is_label": False}]
    records = preparation.channel_records(loaded, "F")
    assert records[1] == {"name": "gain", "is_label": False, "definition": GAIN}
    assert [Channel(**record).to_json() for record in records] == records


def test_it_is_left_out_with_any_of_its_sequences_and_never_alone_where_all_are_there(tmp_path: Path) -> None:
    inputs = {"any": ["post_t1ce", "post_t1", "gain"], "F": INPUTS["F"]}
    loaded = derived_study(tmp_path, inputs=inputs, channel_dropout={"any": 0.5, "F": 0.5})
    channels = [Channel(**record) for record in preparation.channel_records(loaded, "any")]
    assert [channel.dropout for channel in channels] == [0, 0.5, 0]
    assert dropped(channels, [0.0, 0.4, 0.9]) == [1, 2]
    assert dropped(channels, [0.0, 0.6, 0.0]) == []
    assert lacking.subsets(loaded, "any") == [("post_t1ce", "post_t1", "gain"), ("post_t1ce",)]
    hidden = [Channel(**record) for record in preparation.channel_records(loaded, "F")]
    assert dropped(hidden, [0.0, 0.4]) == [1]
    assert lacking.subsets(loaded, "F") == [("post_t1ce", "gain"), ("post_t1ce",)]


def test_a_bundle_carries_the_definition_of_its_own_channels_alone(tmp_path: Path) -> None:
    loaded = derived_study(tmp_path)
    assert "derived_channels" not in sharing.settings_of_model(loaded, "nnunet", "A")
    assert sharing.settings_of_model(loaded, "nnunet", "F")["derived_channels"] == {"gain": GAIN}
    assert sharing.images_of_model(loaded, loaded.study.archs[0], "F") == ["post_t1ce", "post_t1"]
    assert "definition" not in str(record_of("nnunet").model_dump(mode="json"))


def bundle(inputs: str = "F", definition: dict[str, Any] | None = GAIN, score: float = 0.5) -> Bundle:
    names = INPUTS[inputs]
    settings = copy.deepcopy(settings_of("nnunet")) | {"inputs": {inputs: names}, "brain_mask": {"method": "template"}}
    settings["statistics"]["best_inputs"] = {key: {"nnunet": inputs} for key in settings["statistics"]["best_inputs"]}
    channels: list[dict[str, Any]] = [{"name": name, "is_label": False} for name in names]
    if inputs == "F" and definition:
        settings["derived_channels"] = {"gain": definition}
        channels[1]["definition"] = definition
    threshold = {"threshold": 0.5, "candidates": [{"threshold": 0.5, "score": score}]}
    record = record_of("nnunet", inputs=inputs, channels=channels, study=settings, threshold=threshold)
    return Bundle(f"{inputs}.zip", record)


def test_a_record_is_read_back_and_must_agree_with_its_settings() -> None:
    record = bundle().record
    dumped = record.model_dump(mode="json")
    assert type(record).model_validate(dumped).channels == record.channels
    dumped["channels"][1]["definition"]["normalise"] = "none"
    with pytest.raises(ValueError, match="disagree on how channels are derived"):
        type(record).model_validate(dumped)
    assert (
        "2. Gain (`gain`): computed on the grid of the reference: post-operative T1w-CE minus post-operative T1w, each "
        "first with mean 0 and standard deviation 1 within the brain mask." in card_of(record)
    )


def test_a_new_patient_needs_the_sequences_of_which_it_is_made(tmp_path: Path) -> None:
    given = bundle()
    assert choose([given], ["post_t1ce", "post_t1"], "post_t1ce") is not None
    assert choose([given], ["post_t1ce"], "post_t1ce") is None
    zeros = choose([given], ["post_t1ce"], "post_t1ce", "zeros")
    assert zeros is not None
    assert zeros.lacking == ("gain",)
    table = tmp_path / "new.tsv"
    table.write_text("patient\tpost_t1ce\tpost_t1\nP1\ta.nii\tb.nii\nP2\ta.nii\tn/a\n")
    both = [given, bundle("A", score=0.1)]
    found = load_new_patients(shared_study(both, str(table)), both)
    assert {patient: str(choice.bundle) for patient, choice in found.choices.items()} == {
        "P1": "nnunet F",
        "P2": "nnunet A",
    }
    assert found.choices["P2"].why == "nnunet A is the only bundle whose channels are all given; nnunet F needs post_t1"
    assert sorted(found.cohort.patients["P1"].files) == ["post_t1", "post_t1ce"]
    assert found.cohort.has("P1", ("gain",))
    assert not found.cohort.has("P2", ("gain",))
    alone = load_new_patients(shared_study([given], str(table)), [given])
    assert [problem.what for problem in alone.problems] == [
        "no file is given for post_t1, and every bundle needs more than is given"
    ]


def test_bundles_that_derive_one_channel_in_two_ways_are_not_applied_together() -> None:
    first = bundle()
    record = bundle(definition={**GAIN, "normalise": "none"}).record
    arch = record.model_copy(update={"inputs": "G"})
    with pytest.raises(ResiduaError, match=r"F\.zip and other\.zip derive the channel gain in different ways"):
        shared_study([first, Bundle("other.zip", arch)], "new.tsv")


def test_a_training_starts_from_no_model_of_another_definition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = bundle()
    monkeypatch.setattr("residua.bundle.start._require_digest", lambda *arguments: None)
    monkeypatch.setattr("residua.bundle.start.read_bundle", lambda *arguments: given.record)
    start, settings = InitialBundle(file="F.zip", sha256="0" * 64), given.record.settings
    own = [CHANNELS[0], Channel("gain", False, definition=GAIN)]
    assert fitting_bundle(Path("F.zip"), start, "nnunet", own, settings) == given.record  # type: ignore[arg-type]
    other = [CHANNELS[0], replace(own[1], definition={**GAIN, "normalise": "none"})]
    told = (
        r"gain \(post_t1ce minus post_t1, each first .*\), and those of the config .* gain \(post_t1ce minus post_t1\)"
    )
    with pytest.raises(ResiduaError, match=told):
        fitting_bundle(Path("F.zip"), start, "nnunet", other, settings)  # type: ignore[arg-type]


def test_exports_and_the_report_say_how_it_is_made() -> None:
    channels = (CHANNELS[0], Channel("gain", False, definition=GAIN))
    facts = Ensemble("nnunet", "F", channels, {}, 0.5).facts()
    assert facts["derived_channels"] == {"gain": GAIN}
    assert "derived_channels" not in Ensemble("nnunet", "A", CHANNELS, {}, 0.5).facts()
    told = " ".join(text for passage in methods(study_of(**_changes()), {}, False, 2) for text in passage.paragraphs)
    assert "The gain was computed of registered and stripped images: the post-operative T1w-CE minus" in told
