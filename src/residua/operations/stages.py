"""The stages of a study or an application in the order in which data flow, and the rules of each."""

from __future__ import annotations

LAST = "tables and report"
"""The stage of all rules that no other names."""
STAGES: dict[str, tuple[str, ...]] = {
    "check the cohort": ("check_cohort", "check_duplicates", "split_folds", "unpack"),
    "register scans": ("register", "register_without_label", "register_around_resection", "warp_label", "deface"),
    "mask brains": ("mask_brain", "measure_before", "mask_preoperative", "bring_back_brain"),
    "judge the preprocessing": ("assess", "assess_cohort", "collect_failures", "check_preprocessing", "leave_out"),
    "prepare channels": (
        "strip", "sample", "prepare_stripped", "prepare_sampled", "prepare_derived", "prepare_reference_standard",
        "select_cases", "plan_network", "prepare_preoperative", "prepare_preoperative_tumor",
        "select_preoperative", "take_initial_weights",
    ),
    "train": ("train", "train_preoperative"),
    "predict": ("predict", "ensemble", "combine", "ensemble_lacking", "take_elsewhere"),
    "segment": ("choose_threshold", "segment", "segment_lacking", "segment_again", "choose_again", "compare_members"),
    "measure": ("measure", "measure_conventions", "measure_lacking", "measure_again", "list_lesions", "rate"),
    LAST: (),
}  # fmt: skip
_STAGE_OF = {rule: stage for stage, rules in STAGES.items() for rule in rules}
# All rules that prepare channels leave their benchmarks under one name.
_STAGE_OF["prepare"] = "prepare channels"


def stage_of(rule: str) -> str:
    """Return the stage to which the jobs of a rule belong, by the rule's name or that of its benchmarks."""
    return _STAGE_OF.get(rule, LAST)
