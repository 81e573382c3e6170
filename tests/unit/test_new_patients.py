"""The bundles of an application, the choice among them, and the patients to whom they are applied."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from bundles import record_of, settings_of
from residua.errors import ResiduaError
from residua.inference.bundles import Bundle, shared_study
from residua.inference.choice import choose
from residua.inference.new_patients import NewPatients, load_new_patients
from residua.settings.application import load_application
from residua.wiring import preparation, quality, reporting, sharing
from residua.wiring.application import LoadedApplication

CHANNELS = {
    "A": ("post_t1ce",),
    "B": ("post_t1ce", "post_t1"),
    "C": ("post_t1ce", "post_t1", "post_flair"),
    "D": ("post_t1ce", "pre_t1ce", "pre_tumor"),
    "X": ("post_t1", "post_flair"),
}


def bundle(inputs: str, score: float = 0.5, arch: str = "nnunet", path: str = "", **changes: Any) -> Bundle:
    """A bundle of the micro study with a score, and ``changes`` at the top level of its settings."""
    channels = CHANNELS[inputs]
    study = copy.deepcopy(settings_of(arch)) | {"inputs": {inputs: list(channels)}}
    study["statistics"]["best_inputs"] = {name: {arch: inputs} for name in study["statistics"]["best_inputs"]}
    study["brain_mask"] = {"method": "template"}
    study |= changes
    record = record_of(
        arch,
        inputs=inputs,
        study=study,
        channels=[{"name": name, "is_label": name == "pre_tumor"} for name in channels],
        threshold={"threshold": 0.5, "candidates": [{"threshold": 0.5, "score": score}]},
    )
    return Bundle(path or f"{arch}{inputs}.zip", record)


def new_patients(folder: Path, bundles: list[Bundle], table: str, **known: str) -> NewPatients:
    file = folder / "new.tsv"
    file.write_text(table.replace(" ", "\t"))
    return load_new_patients(shared_study(bundles, str(file)), bundles, known)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ("post_t1ce", "nnunet A"),
        ("post_t1ce post_t1", "agunet B"),
        ("post_t1ce post_t1 post_flair", "nnunet C"),
        ("post_t1ce post_flair", "nnunet A"),
        ("post_t1ce pre_t1ce pre_tumor", "nnunet A"),
        ("post_t1 post_flair", None),
        ("", None),
    ],
)
def test_a_patient_gets_the_best_bundle_whose_channels_are_given(given: str, chosen: str | None) -> None:
    bundles = [bundle("A", 0.3), bundle("B", 0.5), bundle("B", 0.6, "agunet"), bundle("C", 0.7), bundle("D", 0.2)]
    choice = choose(bundles, given.split(), "post_t1ce")
    assert (choice and str(choice.bundle)) == chosen


def test_the_reference_sequence_is_needed_although_no_channel_shows_it() -> None:
    assert choose([bundle("X")], ["post_t1", "post_flair"], "post_t1ce") is None
    assert choose([bundle("X")], ["post_t1ce", "post_t1", "post_flair"], "post_t1ce") is not None


def test_the_first_of_equal_bundles_is_chosen_and_the_reason_names_the_others() -> None:
    bundles = [bundle("B", 0.5), bundle("B", 0.5, "agunet"), bundle("A", 0.25), bundle("C", 0.9)]
    choice = choose(bundles, ["post_t1ce", "post_t1"], "post_t1ce")
    assert choice is not None
    assert choice.bundle == bundles[0]
    assert choice.why == (
        "nnunet B has the best out-of-fold score (0.500) of the bundles whose channels are given; agunet B (0.500) and "
        "nnunet A (0.250); nnunet C needs post_flair"
    )
    alone = choose(bundles[2:], ["post_t1ce"], "post_t1ce")
    assert alone is not None
    assert alone.why == (
        "nnunet A is the only bundle whose channels are all given; nnunet C needs post_t1 and post_flair"
    )
    only = choose(bundles[:1], ["post_t1ce", "post_t1"], "post_t1ce")
    assert only is not None
    assert only.why == "nnunet B is the only bundle"


def test_bundles_share_one_study_of_all_their_networks_and_inputs() -> None:
    shared = shared_study([bundle("A"), bundle("B", arch="agunet"), bundle("B")], "new.tsv")
    assert shared.cohort == "new.tsv"
    assert shared.raters is None
    assert shared.archs == ("nnunet", "agunet")
    assert shared.inputs == {"A": ("post_t1ce",), "B": ("post_t1ce", "post_t1")}
    assert shared.settings_of("agunet").label == "AGU-Net"
    assert shared.eligibility == "per_inputs"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"preparation": "composed"}, "differ in preparation"),
        ({"brain_mask": {"method": "deepbet"}}, "differ in brain_mask"),
        ({"classification": {"residual_tumor_ml": 1.0, "min_overlap_dice": 0.0}}, "differ in classification"),
        ({"inputs": {"B": ["post_t1ce", "post_flair"]}}, "call different channels B"),
        ({}, "both hold nnunet B"),
    ],
)
def test_bundles_that_cannot_be_applied_together_are_refused_by_one_message(changes: Any, said: str) -> None:
    other = bundle("B", path="other.zip")
    record = other.record
    if "inputs" in changes:
        channels = [{"name": name, "is_label": False} for name in changes["inputs"]["B"]]
        record = record_of("nnunet", inputs="B", channels=channels, study={**record.study, **changes})
    elif changes:
        record = bundle("B", **changes).record
    with pytest.raises(ResiduaError, match="cannot be applied together") as refused:
        shared_study([bundle("B"), Bundle("other.zip", record)], "new.tsv")
    assert f"nnunetB.zip and other.zip {said}" in str(refused.value)


def test_networks_that_prepare_channels_differently_are_refused() -> None:
    other = bundle("A")
    network = {**other.record.study["networks"]["nnunet"], "spacing_mm": [2.0, 2.0, 2.0]}
    changed = bundle("A", networks={"nnunet": network})
    with pytest.raises(ResiduaError, match="prepare channels for nnunet in different ways"):
        shared_study([bundle("B"), changed], "new.tsv")


def test_a_table_needs_no_hospital_no_role_and_no_label(tmp_path: Path) -> None:
    table = "patient post_t1ce post_t1\nP1 a.nii b.nii\nP2 c.nii \n"
    found = new_patients(tmp_path, [bundle("A", 0.1), bundle("B")], table)
    assert found.cohort.split.holdout == ("P1", "P2")
    assert found.cohort.batches == {"NEW-0": ("P1", "P2")}
    assert {name: str(choice.bundle) for name, choice in found.choices.items()} == {"P1": "nnunet B", "P2": "nnunet A"}
    assert found.cohort.patients["P1"].files == {"post_t1ce": f"{tmp_path}/a.nii", "post_t1": f"{tmp_path}/b.nii"}


def test_files_that_the_chosen_models_do_not_read_are_left_alone(tmp_path: Path) -> None:
    table = "patient hospital post_t1ce post_t1 post_flair pre_t1ce residual\nP1 AMS a b c d e\n"
    found = new_patients(tmp_path, [bundle("B")], table)
    # A mask can be brought back to the scan from before the surgery.
    assert list(found.cohort.patients["P1"].files) == ["post_t1ce", "post_t1", "pre_t1ce"]
    assert list(found.cohort.batches) == ["AMS-0"]


def test_a_label_needs_the_sequence_on_which_it_was_drawn(tmp_path: Path) -> None:
    table = "patient post_t1ce pre_t1ce pre_tumor\nP1 a b c\nP2 a  c\n"
    found = new_patients(tmp_path, [bundle("D")], table)
    assert list(found.choices) == ["P1"]
    (problem,) = found.problems
    assert (problem.patient, problem.check) == ("P2", "sequence-missing")
    assert problem.what.startswith("no file is given for pre_t1ce, pre_tumor")


def test_a_patient_without_the_sequences_is_refused_alone(tmp_path: Path) -> None:
    table = "patient post_t1ce post_t1\nP1 a b\nP2  b\nP3 a \n"
    found = new_patients(tmp_path, [bundle("B")], table)
    assert found.cohort.split.holdout == ("P1",)
    said = {problem.patient: str(problem) for problem in found.problems}
    assert said == {
        "P2": "row 3 (patient P2), column post_t1ce: no file is given for post_t1ce, and every patient needs it: "
        "give the file",
        "P3": "row 4 (patient P3), column post_t1: no file is given for post_t1, and every bundle needs more than is "
        "given: give the file, or a bundle that does without post_t1",
    }


def test_a_given_brain_mask_is_needed_where_the_bundles_bring_no_method(tmp_path: Path) -> None:
    given = bundle("A", brain_mask={"method": "given"})
    found = new_patients(tmp_path, [given], "patient post_t1ce brain_mask\nP1 a b\nP2 a \n")
    assert list(found.choices) == ["P1"]
    assert found.problems[0].what == "no file is given for brain_mask, and every patient needs it"


@pytest.mark.parametrize("name", ["../../x", "a b", "", "x" * 65, "con"])
def test_an_unsafe_name_of_a_patient_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "new.tsv").write_text(f"patient\tpost_t1ce\n{name}\ta.nii\n")
    with pytest.raises(ResiduaError, match="row 2"):
        load_new_patients(shared_study([bundle("A")], f"{tmp_path}/new.tsv"), [bundle("A")])


def test_excluded_patients_and_those_with_unusable_files_are_not_predicted(tmp_path: Path) -> None:
    table = "patient role exclusion_reason post_t1ce\nP1 exclude moved a\nP2 auto  b\nP3   c\n"
    bundles = (bundle("A"),)
    found = new_patients(tmp_path, list(bundles), table, P2="image-constant")
    loaded = LoadedApplication(
        shared_study(bundles, "new.tsv"),
        found.cohort,
        bundles=bundles,
        choices=found.choices,
        problems=found.problems,
    )
    assert loaded.held_out("nnunet", "A") == ["P3"]
    assert loaded.models == [("nnunet", "A")]
    assert loaded.folds_of("nnunet", "A") == [0, 1]
    assert [patient["excluded"] for patient in loaded.plan()] == ["moved", None, None]
    assert found.cohort.candidates == {"NEW-0": ("P2", "P3")}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"bundles": [], "cohort": "new.tsv"}, "bundles: "),
        ({"bundles": ["a.zip"]}, "cohort: "),
        ({"bundles": ["a.zip", "{old}/b.zip"], "cohort": "new.tsv"}, "  bundles: '{old}/b.zip' holds { or }, which"),
        ({"bundles": ["a.zip"], "cohort": "}/new.tsv"}, "  cohort: '}/new.tsv' holds { or }, which the workflow takes"),
        ({"bundles": "a.zip", "cohort": "new.tsv"}, "bundles: "),
        ({"bundles": ["a.zip"], "cohort": "new.tsv", "folds": {}}, "folds: unknown key; see docs/how-to/predict.md"),
    ],
)
def test_the_configuration_of_an_application_is_read_strictly(config: Any, said: str) -> None:
    with pytest.raises(ResiduaError) as refused:
        load_application(config)
    assert said in str(refused.value)


def test_all_faults_of_a_configuration_are_told_at_once() -> None:
    with pytest.raises(ResiduaError) as refused:
        load_application({"bundles": [""], "raters": "r.tsv", "archs": ["nnunet"]})
    assert all(f"  {key}: " in str(refused.value) for key in ("bundles.0", "cohort", "raters", "archs"))


DROPOUT = {"channel_dropout": {"C": 0.5}}


def test_a_network_that_was_trained_to_do_without_a_channel_gets_zeros() -> None:
    bundles = [bundle("B", 0.9), bundle("C", 0.5, **DROPOUT)]
    choice = choose(bundles, ["post_t1ce", "post_flair"], "post_t1ce")
    assert choice is not None
    assert (str(choice.bundle), choice.lacking) == ("nnunet C", ("post_t1",))
    assert choice.why == "nnunet C sees zeros in place of post_t1, which it was trained to do without"
    # A bundle whose channels are all given is better known.
    whole = choose(bundles, ["post_t1ce", "post_t1"], "post_t1ce")
    assert whole is not None
    assert (str(whole.bundle), whole.lacking) == ("nnunet B", ())
    assert choose(bundles, ["post_t1", "post_flair"], "post_t1ce") is None


def test_other_networks_get_zeros_only_where_the_user_insists_and_the_reason_warns() -> None:
    bundles = [bundle("C", 0.9), bundle("B", 0.5), bundle("X", 0.99)]
    assert choose(bundles, ["post_t1ce"], "post_t1ce") is None
    choice = choose(bundles, ["post_t1ce"], "post_t1ce", "zeros")
    assert choice is not None
    assert (str(choice.bundle), choice.lacking) == ("nnunet B", ("post_t1",))
    assert choice.why.endswith("which it was never trained to do without: the result is doubtful")
    trained = choose([*bundles, bundle("C", 0.1, "agunet", **DROPOUT)], ["post_t1ce"], "post_t1ce", "zeros")
    assert trained is not None
    assert str(trained.bundle) == "agunet C"


def test_bundles_with_and_without_dropout_share_a_study() -> None:
    shared = shared_study([bundle("B"), bundle("C", **DROPOUT)], "new.tsv")
    assert shared.channel_dropout == {}


def test_a_patient_without_a_sequence_is_selected_with_what_it_lacks(tmp_path: Path) -> None:
    bundles = [bundle("D", channel_dropout={"D": 0.5})]
    table = "patient post_t1ce pre_t1ce pre_tumor\nP1 a.nii.gz b.nii.gz c.nii.gz\nP2 d.nii.gz n/a e.nii.gz\n"
    new = new_patients(tmp_path, bundles, table)
    study = shared_study(bundles, str(tmp_path / "new.tsv"))
    loaded = LoadedApplication(study, new.cohort, bundles=tuple(bundles), choices=new.choices)
    assert loaded.held_out("nnunet", "D") == ["P1", "P2"]
    # Nobody can bring the label to the reference without the sequence on which it was drawn.
    assert loaded.lacking_of("nnunet", "D") == {"P2": ["pre_t1ce", "pre_tumor"]}
    assert set(new.cohort.patients["P2"].files) == {"post_t1ce"}
    assert [plan["lacking"] for plan in loaded.plan()] == [[], ["pre_t1ce", "pre_tumor"]]


def applied_to(folder: Path, bundles: list[Bundle], table: str, **known: str) -> LoadedApplication:
    new = new_patients(folder, bundles, table, **known)
    study = shared_study(bundles, str(folder / "new.tsv"))
    return LoadedApplication(study, new.cohort, bundles=tuple(bundles), choices=new.choices)


def test_a_report_takes_the_results_of_the_patients_own_models_and_none_without_a_prediction(tmp_path: Path) -> None:
    table = (
        "patient role exclusion_reason post_t1ce post_t1 pre_t1ce\nP1 auto  a.nii b.nii c.nii\nP2 auto  d.nii  \n"
        "P3 exclude moved e.nii f.nii g.nii\nP4 auto   h.nii i.nii\nP5 auto  j.nii  k.nii\nP6 auto  l.nii m.nii \n"
    )
    loaded = applied_to(tmp_path, [bundle("A", 0.3), bundle("B", 0.5)], table, P5="image-constant")
    everyone = list(loaded.cohort.patients)
    made = {patient: reporting.of_model(loaded, patient, "{arch}/{inputs}") for patient in everyone}
    assert made == {"P1": ["nnunet/B"], "P2": ["nnunet/A"], "P3": [], "P4": [], "P5": [], "P6": ["nnunet/B"]}
    back = {patient: reporting.brought_back(loaded, patient) for patient in everyone}
    assert {patient: files for patient, files in back.items() if files} == {
        "P1": ["results/before_surgery/nnunet/B/manifest.json"]
    }
    assert (reporting.scan_before(loaded, "P1"), reporting.scan_before(loaded, "P6")) == (f"{tmp_path}/c.nii", None)
    assert {patient for patient in everyone if reporting.brain_of(loaded, patient)} == {"P1", "P2", "P6"}
    assert {patient for patient in everyone if reporting.shown_images(loaded, patient)} == {"P1", "P2", "P6"}
    own = {patient: reporting.described(loaded, patient) for patient in everyone}
    assert {patient: found and found["inputs"] for patient, found in own.items()} == {
        "P1": "B", "P2": "A", "P3": "B", "P4": None, "P5": "A", "P6": "B",
    }  # fmt: skip


def test_each_bundle_is_described_by_its_own_record_and_once(tmp_path: Path) -> None:
    bundles = [bundle("A", 0.3), bundle("B", 0.5, "agunet")]
    table = "patient post_t1ce post_t1\nP1 a.nii b.nii\nP2 c.nii \nP3 d.nii e.nii\n"
    loaded = applied_to(tmp_path, bundles, table)
    first, second, third = (reporting.described(loaded, patient) for patient in loaded.cohort.patients)
    assert first is not None
    assert second is not None
    assert (first["label"], first["channels"]) == ("AGU-Net", ["post_t1ce", "post_t1"])
    assert (second["label"], second["channels"]) == ("nnU-Net", ["post_t1ce"])
    assert first["digest"] != second["digest"]
    assert third is first
    # Another application with the same models does not get these.
    other = applied_to(tmp_path, [bundle("A", 0.4), bundles[1]], table)
    assert (reporting.described(other, "P2") or {})["digest"] != second["digest"]


@pytest.mark.parametrize("missing", ["ones", True])
def test_another_word_for_missing_channels_is_refused(missing: Any) -> None:
    with pytest.raises(ResiduaError, match="missing"):
        load_application({"bundles": ["a.zip"], "cohort": "new.tsv", "missing": missing})
    assert load_application({"bundles": ["a.zip"], "cohort": "new.tsv"}).missing == "refuse"


def test_models_of_a_region_read_its_label_and_who_lacks_it_is_said_to_be_seen_whole(tmp_path: Path) -> None:
    networks = copy.deepcopy(settings_of("nnunet")["networks"])
    networks["nnunet"]["region"] = "pre_tumor"
    bundles = [bundle("B", networks=networks)]
    table = (
        "patient post_t1ce post_t1 pre_t1ce pre_tumor\n"
        "N1 a.nii b.nii c.nii d.nii\n"
        "N2 a.nii b.nii c.nii \n"
        "N3 a.nii b.nii  d.nii\n"
    )
    new = new_patients(tmp_path, bundles, table)
    assert set(new.cohort.patients["N1"].files) == {"post_t1ce", "post_t1", "pre_t1ce", "pre_tumor"}
    # A label without its sequence cannot be brought to the reference.
    assert "pre_tumor" not in new.cohort.patients["N3"].files
    study = shared_study(bundles, str(tmp_path / "new.tsv"))
    loaded = LoadedApplication(study, new.cohort, bundles=tuple(bundles), choices=new.choices)
    told = {record["patient"]: record.get("seen_whole_without") for record in loaded.plan()}
    assert told == {"N1": None, "N2": "pre_tumor", "N3": "pre_tumor"}
    (batch,) = new.cohort.batches
    assert preparation.framed(loaded, "nnunet", "post_t1", batch) == ["N1"]
    assert preparation.region_labels(loaded, "nnunet", "post_t1", batch) == ["results/registered/N1/pre_tumor.nii.gz"]
    records = preparation.region_registrations(loaded, "nnunet", "post_t1", batch)
    assert records == ["results/registered/N1/pre_t1ce_quality.json"]
    assert quality.assessed_columns(loaded) == ("post_t1", "pre_t1ce")
    assert sharing.images_of_model(loaded, "nnunet", "B") == ["post_t1ce", "post_t1", "pre_t1ce"]


def test_models_of_the_whole_brain_read_no_label_of_a_region(tmp_path: Path) -> None:
    bundles = [bundle("B")]
    new = new_patients(tmp_path, bundles, "patient post_t1ce post_t1\nN1 a.nii b.nii\n")
    loaded = LoadedApplication(shared_study(bundles, "t.tsv"), new.cohort, bundles=tuple(bundles), choices=new.choices)
    assert "seen_whole_without" not in loaded.plan()[0]
    (batch,) = new.cohort.batches
    assert preparation.region_labels(loaded, "nnunet", "post_t1", batch) == []
