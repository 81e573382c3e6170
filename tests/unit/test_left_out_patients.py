"""Patients whom a study leaves out because their preprocessing failed: who, how many, and where they are missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cohort_tables import row, study, write_table
from residua.cohort.cohort import load_cohort
from residua.cohort.flow import flow_of_run
from residua.cohort.split.split import Split
from residua.errors import ResiduaError
from residua.figures.flow_words import boxes
from residua.problems.problem import failed
from residua.publishing.failure_report import judged, left_out_in_words, require_none
from residua.publishing.leaving_out import left_out_by
from residua.publishing.left_out import left_out_in, reasons_in
from residua.publishing.notes import worded
from residua.publishing.publish import write_json
from residua.quality.flags import Flag
from residua.report.methods import methods
from residua.report.quality import quality
from residua.wiring import faults, publication
from residua.wiring.application import LoadedApplication
from residua.wiring.loaded import LoadedStudy

SPLIT = Split(
    folds={0: ("STO1", "STO2"), 1: ("GOT1", "GOT2")},
    holdout=("AMS1", "AMS2"),
    excluded={"STO9": "withdrew"},
    hospitals={name: name[:3] for name in ("STO1", "STO2", "GOT1", "GOT2", "AMS1", "AMS2")},
)


def problem(patient: str, subject: str = "post_t1") -> dict[str, Any]:
    return failed("registration-dissimilar", "it shows something else", "check it", patient, subject).to_json()


def collected(*patients: str) -> dict[str, Any]:
    return {"records": 80, "problems": [problem(patient) for patient in patients]}


def loaded_study(folder: Path, **changes: Any) -> LoadedStudy:
    records = [row(f"{hospital}{number}", hospital) for hospital in ("STO", "GOT", "PAR", "AMS") for number in (1, 2)]
    (folder / "images").mkdir()
    for record in records:
        for column in ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "residual", "pre_tumor"):
            (folder / f"images/{record['patient']}_{column}.nii.gz").touch()
    settings = study(**{"inputs": {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}, **changes})
    return LoadedStudy(settings, load_cohort(settings, write_table(folder, records)))


@pytest.mark.parametrize(
    ("subjects", "reason"),
    [
        (["post_t1"], "registration of post-operative T1w failed"),
        (["post_t1", "pre_t1ce"], "registration of post-operative T1w and pre-operative T1w-CE failed"),
        (["brain mask"], "brain mask failed"),
        (
            ["post_t1", "post_flair", "brain mask"],
            "registration of post-operative T1w and post-operative FLAIR failed; brain mask failed",
        ),
    ],
)
def test_a_reason_says_what_failed_in_equal_words_for_equal_failures(subjects: list[str], reason: str) -> None:
    problems = [problem("STO1", subject) for subject in subjects]
    assert left_out_by([*problems, problem("GOT1")], {"STO1": "STO", "STO2": "STO"}) == {
        "STO1": {"hospital": "STO", "exclusion_reason": reason, "excluded_by": "fault"}
    }


def test_those_of_both_sides_are_read_together(tmp_path: Path) -> None:
    files = [tmp_path / "folds.json", tmp_path / "holdout.json"]
    for file, patient in zip(files, ("STO1", "AMS1"), strict=True):
        write_json(file, left_out_by([problem(patient)], {patient: patient[:3]}))
    assert list(left_out_in(files)) == ["STO1", "AMS1"]
    assert reasons_in(files[1:]) == {"AMS1": "registration of post-operative T1w failed"}
    assert left_out_in([]) == {}


@pytest.mark.parametrize(
    ("patients", "most", "of", "said"),
    [
        (["STO1"], 0.05, 20, None),
        (["STO1", "STO2"], 0.05, 20, "2 of 20 patients failed, more than 5 %, which may be left out (most_excluded)"),
        (["STO1", "STO1"], 0.05, 20, None),
        (["STO1"], 0.05, 19, "1 of 19 patients failed, more than 5 %, which may be left out (most_excluded)"),
        (["STO1", "STO2"], 0.29, 7, None),
        ([f"P{number}" for number in range(29)], 0.29, 100, None),
        (["STO1"], 0.0, 956, "1 of 956 patients failed, more than 0 %, which may be left out (most_excluded)"),
    ],
)
def test_more_than_the_share_stop_the_study_with_one_message(
    patients: list[str], most: float, of: int, said: str | None
) -> None:
    verdict = judged(collected(*patients), of, most, {"fold 0": ["STO1", "STO2", "STO3"]})
    assert verdict["too_many"] == said
    if said is None:
        require_none(verdict)
        require_none(verdict, brief=True)
        words = str(left_out_in_words(verdict))
        assert words.startswith(f"{len(set(patients))} patient(s) are left out of the study (on_fault: exclude)")
        assert words.splitlines()[1] == f"  patient {patients[0]}, post_t1: it shows something else: check it"
        return
    assert left_out_in_words(verdict) is None
    with pytest.raises(ResiduaError) as raised:
        require_none(verdict)
    title, *lines = str(raised.value).splitlines()
    assert title.startswith(f"{said}. Trainings wait until the scans are corrected or the patients excluded.")
    assert len(lines) == len(patients)
    with pytest.raises(ResiduaError, match=r"check_preprocessing lists the patients$"):
        require_none(verdict, brief=True)


def test_somebody_must_remain_in_every_part() -> None:
    parts = {"fold 0": ["STO1", "STO2"], "fold 1": ["GOT1"], "the hold-out": ["AMS1"], "the raters' patients": []}
    verdict = judged(collected("GOT1", "AMS1", "STO1"), 100, 0.5, parts)
    assert verdict["too_many"] == "3 of 100 patients failed, so that nobody is left of fold 1, of the hold-out"


def test_a_study_that_stops_for_failures_names_nobody_as_left_out() -> None:
    assert left_out_in_words(collected("STO1")) is None
    with pytest.raises(ResiduaError, match=r"^1 of 80 registrations and brain masks failed\. Trainings wait"):
        require_none(collected("STO1"))


def test_nobody_changes_places_when_patients_are_left_out() -> None:
    left = SPLIT.without({"STO2": "brain mask failed", "AMS1": "brain mask failed"})
    assert (left.folds, left.holdout) == ({0: ("STO1",), 1: ("GOT1", "GOT2")}, ("AMS2",))
    assert left.excluded == {"STO9": "withdrew", "STO2": "brain mask failed", "AMS1": "brain mask failed"}
    assert set(left.hospitals) == set(left.patients)
    assert SPLIT.without({}) == SPLIT
    persons = replace(SPLIT, unit="person", persons={"STO1": "X", "GOT1": "Y", "GOT2": "Y"})
    assert persons.without({"GOT1": "brain mask failed"}).persons == {"STO1": "X", "GOT2": "Y"}


def test_the_flow_counts_them_beside_the_other_exclusions(tmp_path: Path) -> None:
    failures = left_out_by([problem("STO2"), problem("AMS1")], SPLIT.hospitals)
    reasons = {patient: record["exclusion_reason"] for patient, record in failures.items()}
    write_json(tmp_path / "folds.json", SPLIT.without(reasons).to_json())
    write_json(tmp_path / "checks.json", {"residual_ml": {"STO1": 1.0, "STO2": 1.0, "GOT1": 0.0, "AMS2": 2.0}})
    excluded = {"STO9": {"hospital": "STO", "exclusion_reason": "withdrew", "excluded_by": "table"}}
    lacking = {"A": [], "B": ["STO2", "GOT2"]}
    checks, folds = [str(tmp_path / "checks.json")], str(tmp_path / "folds.json")
    flow = flow_of_run(checks, folds, {**excluded, **failures}, lacking, 0.175)
    assert (flow["assessed"], flow["included"]["patients"], flow["included"]["holdout"]["patients"]) == (7, 4, 1)
    assert flow["excluded"]["fault"]["reasons"] == [
        {"reason": "registration of post-operative T1w failed", "patients": 2}
    ]
    expected = {"assessed": 3, "table": 1, "protocol": 0, "check": 0, "fault": 1, "included": 1}
    assert flow["hospitals"]["STO"] == expected
    assert [inputs["patients"] for inputs in flow["inputs"]] == [4, 3]
    lines = boxes(flow).left_out.lines
    assert lines[-2:] == ("by failed preprocessing: 2", "– registration of post-operative T1w failed: 2")
    write_json(tmp_path / "folds.json", SPLIT.to_json())
    without = flow_of_run(checks, folds, excluded, lacking, 0.175)
    assert list(without["excluded"]) == ["table", "protocol", "check"]
    assert "fault" not in without["hospitals"]["STO"]


def test_the_report_counts_them_apart_from_the_flagged() -> None:
    flag = Flag("STO1", "STO", "post_t1", "mutual_information", "limit", 0.0, "it is low", "look", "act", "low")
    flags = [flag, replace(flag, patient="STO2")]
    left, others, _ = quality(flags, 5, {"STO2"})
    assert left.startswith("1 patient was left out because a registration or the brain mask failed; no network saw")
    assert "1 patient was flagged" in others
    assert quality([], 5) == ("Registration and brain mask of 5 patients were measured, and none was flagged.",)


def test_the_methods_say_that_failed_patients_were_left_out_where_they_may_be() -> None:
    def said(**changes: Any) -> str:
        return " ".join(str(passage) for passage in methods(study(**changes), {}, rated=False, folds=2))

    assert "failed by these rules" not in said()
    words = said(on_fault="exclude", most_excluded=0.02)
    assert "was left out of the whole study, without regard to any result; more than 2 % of the patients" in words


def test_a_study_that_stops_for_failures_reads_and_plans_nothing_of_this(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path)
    assert faults.left_out(loaded) == faults.left_out_of_subset(loaded, "fold0") == []
    assert faults.limits(loaded) is None
    assert faults.planned_folds(loaded) == "results/cohort/folds.json"


def test_a_failure_of_the_holdout_is_in_no_file_that_a_training_reads(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path, on_fault="exclude")
    folds, holdout = (f"results/quality/left_out/{side}.json" for side in faults.SIDES)
    assert faults.left_out(loaded) == [folds, holdout]
    assert [faults.left_out_of_subset(loaded, subset) for subset in loaded.subsets] == [[folds], [folds], [holdout]]
    assert faults.members(loaded, "holdout") == {"AMS1": "AMS", "AMS2": "AMS"}
    named = faults.registrations(loaded, "folds")
    assert named == [
        f"results/registered/{p}/post_t1_quality.json" for p in ("STO1", "STO2", "GOT1", "GOT2", "PAR1", "PAR2")
    ]
    assert faults.brains(loaded, "holdout") == ["results/brain/AMS-0/manifest.json"]
    assert faults.planned_folds(loaded) == "results/cohort/planned_folds.json"
    limits = faults.limits(loaded)
    assert limits is not None
    assert (limits["patients"], limits["most_excluded"]) == (8, 0.05)
    assert limits["parts"]["fold 0 with input configuration B"] == ["STO1", "STO2"]
    assert limits["parts"]["the hold-out with input configuration A"] == ["AMS1", "AMS2"]


def test_an_application_of_a_bundle_lists_its_failed_patients_itself(tmp_path: Path) -> None:
    made = loaded_study(tmp_path, on_fault="exclude")
    application = LoadedApplication(made.study, made.cohort)
    assert not faults.leaves_out(application)
    assert faults.left_out(application) == []
    assert faults.limits(application) is None


def test_footnotes_count_scans_and_persons_without_them(tmp_path: Path) -> None:
    loaded = loaded_study(tmp_path)
    # STO1 and STO2 are scans of X, GOT1 and GOT2 of Y; with PAR and AMS eight scans of six persons.
    persons = {"STO1": "X", "STO2": "X", "GOT1": "Y", "GOT2": "Y"}
    split = replace(loaded.split, persons=persons)
    notes = publication.table_notes(replace(loaded, cohort=replace(loaded.cohort, split=split)))
    assert worded(notes)[-1].startswith("8 scans of 6 persons: n counts scans, bootstrap intervals resample whole")
    assert worded(notes, {"STO1"})[-1].startswith("7 scans of 6 persons: ")
    assert worded(notes, {"GOT1", "GOT2"})[-1].startswith("6 scans of 5 persons: ")
    assert worded(publication.table_notes(loaded)) == worded(publication.table_notes(loaded), {"STO1"})


@pytest.mark.parametrize("wrong", [{"on_fault": "skip"}, {"most_excluded": 1.0}, {"most_excluded": -0.1}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ResiduaError, match=next(iter(wrong))):
        study(**wrong)
