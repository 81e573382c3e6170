"""The import graph is the rerun graph: a table of the folders whose edits may rerun a stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from residua.publishing.code_digest import code_files

HOUSE = Path(__file__).resolve().parents[2]
LIBRARY = HOUSE / "src" / "residua"
SCRIPTS = sorted(path.stem for path in (HOUSE / "scripts").glob("[a-z]*.py"))
COMMON = {"", "publishing", "problems"}
"""The root, what writes results, and the record of what is wrong."""
CHECKS = {"cluster", "cohort.checks", "cohort.table", "images"}
JUDGED = {"metrics", "statistics"}
FOLDERS = {
    "agreement_figure": {"figures"} | JUDGED,
    "calibration_figure": {"figures"} | JUDGED,
    "confusion_figure": {"figures"} | JUDGED,
    "dice_by_volume_figure": {"figures"} | JUDGED,
    "discrimination_figure": {"figures"} | JUDGED,
    "learning_curves_figure": {"figures"},
    "pipeline_figure": {"figures"},
    "analyse_survival": {"prognosis", "resection"} | JUDGED,
    "assess": {"brain", "images", "metrics", "pages", "quality", "registration"},
    "assess_cohort": {"pages", "quality"},
    "bring_back": {"images", "registration"},
    "check_cohort": CHECKS,
    "check_duplicates": CHECKS | {"cohort.split"},
    "check_preprocessing": set(),
    "choose_threshold": {"images", "metrics", "segmentation"},
    "collect_failures": set(),
    "combine": {"images", "metrics", "segmentation"},
    "compare_architectures": JUDGED,
    "compare_conventions": JUDGED,
    "compare_inputs": JUDGED,
    "compare_members": {"images", "metrics", "segmentation"},
    "compare_subgroups": {"images"} | JUDGED,
    "compare_subsets": JUDGED,
    "compare_paired": JUDGED,
    "compare_raters_paired": {"cohort.table", "raters"} | JUDGED,
    "compare_raters": {"cohort.table", "raters", "statistics"},
    "discrimination": JUDGED,
    "export_model": {"networks"},
    "deface": {"brain", "images", "importers", "quality", "registration"},
    # Limits are judged in the words of the quality control.
    "describe_model": {"bundle", "networks", "quality"} | JUDGED,
    "figure1": {"figures", "images"},
    "figure3": {"figures", "images"} | JUDGED,
    "figure4": {"figures", "raters"},
    "compare_resections": {"resection"} | JUDGED,
    "describe_resections": {"images", "metrics", "resection"},
    "flow_figure": {"figures"},
    "forest_figures": {"figures", "tables"},
    "intervals": JUDGED,
    "judge_calibrations": {"validation"} | JUDGED,
    "kaplan_meier": {"figures", "statistics"},
    "leave_out": set(),
    "list_lesions": {"metrics"},
    # A new patient is told what the checks of his files warn of.
    "list_patients": CHECKS | {"inference"},
    "make_training_heads": {"brain_model", "cohort.table", "images", "simulate"},
    "mask_brain": {"brain", "images"},
    "measure": {"images", "metrics"},
    "measure_conventions": {"images", "metrics", "segmentation"},
    "measure_before": {"images", "resection"},
    "nested_estimate": JUDGED,
    "participant_flow": {"cohort", "cohort.split", "cohort.table", "metrics"},
    "plan_network": {"images", "networks", "preparation"},
    "predict": {"images", "networks", "preparation"},
    "prepare": {"images", "networks", "preparation"},
    "prepare_derived": {"images", "networks", "preparation"},
    "prepare_preoperative": {"images", "networks", "preparation"},
    # Raters' masks are checked as patients' are.
    "rate": CHECKS | {"raters"} | JUDGED,
    "register": {"images", "registration"},
    # It repeats Tables 3 and 4 beside the article's values.
    "report_patient": {
        "cohort",
        "bundle",
        "figures",
        "images",
        "inference",
        "metrics",
        "networks",
        "pages",
        "quality",
        "resection",
        "statistics",
    },
    "report": {"article", "cohort", "cohort.split", "pages", "quality", "report", "tables"} | JUDGED,
    "report_cases": {"casebook", "figures", "images", "pages", "quality", "tables"} | JUDGED,
    "resection_figure": {"figures", "resection"} | JUDGED,
    "sample": {"images", "networks", "preparation", "registration"},
    "score_bundles": {"validation"} | JUDGED,
    "score_thresholds": {"validation"} | JUDGED,
    "segment": {"images", "segmentation"},
    "select_cases": {"networks"},
    "select_preoperative": {"networks"},
    "split_folds": {"cohort.split"},
    "strip": {"images", "preparation", "registration"},
    "supplementary_tables": {"tables"} | JUDGED,
    "summarise_validation": {"pages", "validation"},
    "tabulate_patients": {"inference"},
    # Weights from an ONNX file are tried on a network that is built anew.
    "take_initial_weights": {"images", "networks", "preparation"},
    "take_elsewhere": CHECKS | {"external"},
    "table1": {"cohort.split", "metrics", "tables"},
    "table2": {"cohort.split", "metrics", "tables"},
    "table3": {"tables"} | JUDGED,
    "table4": {"tables"} | JUDGED,
    "table_baseline": {"images", "cohort.split", "metrics", "tables"},
    "table_s2": {"article", "cohort.split", "metrics", "tables"},
    "train": {"bundle", "images", "networks", "preparation"},
    "train_brain_model": {"brain", "brain_model", "images", "networks", "networks.agunet", "preparation"},
    "unpack": {"bundle", "images", "inference", "networks", "preparation"},
    "warp_label": {"images", "registration"},
}


REPORTERS = {"check_preprocessing", "collect_failures", "figure1", "leave_out", "select_cases"}
STAGES_OF: dict[str, set[str]] = {
    "problems.lists": REPORTERS | {"check_cohort", "check_duplicates", "list_patients", "rate", "take_elsewhere"},
    "publishing.failure_report": REPORTERS,
    "networks.selection": {"select_cases", "select_preoperative"},
    "preparation.strip": {"prepare_preoperative", "strip"},
    "registration.register": {"register"},
    "segmentation.threshold": {"choose_threshold", "measure_conventions"},
    "metrics.map_metrics": {"discrimination", "measure"},
    "metrics.measure_maps": {"measure"},
    "metrics.measure_patients": {"measure", "measure_conventions"},
    "metrics.scored": {"discrimination", "discrimination_figure", "measure"},
    "metrics.compared_masks": {"measure", "measure_conventions"},
    "metrics.lesion_list": {"list_lesions"},
    "metrics.lesions": {"measure", "measure_conventions"},
    "metrics.metric_tables": {"measure", "measure_conventions"},
    "metrics.page": set(),
    "metrics.registry": {"measure", "measure_conventions"},
    "metrics.surface": {"measure", "measure_conventions"},
    "cohort.table.patients": set(),
}
"""Modules, and the only stages whose digests hold them: a word of an error message registers no patient again."""


def modules_of(script: str) -> set[str]:
    """The modules of the library, dotted, whose code is in the digest of a script."""
    files = code_files(HOUSE / "scripts" / f"{script}.py", HOUSE / "src")
    return {".".join(file.relative_to(LIBRARY).with_suffix("").parts) for file in files if file.is_relative_to(LIBRARY)}


@pytest.mark.parametrize("module", STAGES_OF)
def test_a_module_is_in_the_digests_of_its_stages_alone(module: str) -> None:
    assert {script for script in SCRIPTS if module in modules_of(script)} == STAGES_OF[module]


def folders_of(script: str) -> set[str]:
    """The folders of the library, dotted, whose code is in the digest of a script."""
    files = code_files(HOUSE / "scripts" / f"{script}.py", HOUSE / "src")
    return {
        ".".join(file.parent.relative_to(LIBRARY).parts)
        for file in files
        if file.is_relative_to(LIBRARY) and file.name != "__init__.py"
    }


def test_every_stage_is_in_the_table() -> None:
    assert sorted(FOLDERS) == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_edit_outside_of_these_folders_never_reruns_a_stage(script: str) -> None:
    assert folders_of(script) <= FOLDERS[script] | COMMON


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_table_names_no_folder_in_vain(script: str) -> None:
    assert folders_of(script) >= FOLDERS[script]
