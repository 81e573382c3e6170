"""The names of files and the choices of patients on which the rules are built."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cohort_tables import COLUMNS, FILES, PUBLISHED, ROOT, config, row, study, write_table
from residua.cohort.cohort import load_cohort
from residua.cohort.commands.weights import weights_problems
from residua.cohort.table.rater_table import Raters, Rating
from residua.publishing.notes import worded
from residua.publishing.publish import digest
from residua.settings.figures import FURTHER
from residua.wiring import (
    conventions,
    digests,
    files,
    patients,
    preparation,
    publication,
    quality,
    rating,
    resection,
    training,
)
from residua.wiring.loaded import LoadedStudy

INPUTS = {"A": ["post_t1ce"], "D": ["post_t1ce", "pre_t1ce", "pre_tumor"]}
HOSPITALS = ("STO", "GOT", "PAR", "AMS")
T1CE_ALONE = {"post_t1": "", "post_flair": "", "pre_t1ce": "", "pre_tumor": ""}


def loaded_study(folder: Path, records: list[dict[str, str]] | None = None, **changes: Any) -> LoadedStudy:
    """Two patients of each of four hospitals; the second of Paris has neither images before surgery nor labels."""
    if records is None:
        records = [row(f"{hospital}{number}", hospital) for hospital in HOSPITALS for number in (1, 2)]
        records[5].update(T1CE_ALONE)
    # Loading a study looks whether files exist and opens none.
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for record in records:
        for column in FILES:
            (folder / f"images/{record['patient']}_{column}.nii.gz").touch()
    settings = study("out_of_fold", **{"inputs": INPUTS, "eligibility": "per_inputs", **changes})
    columns = tuple(dict.fromkeys((*COLUMNS, *(column for record in records for column in record))))
    return LoadedStudy(settings, load_cohort(settings, write_table(folder, records, columns)))


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedStudy:
    return loaded_study(tmp_path)


@pytest.fixture
def rated(loaded: LoadedStudy) -> LoadedStudy:
    """The same study with a mask of each patient of the hold-out by one rater."""
    drawn = tuple(Rating(patient, "ann", "expert", f"{patient}.nii.gz") for patient in ("AMS2", "AMS1"))
    return replace(loaded, raters=Raters(drawn))


def test_the_package_loads_no_array_table_or_image_library() -> None:
    modules = [f"residua.wiring.{file.stem}" for file in (ROOT / "src/residua/wiring").glob("[a-z]*.py")]
    assert len(modules) >= 8
    heavy = "numpy pandas scipy nibabel matplotlib torch tensorflow ants snakemake jinja2"
    program = f"import {', '.join(modules)}, sys; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT / "src")
    assert done.stdout == "[]\n", done.stderr


def test_loaded_studies_are_told_apart_so_that_results_may_be_kept(loaded: LoadedStudy) -> None:
    other = replace(loaded)
    assert other != loaded
    assert len({loaded, other}) == 2


def test_models_trainings_and_subsets_are_listed_in_order(loaded: LoadedStudy) -> None:
    assert loaded.models == [(arch, inputs) for arch in loaded.study.archs for inputs in "AD"]
    assert loaded.trained == [(arch, inputs, fold) for arch, inputs in loaded.models for fold in (0, 1)]
    assert loaded.subsets == ["fold0", "fold1", "holdout"]
    assert loaded.arch_labels == {"nnunet": "nnU-Net", "agunet": "AGU-Net"}


def test_images_on_the_reference_grid_are_the_tables_own_and_others_are_registered(loaded: LoadedStudy) -> None:
    assert files.on_the_reference(loaded, "STO1", "post_t1ce") == files.reference_of(loaded, "STO1")
    assert files.on_the_reference(loaded, "STO1", "residual") == files.file_of(loaded, "STO1", "residual")
    assert files.on_the_reference(loaded, "STO1", "pre_t1ce") == "results/registered/STO1/pre_t1ce.nii.gz"
    assert files.on_the_reference(loaded, "STO1", "pre_tumor") == "results/registered/STO1/pre_tumor.nii.gz"
    assert files.registration_of("STO1", "post_t1", "warp.nii.gz") == "results/registered/STO1/post_t1_warp.nii.gz"


def test_a_registration_gets_the_settings_of_its_sequence(loaded: LoadedStudy) -> None:
    before, after = (files.registration_settings(loaded, sequence) for sequence in ("pre_t1ce", "post_t1"))
    assert before == loaded.study.registration_of("pre_t1ce").model_dump(mode="json")
    assert before["resected_margin_mm"] == 2.0
    assert after["resected_margin_mm"] is None
    assert not files.is_large_registration(loaded, "pre_t1ce")


@pytest.mark.parametrize("chosen", ["", "A1", "A1 B2", "A1 A11 B2", "A11 B1 B2", "A1 A11 B1 B2"])
def test_a_pattern_matches_the_chosen_patients_and_none_of_the_others(chosen: str) -> None:
    everyone = ["A1", "A11", "B1", "B2"]
    pattern = re.compile(rf"results/({patients.pattern_of(chosen.split(), everyone)})/post_t1\.nii\.gz")
    matched = [patient for patient in everyone if pattern.fullmatch(f"results/{patient}/post_t1.nii.gz")]
    assert matched == chosen.split()


def test_a_pattern_of_everyone_names_nobody() -> None:
    everyone = [f"P{number}" for number in range(1000)]
    assert patients.pattern_of(everyone, everyone) == patients.PATIENT
    assert len(patients.pattern_of(everyone[1:], everyone)) < 50


def test_patients_of_a_batch_are_those_that_have_the_channel(loaded: LoadedStudy) -> None:
    assert patients.patients_in(loaded, "PAR-0") == ["PAR1", "PAR2"]
    assert patients.patients_with(loaded, "pre_t1ce", "PAR-0") == ["PAR1"]
    assert patients.patients_with_label(loaded, "pre_tumor") == ["STO1", "STO2", "GOT1", "GOT2", "PAR1", "AMS1", "AMS2"]
    assert patients.patients_without_label(loaded, "pre_tumor") == ["PAR2"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"preparation": "composed"},
        {"inputs": {"A": ["post_t1ce"], "T": ["post_t1ce", "pre_tumor"]}},
        {"networks": {**config()["networks"], "nnunet": {**PUBLISHED["networks"]["nnunet"], "region": "pre_tumor"}}},
    ],
)
def test_a_label_without_the_sequence_on_which_it_was_drawn_is_only_measured(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    records = [row(f"{hospital}{number}", hospital) for hospital in HOSPITALS for number in (1, 2)]
    records[1]["pre_t1ce"] = ""
    loaded = loaded_study(tmp_path, records, **changes)
    assert patients.patients_with(loaded, "pre_tumor", "STO-0") == ["STO1"]
    assert [Path(file).name for file in preparation.channel_files(loaded, "pre_tumor", "STO-0")] == [
        "STO1_pre_tumor.nii.gz"
    ]
    assert preparation.channel_to_strip(loaded, "pre_tumor", "STO-0") == ["results/registered/STO1/pre_tumor.nii.gz"]
    assert preparation.framed(loaded, "nnunet", "post_t1ce", "STO-0") in ([], ["STO1"])
    assert list(quality.assessed_labels(loaded, "STO2")) == ["residual"]
    assert not any("registered/STO2" in file for file in quality.assessed_files(loaded, "STO-0"))
    assert [inputs for inputs in loaded.study.inputs if "STO2" in loaded.cohort.eligible(inputs)] == ["A"]
    # The volume before surgery is that of the mask as it was drawn.
    assert "STO2" in patients.resected_patients(loaded)
    assert str(tmp_path / "images/STO2_pre_tumor.nii.gz") in resection.masks_before(loaded)


def test_a_check_knows_a_patient_wherever_its_row_stands(tmp_path: Path) -> None:
    records = [row(f"{hospital}1", hospital) for hospital in HOSPITALS]
    first = loaded_study(tmp_path, records)
    later = loaded_study(tmp_path, [row("STO9", "STO"), *records])
    assert patients.checked(first, "STO1") == patients.checked(later, "STO1")
    assert patients.checked(first, "STO1")["files"] == files.files_of(first, "STO1")


def test_excluded_patients_stay_candidates_and_are_listed_with_their_reason(tmp_path: Path) -> None:
    records = [row(f"{hospital}{number}", hospital) for hospital in HOSPITALS for number in (1, 2)]
    records[0].update(role="exclude", exclusion_reason="moved")
    loaded = loaded_study(tmp_path, records)
    assert patients.excluded(loaded) == {
        "STO1": {"hospital": "STO", "exclusion_reason": "moved", "excluded_by": "table"}
    }
    assert patients.patients_in(loaded, "STO-0") == ["STO2"]
    invalid = load_cohort(loaded.study, f"{tmp_path}/cohort.tsv", {"PAR2": "no image"})
    checked = LoadedStudy(loaded.study, invalid)
    assert patients.candidates_in(checked, "PAR-0") == ["PAR1", "PAR2"]
    assert patients.excluded_in(checked, "PAR-0") == ["PAR2"]
    assert patients.patients_in(checked, "PAR-0") == ["PAR1"]


def test_a_file_that_is_missing_does_not_stop_the_check_of_the_other_patients(tmp_path: Path) -> None:
    first = loaded_study(tmp_path)
    every = [file for patient in ("PAR1", "PAR2") for file in files.files_of(first, patient).values()]
    lost = files.files_of(first, "PAR2")["post_t1ce"]
    Path(lost).unlink()
    invalid = load_cohort(first.study, f"{tmp_path}/cohort.tsv", {"PAR2": "file-missing"})
    assert patients.files_to_check(LoadedStudy(first.study, invalid), "PAR-0") == [f for f in every if f != lost]
    # Whom nothing excludes, the plan says it of.
    assert patients.files_to_check(first, "PAR-0") == every


def test_a_fold_holds_the_patients_that_have_every_channel_of_its_inputs(loaded: LoadedStudy) -> None:
    assert patients.patients_of_subset(loaded, "nnunet", "A", "fold0") == {
        "training": ["GOT1", "GOT2", "PAR1", "PAR2"],
        "validation": ["STO1", "STO2"],
    }
    assert patients.patients_of_subset(loaded, "nnunet", "D", "fold1")["validation"] == ["GOT1", "GOT2", "PAR1"]
    assert patients.patients_of_subset(loaded, "nnunet", "D", "holdout") == {
        "training": [],
        "validation": ["AMS1", "AMS2"],
    }
    assert patients.validation_by_fold(loaded, "nnunet", "D") == {0: ["STO1", "STO2"], 1: ["GOT1", "GOT2", "PAR1"]}
    assert patients.incomplete(loaded) == {"A": [], "D": ["PAR2"]}


def test_nothing_of_the_hold_out_is_prepared_for_a_fold(loaded: LoadedStudy) -> None:
    assert patients.batches_of_subset(loaded, "nnunet", "A", "fold0") == ["STO-0", "GOT-0", "PAR-0"]
    assert patients.batches_of_subset(loaded, "nnunet", "A", "holdout") == ["AMS-0"]
    assert preparation.prepared_manifests(loaded, "nnunet", "A", "holdout") == [
        "results/prepared/nnunet/post_t1ce/AMS-0/manifest.json"
    ]
    trained = preparation.prepared_manifests(loaded, "nnunet", "A", "fold1")
    assert trained == [
        f"results/prepared/nnunet/{channel}/{batch}/manifest.json"
        for channel in ("post_t1ce", "residual")
        for batch in ("STO-0", "GOT-0", "PAR-0")
    ]


def test_measured_patients_have_their_hospital_and_fold(loaded: LoadedStudy) -> None:
    measured = patients.measured(loaded, "nnunet", "D")
    assert [case["patient"] for case in measured] == ["STO1", "STO2", "GOT1", "GOT2", "PAR1", "AMS1", "AMS2"]
    assert measured[0] == {"patient": "STO1", "hospital": "STO", "fold": 0}
    assert measured[-1] == {"patient": "AMS2", "hospital": "AMS", "fold": None}
    assert patients.hospitals_of_patients(loaded)["PAR2"] == "PAR"


@pytest.mark.parametrize(
    ("preparing", "drawn", "stripped", "sampled"),
    [
        ("paper", "residual", "post_t1ce|pre_t1ce|pre_tumor", patients.NOBODY),
        ("composed", patients.NOBODY, patients.NOBODY, "post_t1ce|pre_t1ce|pre_tumor|residual"),
    ],
)
def test_each_channel_is_prepared_by_one_rule(
    tmp_path: Path, preparing: str, drawn: str, stripped: str, sampled: str
) -> None:
    loaded = loaded_study(tmp_path, preparation=preparing)
    assert preparation.drawn_channels(loaded) == drawn
    assert preparation.stripped_channels(loaded) == stripped
    assert preparation.sampled_channels(loaded) == sampled


def test_files_of_a_channel_and_of_its_registrations_are_in_one_order(loaded: LoadedStudy) -> None:
    drawn = preparation.channel_files(loaded, "pre_tumor", "PAR-0")
    assert drawn == [files.file_of(loaded, "PAR1", "pre_tumor")]
    assert preparation.channel_to_strip(loaded, "pre_tumor", "PAR-0") == ["results/registered/PAR1/pre_tumor.nii.gz"]
    # A label moves with the sequence on which it was drawn.
    assert preparation.channel_registrations(loaded, "pre_tumor", "STO-0", "affine.mat") == [
        f"results/registered/{patient}/pre_t1ce_affine.mat" for patient in ("STO1", "STO2")
    ]
    assert preparation.channel_registrations(loaded, "residual", "STO-0", "affine.mat") == []


def test_a_scan_that_moves_is_stripped_from_its_own_voxels(loaded: LoadedStudy) -> None:
    """What networks see must not depend on how the registered image is stored."""
    patients_of = ("STO1", "STO2")
    assert preparation.channel_to_strip(loaded, "pre_t1ce", "STO-0") == [
        files.file_of(loaded, patient, "pre_t1ce") for patient in patients_of
    ]
    assert preparation.references_of_moved(loaded, "pre_t1ce", "STO-0") == [
        files.reference_of(loaded, patient) for patient in patients_of
    ]
    assert preparation.transforms_of_moved(loaded, "pre_t1ce", "STO-0", "warp.nii.gz") == [
        f"results/registered/{patient}/pre_t1ce_warp.nii.gz" for patient in patients_of
    ]
    # A label was warped by a job of its own, and the reference stays where it is.
    for unmoved in ("pre_tumor", "post_t1ce"):
        assert preparation.references_of_moved(loaded, unmoved, "STO-0") == []
        assert preparation.transforms_of_moved(loaded, unmoved, "STO-0", "affine.mat") == []


def test_sampling_and_channels_say_what_is_a_label(loaded: LoadedStudy) -> None:
    assert preparation.sampling(loaded, "residual") == {
        "is_label": True, "in_brain": False, "interpolation": "linear",
    }  # fmt: skip
    assert preparation.sampling(loaded, "pre_t1ce")["in_brain"]
    assert preparation.channel_records(loaded, "D") == [
        {"name": "post_t1ce", "is_label": False},
        {"name": "pre_t1ce", "is_label": False},
        {"name": "pre_tumor", "is_label": True},
    ]
    settings = loaded.study.settings_of("nnunet").preparation().model_dump(mode="json")
    assert preparation.preparation_settings(loaded, "nnunet") == settings


def test_brain_masks_are_given_only_where_the_table_names_them(loaded: LoadedStudy) -> None:
    assert preparation.reference_files(loaded, "AMS-0") == [
        files.file_of(loaded, patient, "post_t1ce") for patient in ("AMS1", "AMS2")
    ]
    assert preparation.given_masks(loaded, "AMS-0") == []


def test_thresholds_see_out_of_fold_predictions_alone(loaded: LoadedStudy) -> None:
    folds = preparation.out_of_fold_predictions(loaded, "nnunet", "A")
    assert folds == [f"results/predictions/nnunet/A/fold{fold}/manifest.json" for fold in (0, 1)]
    assert preparation.predictions_of(loaded, "nnunet", "A", "validation") == folds
    assert preparation.predictions_of(loaded, "nnunet", "A", "test") == ["results/ensemble/nnunet/A/manifest.json"]
    references = preparation.validation_references(loaded, "nnunet", "D")
    expected = ("STO1", "STO2", "GOT1", "GOT2", "PAR1")
    assert references == [files.file_of(loaded, patient, "residual") for patient in expected]


def test_quality_control_reads_what_networks_see(loaded: LoadedStudy) -> None:
    assert quality.assessed_columns(loaded) == ("pre_t1ce",)
    assert quality.shown_labels(loaded) == ("residual", "pre_tumor")
    assert quality.assessed_sequences(loaded, "STO1") == {
        "pre_t1ce": {
            "moving": files.file_of(loaded, "STO1", "pre_t1ce"),
            "registered": "results/registered/STO1/pre_t1ce.nii.gz",
            "quality": "results/registered/STO1/pre_t1ce_quality.json",
        }
    }
    assert quality.assessed_labels(loaded, "STO1")["residual"]["warped"] is None
    assert quality.assessed_labels(loaded, "STO1")["pre_tumor"]["warped"] == "results/registered/STO1/pre_tumor.nii.gz"
    assert quality.assessed_sequences(loaded, "PAR2") == {}
    assert list(quality.assessed_labels(loaded, "PAR2")) == ["residual"]
    assert len(quality.used_registrations(loaded)) == 7
    listed = quality.assessed_files(loaded, "PAR-0")
    assert len(listed) == len(set(listed)) == 2 + 3 + 3 + 1


def test_a_sequence_of_a_label_that_networks_see_is_assessed_too(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path, inputs={"A": ["post_t1ce", "pre_tumor"]})
    assert quality.assessed_columns(loaded) == ("pre_t1ce",)


def test_no_file_of_the_hold_out_reaches_the_choice_of_a_threshold(loaded: LoadedStudy) -> None:
    for arch, inputs in loaded.models:
        files_of_choice = [
            *preparation.out_of_fold_predictions(loaded, arch, inputs),
            *preparation.validation_references(loaded, arch, inputs),
        ]
        assert files_of_choice
        named = {
            patient for of_fold in patients.validation_by_fold(loaded, arch, inputs).values() for patient in of_fold
        }
        for patient in loaded.split.holdout:
            assert patient not in named
            assert not any(patient in file or "ensemble" in file for file in files_of_choice)


NESTED_AND_SUBGROUPS = ("nested", "conventions", "subgroups", "subgroup_tests", "between_hospitals")
PAIRED = ("paired_dice", "paired_friedman", "paired_classification", "paired_auroc")


def test_conventions_are_measured_of_every_model_where_the_study_names_any(loaded: LoadedStudy, tmp_path: Path) -> None:
    assert conventions.measured(loaded) == [f"results/conventions/{a}/{i}.parquet" for a, i in loaded.judged]
    assert conventions.judging(loaded, "nnunet")["given"] is None
    without = loaded_study(tmp_path, conventions=[])
    assert conventions.measured(without) == []
    assert "conventions" not in publication.tables(without)
    assert set(publication.tables(loaded)) - set(publication.tables(without)) == {"conventions"}


def test_tables_and_figures_of_raters_are_planned_only_with_raters(loaded: LoadedStudy, rated: LoadedStudy) -> None:
    assert publication.tables(loaded) == [
        "table1", "table2", "table3", "table4", "table_s2", "baseline", "tukey", "architectures", "intervals",
        "overlaps",
        "resection", "rano", *NESTED_AND_SUBGROUPS, *PAIRED,
    ]  # fmt: skip
    assert publication.comparisons(loaded) == [
        "inputs", "architectures", "intervals", "overlaps", "resection", "rano", *NESTED_AND_SUBGROUPS, *PAIRED,
    ]  # fmt: skip
    assert publication.figures(loaded) == [
        "flow", "figure1", "figure3", "resection", "hospitals", "subgroups", *FURTHER,
    ]  # fmt: skip
    of_raters = {"raters", "paired_raters", "rater_ranks"}
    assert set(publication.tables(rated)) - set(publication.tables(loaded)) == of_raters
    assert set(publication.comparisons(rated)) - set(publication.comparisons(loaded)) == of_raters
    majority = rated.study.statistics.model_copy(update={"further_consensus": ()})
    article = replace(rated, study=rated.study.model_copy(update={"statistics": majority}))
    assert "rater_ranks" not in publication.tables(article)
    assert rating.persons(rated) == {}
    assert publication.figures(rated)[-1] == "figure4"


def test_subgroups_are_planned_only_where_the_study_names_a_covariate(tmp_path: Path) -> None:
    statistics = {**PUBLISHED["statistics"], "subgroups": ["hospital", "age", "field_strength"]}
    some = loaded_study(tmp_path, statistics=statistics)
    about = replace(some.cohort.patients["STO1"], clinical={"sex": "F", "age": "60"})
    some = replace(some, cohort=replace(some.cohort, patients={**some.cohort.patients, "STO1": about}))
    assert set(publication.SUBGROUPS) <= set(publication.tables(some))
    # Only what the study asks for: another value of another column repeats nothing.
    assert patients.known_covariates(some) == {"STO1": {"age": "60"}}
    none = loaded_study(tmp_path, statistics={**statistics, "subgroups": []})
    assert not set(publication.SUBGROUPS) & {*publication.tables(none), *publication.comparisons(none)}
    assert not {"hospitals", "subgroups"} & set(publication.figures(none))
    assert patients.known_covariates(none) == {}


def test_resections_are_judged_only_where_a_patient_has_the_tumour_before_surgery(
    loaded: LoadedStudy, tmp_path: Path
) -> None:
    assert "PAR2" not in patients.resected_patients(loaded)
    assert len(resection.masks_before(loaded)) == len(patients.resected_patients(loaded)) > 0
    # As drawn, not as warped to the reference.
    assert not any("registered" in file for file in resection.masks_before(loaded))
    assert resection.with_scan_before(loaded, "nnunet", "A") == ["AMS1", "AMS2"]
    assert resection.scans_before(loaded, "nnunet", "A")[0] == files.file_of(loaded, "AMS1", "pre_t1ce")
    (_, warp) = resection.ways_before(loaded, "nnunet", "A", "warp.nii.gz")
    assert warp == "results/registered/AMS2/pre_t1ce_warp.nii.gz"
    labels = {"residual": "post_t1ce"}
    settings = {**PUBLISHED["registration"], "resected": None}
    networks = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"], "init": "none"}}
    chosen = {"labels": labels, "inputs": {"A": ["post_t1ce"]}, "registration": settings, "networks": networks}
    without = loaded_study(tmp_path, **chosen)
    assert patients.resected_patients(without) == resection.masks_before(without) == []
    assert not {"resection", "rano"} & {*publication.tables(without), *publication.figures(without)}


def test_figure_1_shows_complete_patients_with_the_label_of_each_sequence(loaded: LoadedStudy) -> None:
    assert publication.outlines(loaded) == {
        "post_t1ce": "residual", "post_t1": "residual", "post_flair": "residual", "pre_t1ce": "pre_tumor",
    }  # fmt: skip
    assert publication.patients_shown(loaded) == ["STO1", "STO2", "GOT1", "GOT2", "PAR1", "AMS1", "AMS2"]
    example = publication.examples(loaded)[0]
    assert example["images"]["pre_t1ce"] == example["outlines"]["pre_t1ce"].replace("pre_tumor", "pre_t1ce")
    assert set(publication.example_files(loaded)) >= {*example["images"].values(), example["residual"]}
    assert len(publication.example_registrations(loaded)) == 7 * 3


def test_a_sequence_before_surgery_without_a_label_is_not_outlined(tmp_path: Path) -> None:
    labels = {"residual": "post_t1ce"}
    registration = {**config()["registration"], "resected": None}
    networks = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"], "init": "none"}}
    chosen = {"inputs": {"A": ["post_t1ce"]}, "labels": labels, "registration": registration, "networks": networks}
    loaded = loaded_study(tmp_path, **chosen)
    assert "pre_t1ce" not in publication.outlines(loaded)


def test_measurements_stacks_and_notes_follow_the_networks(loaded: LoadedStudy) -> None:
    assert publication.metrics_files(loaded)[0] == "results/metrics/nnunet/A.parquet"
    assert publication.compared(loaded) == loaded.models
    assert publication.compared_metrics(loaded) == publication.metrics_files(loaded)
    assert publication.stacks(loaded) == ["core", "tensorflow", "torch"]
    early = [a for a in loaded.study.archs if loaded.study.settings_of(a).early_stopping_on_validation]
    assert [note.split(":")[0] for note in worded(publication.table_notes(loaded))] == [
        loaded.arch_labels[a] for a in early
    ]


def test_without_raters_nobody_is_rated(loaded: LoadedStudy) -> None:
    assert rating.candidates(loaded) == []
    assert rating.rated_patients(loaded) == []
    assert rating.ratings(loaded) == []
    assert rating.choosing_metrics(loaded) == []


def test_raters_are_compared_on_patients_that_every_network_can_segment(tmp_path: Path, rated: LoadedStudy) -> None:
    assert rating.candidates(rated) == rated.models
    assert rating.rated_patients(rated) == ["AMS2", "AMS1"]
    assert [rated_by.patient for rated_by in rating.ratings(rated)] == ["AMS2", "AMS1"]
    assert rating.choosing_metrics(rated) == publication.metrics_files(rated)
    records = [row(f"{hospital}{number}", hospital) for hospital in HOSPITALS for number in (1, 2)]
    records[-1].update(T1CE_ALONE)
    fewer = replace(loaded_study(tmp_path / "fewer", records), raters=rated.raters)
    assert rating.rated_patients(fewer) == ["AMS1"]
    assert [rated_by.patient for rated_by in rating.ratings(fewer)] == ["AMS1"]


@pytest.mark.parametrize("name", ["start.onnx", "start.ONNX", "start.Onnx", "start.safetensors"])
def test_weights_in_an_onnx_file_are_taken_before_a_training(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no safetensors")
    weights = {"file": str(tmp_path / name), "sha256": digest(tmp_path / name)}
    network = {**PUBLISHED["networks"]["agunet"], "init": "file", "initial_weights": weights}
    started = loaded_study(tmp_path, networks={**PUBLISHED["networks"], "agunet": network})
    is_onnx = not name.endswith("safetensors")
    taken = ["results/initial/agunet/manifest.json"] if is_onnx else []
    assert training.start_of(started, "agunet", "A", "1") == taken
    assert training.onnx_of(started, "agunet") == [weights["file"]][: len(taken)]
    # What is in an ONNX file shows only when its answers are compared.
    assert bool(weights_problems(started.study)) != is_onnx


def test_nnunet_starts_from_a_checkpoint_whatever_its_name(tmp_path: Path) -> None:
    network = {**PUBLISHED["networks"]["nnunet"], "initial_weights": {"file": "start.onnx", "sha256": "a" * 64}}
    started = loaded_study(tmp_path, networks={**PUBLISHED["networks"], "nnunet": network})
    assert training.start_of(started, "nnunet", "A", "1") == training.onnx_of(started, "nnunet") == []


def test_a_chosen_input_configuration_waits_for_no_measurement(tmp_path: Path) -> None:
    loaded = replace(loaded_study(tmp_path), raters=Raters(()))
    loaded.study.statistics.best_inputs.raters["nnunet"] = "A"
    assert rating.choices(loaded) == {"nnunet": "A", "agunet": "out_of_fold"}
    assert rating.choosing_metrics(loaded) == [f"results/metrics/agunet/{inputs}.parquet" for inputs in "AD"]


def test_every_stage_but_trainings_and_the_report_has_a_digest() -> None:
    published = study("out_of_fold", inputs=INPUTS, networks=PUBLISHED["networks"])
    stages = digests.of_stages(published, ROOT)
    scripts = {file.stem for file in (ROOT / "scripts").glob("[a-z]*.py")}
    # No input configuration of this study has a derived channel, and faces are removed before a study begins.
    assert {name.split(",")[0] for name in stages} == scripts - {
        *("train", "report", "prepare_derived", "deface", "plan_network", "make_training_heads", "train_brain_model")
    }
    assert {name for name in stages if name.startswith("prepare_preop")} == {"prepare_preoperative, AGU-Net"}
    assert {"prepare, nnU-Net", "prepare, AGU-Net", "predict, nnU-Net", "predict, AGU-Net"} <= set(stages)
    assert stages["register"] == digests.of_script(ROOT, "register", tuple(published.registration.modules))
    assert stages["register"] != digests.of_script(ROOT, "register")


def test_layouts_have_a_digest_each() -> None:
    with pytest.raises(FileNotFoundError, match=r"no file is called pages/\*\.scss, which a rule depends on"):
        digests.of_files(ROOT, "pages/*.css", "pages/*.scss")
    found = digests.of_files(ROOT, "pages/*.css", "pages/head.html")
    assert len(found) == len(set(found)) == 2
