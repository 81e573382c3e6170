"""What a study will take: its costs by the units of its work, stage by stage."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cohort_tables import PUBLISHED, ROOT
from residua.errors import ResiduaError
from residua.estimate import command
from residua.estimate.costs import OTHERS, Amount, card_named, cost_of, unit_costs
from residua.estimate.jobs import PlannedRun, empty_study, for_cohort, with_inputs_alone
from residua.estimate.networks import BACK, VALIDATED, pass_billions, prediction_billions, training_work
from residua.estimate.planned import DISK_STAGES, Corrections, StudyPlan, plan_of
from residua.estimate.units import SAME, units_of
from residua.estimate.view import in_all, said_of
from residua.operations.disk import GridSize
from residua.operations.run_log import Job
from residua.operations.stages import STAGES
from residua.wiring import preoperative
from residua.wiring.disk_use import grids_of
from residua.wiring.loaded import LoadedStudy
from test_disk_use import ARTICLE
from test_preoperative import cohort, loaded_from
from test_wiring import loaded_study

H200 = card_named("h200")
STEP = 0.048
"""Seconds of a step of the published nnU-Net on the card of the numbers."""


def job(rule: str, **wildcards: str) -> Job:
    return Job(rule, None, wildcards, benchmark=f"results/benchmarks/{rule}/{'_'.join(wildcards.values())}.tsv")


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedStudy:
    return loaded_study(tmp_path)


@pytest.fixture
def run(loaded: LoadedStudy) -> PlannedRun:
    jobs = [job("register", patient="STO1", sequence="post_t1"), job("select_cases"), job("table1")]
    jobs += [job("train", arch="nnunet", inputs="A", fold=str(fold)) for fold in loaded.folds]
    return PlannedRun(loaded, tuple(jobs))


def plan(
    run: PlannedRun, folder: Path, gpus: int = 1, card: str = "h200", measured: Corrections | None = None
) -> StudyPlan:
    return plan_of(run, gpus, card_named(card), folder, measured)


def test_a_dry_run_writes_into_no_file_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (".plan.json", "cohort.tsv"):
        (tmp_path / name).write_text("mine")
    with empty_study() as folder:
        assert [file.name for file in folder.iterdir()] == ["cohort.tsv"]


def test_costs_are_those_of_rules() -> None:
    text = "".join(file.read_text() for file in (ROOT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^ *rule (\w+):", text, re.MULTILINE)) | {"prepare", "register"}
    # Rules of tables and figures are made in loops: they have a name each, written as a word.
    named = {rule.partition(":")[0] for rule in unit_costs()} - {OTHERS}
    assert {rule for rule in named - rules if not re.search(rf'"{rule}"', text)} <= {
        "table1",
        "table2",
        "figure1",
        "figure3",
    }
    assert all(re.search(rf"\b{rule}\b", text) for rule in SAME)
    assert set(DISK_STAGES.values()) <= set(STAGES)


def test_a_job_costs_its_units() -> None:
    amounts = {"job": Amount(1, 1), "million voxels": Amount(20.0, 10.0)}
    cost = cost_of("strip", "", amounts)
    assert cost
    assert cost.cpu_s == pytest.approx(0.9 + 20 * 0.3)
    assert cost.memory_mb == pytest.approx(200 + 10 * 60)
    assert cost_of("train", "unheard_of", amounts) is None
    assert cost_of("some_table", "", amounts) == cost_of(OTHERS, "", amounts)


def test_full_size_registrations_cost_what_was_measured(loaded: LoadedStudy) -> None:
    """243 CPU seconds for three scans of 430×461×180 voxels, and 2.6 GB."""
    costs = []
    for sequence in ("post_t1", "post_flair", "pre_t1ce"):
        each = job("register", patient="STO1", sequence=sequence)
        costs.append(cost_of("register", "", units_of(loaded, "register", each, lambda patient: ARTICLE)))
    assert sum(cost.cpu_s for cost in costs if cost) == pytest.approx(243, rel=0.1)
    assert max(cost.memory_mb for cost in costs if cost) == pytest.approx(2600, rel=0.1)


def test_a_training_takes_its_steps_on_a_card(run: PlannedRun, tmp_path: Path) -> None:
    found = plan(run, tmp_path)
    (train,) = [stage for stage in found.stages if stage.stage == "train"]
    steps = 1000 * (250 + VALIDATED * 50)
    fed_s = steps * 2 * 128 * 192 * 80 / 1e6 * 0.146 / 11
    assert train.gpu_h * 3600 / len(run.loaded.folds) == pytest.approx(max(steps * STEP, fed_s), rel=0.02)
    assert found.days == pytest.approx(train.gpu_h / 24)
    slower = plan(run, tmp_path, card="a100")
    assert in_all(slower).gpu_h == pytest.approx(steps * STEP * 2.36 / 3600 * len(run.loaded.folds), rel=0.02)
    assert any("assumed" in line for line in said_of(slower))


def test_more_cards_share_the_trainings(run: PlannedRun, tmp_path: Path) -> None:
    folds = len(run.loaded.folds)
    one, all_at_once = plan(run, tmp_path).days, plan(run, tmp_path, gpus=folds).days
    assert one is not None
    assert all_at_once is not None
    assert one / all_at_once == pytest.approx(folds)
    assert plan(run, tmp_path, gpus=100).days == all_at_once


def test_without_a_card_processors_train(run: PlannedRun, tmp_path: Path) -> None:
    with_card, without = in_all(plan(run, tmp_path)), in_all(plan(run, tmp_path, gpus=0))
    assert without.gpu_h == 0
    assert without.cpu_h > 10 * with_card.cpu_h
    assert plan(run, tmp_path, gpus=0).days is None


def test_stages_hold_their_jobs_and_disk(run: PlannedRun, tmp_path: Path) -> None:
    found = {stage.stage: stage for stage in plan(run, tmp_path).stages}
    assert {name: stage.jobs for name, stage in found.items()} == {
        "register scans": 1, "prepare channels": 1, "train": len(run.loaded.folds), "tables and report": 1,
    }  # fmt: skip
    assert found["register scans"].disk_bytes == pytest.approx(1.05 * ARTICLE.voxels + 12 * 0.92 * 9.8e6 / 27)


def test_a_measured_study_corrects_the_numbers(run: PlannedRun, tmp_path: Path) -> None:
    usual = {stage.stage: stage for stage in plan(run, tmp_path).stages}
    measured = Corrections({"register:": 2.0, "table1:nnunet": 9.0}, {"register:": 3.0})
    found = {stage.stage: stage for stage in plan(run, tmp_path, measured=measured).stages}
    assert found["register scans"].cpu_h == pytest.approx(2 * usual["register scans"].cpu_h)
    assert found["register scans"].memory_mb == pytest.approx(3 * usual["register scans"].memory_mb)
    assert found["tables and report"] == usual["tables and report"]


def test_a_network_without_numbers_is_named(run: PlannedRun, tmp_path: Path) -> None:
    strange = replace(run, jobs=(job("train", arch="segresnet", inputs="A", fold="0"),))
    found = plan(strange, tmp_path)
    assert found.unknown == ("segresnet",)
    assert in_all(found).jobs == 1
    assert "segresnet" in said_of(found)[-1]


def test_too_little_disk_is_told(run: PlannedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(run, tmp_path).warning is None
    monkeypatch.setattr("residua.wiring.disk_use.PROBABILITY", 1e15)
    warning = plan(run, tmp_path).warning
    assert warning
    assert "are free" in warning


def test_patients_and_steps_scale_a_training(loaded: LoadedStudy) -> None:
    nnunet, agunet = loaded.study.settings_of("nnunet"), loaded.study.settings_of("agunet")
    once = pass_billions(nnunet)
    few, many = training_work(agunet, 10, 2), training_work(agunet, 20, 2)
    work = training_work(nnunet, 10, 4)
    assert once
    assert few
    assert many
    assert work
    assert work.billions == pytest.approx(BACK * once * 2 * 1000 * (250 + VALIDATED * 50))
    assert many.billions == 2 * few.billions
    # 36 windows of half a patch, in eight mirrored views.
    assert prediction_billions(nnunet) == pytest.approx(36 * 8 * once)
    assert training_work(loaded.study.settings_of("nnunet"), 20, 4) == work


def test_chosen_inputs_alone_are_planned() -> None:
    alone = with_inputs_alone(PUBLISHED, ["B"])
    assert list(alone["inputs"]) == ["B"]
    assert alone["statistics"]["best_inputs"]["classification"] == {"nnunet": "B", "agunet": "B"}
    assert list(PUBLISHED["inputs"]) == ["A", "B", "C", "D", "E"]
    with pytest.raises(ResiduaError, match="--inputs F: the configuration has A, B, C, D, E"):
        with_inputs_alone(PUBLISHED, ["B", "F"])


def test_bundles_of_inputs_that_are_left_out_start_nothing() -> None:
    bundles = {name: {"file": f"{name}.zip", "sha256": "0" * 64} for name in ("A", "B")}
    asked = {**PUBLISHED, "networks": {**PUBLISHED["networks"], "nnunet": {"initial_bundles": bundles}}}
    networks = with_inputs_alone(asked, ["B"])["networks"]
    assert networks["nnunet"] == {"initial_bundles": {"B": bundles["B"]}}
    assert networks["agunet"] == PUBLISHED["networks"]["agunet"]


@pytest.mark.parametrize("content", ["", "- a\n"])
def test_a_file_without_settings_is_no_configuration(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(ResiduaError, match=r"config.yaml: contains no settings"):
        command.plan(tmp_path / "cohort.tsv", tmp_path / "config.yaml")


@pytest.mark.parametrize("unsound", [{"inputs": ["B"]}, {"inputs": {"B": ["post_t1"]}, "statistics": None}])
def test_what_is_wrong_with_a_configuration_is_told_where_it_is_checked(unsound: dict[str, object]) -> None:
    assert with_inputs_alone(unsound, ["B"]) == unsound


def test_raters_lie_here_or_beside_the_cohort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raters.tsv").touch()
    asked = {"raters": "cohort/raters.tsv"}
    found = for_cohort(asked, Path("data/cohort.tsv"))
    assert found == {"raters": str(tmp_path / "data/raters.tsv"), "cohort": str(tmp_path / "data/cohort.tsv")}
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort/raters.tsv").touch()
    assert for_cohort(asked, Path("data/cohort.tsv"))["raters"] == str(tmp_path / "cohort/raters.tsv")
    assert for_cohort({"raters": None}, Path("data/cohort.tsv"))["raters"] is None


def test_only_cards_with_a_number_are_known() -> None:
    assert H200.times == 1
    with pytest.raises(ResiduaError, match="there are numbers of h200, h100, a100 alone"):
        card_named("v100")


def test_a_start_before_surgery_works_on_those_who_have_scan_and_mask(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, cohort())
    train = job("train_preoperative", arch="agunet", fold="0")
    assert units_of(loaded, "train", train, lambda patient: ARTICLE)["patient"].total == 2
    batches = {batch for batch, members in loaded.cohort.batches.items() if "GOT2" in members}
    scans = [job("prepare_preoperative", arch="agunet", channel="pre_t1ce", batch=batch) for batch in batches]
    assert sum(
        units_of(loaded, "prepare_preoperative", each, lambda patient: ARTICLE)["patient"].total for each in scans
    ) == sum(len(preoperative.of_batch(loaded, batch)) for batch in batches)


def test_an_unread_header_counts_as_the_articles(loaded: LoadedStudy) -> None:
    assert grids_of(loaded)("STO1") == GridSize(35_681_400, 9_800.0)
