"""An edit of the code reruns what it says: each test edits one line and counts the jobs that a finished study plans."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from studies import Study, by_rule
from test_reruns import FOLDS, INPUTS, MODELS, NESTED, NETWORKS, PUBLISHED, TRAININGS, published_of

LITERAL = r'(?<=description=")'
"""Where the description of a settings field begins."""


@pytest.fixture(scope="module")
def checkout(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The finished study run by a copy of the checkout, whose files a test edits and restores."""
    folder = tmp_path_factory.mktemp("edits")
    return finished.copied(folder / "study").with_house_copied(folder / "house")


@contextmanager
def edited(checkout: Study, module: str, pattern: str, new: str) -> Iterator[None]:
    """Let the first match of ``pattern`` in a module read ``new``."""
    file = checkout.house / "src/residua" / module
    before = file.read_text()
    after, edits = re.subn(pattern, new, before, count=1)
    assert edits == 1, f"{module} changed; correct this test"
    assert after != before, f"{module} changed; correct this test"
    file.write_text(after)
    try:
        yield
    finally:
        file.write_text(before)


def planned_after(checkout: Study, module: str, pattern: str, new: str) -> Counter[str]:
    """The jobs by rule that are planned after an edit."""
    with edited(checkout, module, pattern, new):
        return by_rule(checkout.planned())


WITHOUT_RESULT = (
    # A message of the main process: no job prints it. Patients whom it excludes are in the params of others.
    ("cohort/eligibility.py", r"(?<=\")correct the time", "check the time"),
    ("settings/study.py", LITERAL, "Or: "),
    ("settings/registration.py", LITERAL, "Or: "),
    ("settings/participation.py", LITERAL, "Or: "),
    ("networks/nnunet/settings.py", LITERAL, "Or: "),
    ("networks/agunet/settings.py", LITERAL, "Or: "),
    ("registration/greedy_engine.py", r"-wp 0\.01", "-wp 0.02"),
    ("brain/agunet.py", r"_MOMENTUM = 0\.99", "_MOMENTUM = 0.9"),
    ("brain/deepbet.py", r"_THRESHOLD = 0\.5", "_THRESHOLD = 0.4"),
    ("brain/hd_bet.py", r"\"fast\": 1", '"fast": 2'),
    # Trainings go by the study's version.
    ("networks/nnunet/trainer.py", "epoch=-1", "epoch=-2"),
    ("networks/agunet/loss.py", r"\+ 1\.0\)", "+ 2.0)"),
    ("simulate/plan.py", r"\n\n\n", "\n\nEDITED = 1\n\n\n"),
    ("cli.py", r"\n\n\n", "\n\nEDITED = 1\n\n\n"),
)
"""Edits that change no result: the module, what is replaced, and by what."""


def test_edits_that_change_no_result_plan_nothing(checkout: Study) -> None:
    with ExitStack() as edits:
        for edit in WITHOUT_RESULT:
            edits.enter_context(edited(checkout, *edit))
        assert by_rule(checkout.planned()) == Counter()


def test_an_edit_of_a_check_reruns_the_checks_and_what_reads_them(checkout: Study) -> None:
    jobs = planned_after(checkout, "cohort/checks/labels.py", r"_MOSTLY = 0\.5", "_MOSTLY = 0.4")
    assert set(jobs) >= {"check_cohort", "check_duplicates"}
    assert set(jobs) <= {
        "check_cohort", "check_duplicates", "table1", "table_s2", "table_baseline", "participant_flow",
        "flow_figure", "report",
        # Masks of raters are checked where they are rated.
        "rate", "compare_raters", "compare_raters_paired", "figure4", "supplementary_tables",
    }  # fmt: skip


def test_an_edit_of_table_2_reruns_table_2_and_the_report(checkout: Study) -> None:
    assert planned_after(checkout, "tables/table2.py", '"–"', '"none"') == Counter(table2=1, report=1)


def test_an_edit_of_a_figure_reruns_the_figure_and_the_report(checkout: Study) -> None:
    jobs = planned_after(checkout, "figures/figure4.py", r"\n\n\n", "\n\nEDITED = 1\n\n\n")
    assert jobs == Counter(figure4=1, report=1)


def test_an_edit_of_measure_chooses_no_threshold_and_segments_nothing(checkout: Study) -> None:
    jobs = planned_after(checkout, "metrics/measure_patients.py", r"\n\n\n", "\n\nEDITED = 1\n\n\n")
    # Raters are compared with segmentations: the measurements of chosen inputs do not concern them.
    of_raters = Counter(rate=1, compare_raters=1, compare_raters_paired=1, figure4=1)
    assert jobs == Counter(measure=MODELS) + PUBLISHED - of_raters


def test_an_edit_of_the_threshold_measures_again_and_predicts_nothing(checkout: Study) -> None:
    jobs = planned_after(checkout, "segmentation/threshold.py", r"\n\n\n", "\n\nEDITED = 1\n\n\n")
    stages = Counter(choose_threshold=MODELS, segment=2 * MODELS, measure=MODELS, compare_members=NETWORKS)
    assert jobs == stages + PUBLISHED + NESTED


def test_an_edit_of_the_comparison_of_members_predicts_and_trains_nothing(checkout: Study) -> None:
    jobs = planned_after(checkout, "segmentation/members.py", r"\n\n\n", "\n\nEDITED = 1\n\n\n")
    followed = Counter(compare_resections=1, resection_figure=1, supplementary_tables=1, report=1)
    assert jobs == Counter(compare_members=NETWORKS) + followed


def test_an_edit_of_how_members_are_stored_predicts_again_and_trains_nothing(checkout: Study) -> None:
    jobs = planned_after(checkout, "networks/prediction.py", "MEMBER_LEVELS = 200", "MEMBER_LEVELS = 100")
    assert jobs == Counter(predict=TRAININGS, ensemble=MODELS) + published_of(MODELS)


def test_an_edit_of_the_quality_pages_reruns_the_pages_and_the_report(checkout: Study) -> None:
    jobs = planned_after(checkout, "quality/patient_page.py", r"\n\n\n", "\n\nEDITED = 1\n\n\n")
    assert set(jobs) == {"assess", "assess_cohort", "describe_model", "report"}


def test_an_edit_of_a_networks_prediction_predicts_again_with_that_network_alone(checkout: Study) -> None:
    old, new = r"np\.array\(probabilities\[1\], dtype", "np.array(probabilities[-1], dtype"
    jobs = planned_after(checkout, "networks/nnunet/predict.py", old, new)
    assert jobs == Counter(predict=INPUTS * FOLDS, ensemble=INPUTS) + published_of(INPUTS, networks=1)


def test_an_edit_of_what_a_network_is_given_trains_that_network_alone(checkout: Study) -> None:
    jobs = planned_after(
        checkout, "networks/agunet/prepared.py", r"np\.clip\(there, 0\.0, 1\.0\)", "np.clip(there, 0.0, 0.9)"
    )
    # Three batches of two channels, and of the reference standard those two that are not held out.
    prepared = Counter(prepare_stripped=3 * 2, prepare_reference_standard=2, select_cases=INPUTS * (FOLDS + 1))
    trained = Counter(train=INPUTS * FOLDS, predict=INPUTS * FOLDS, ensemble=INPUTS)
    assert jobs == prepared + trained + published_of(INPUTS, networks=1)
