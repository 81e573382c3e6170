"""Understand the workflow's log while it grows: which stages are done, of how many, and what jobs say meanwhile."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

STAGES: dict[str, tuple[str, ...]] = {
    "check files": ("check_cohort",),
    "unpack bundles": ("unpack",),
    "register scans": ("register", "register_without_label", "register_around_resection", "warp_label"),
    "mask brains": ("mask_brain", "collect_failures"),
    "prepare channels": ("strip", "sample", "prepare_stripped", "prepare_sampled", "prepare_derived", "select_cases"),
    "predict": ("ensemble",),
    "segment": ("segment", "compare_members", "measure_before", "describe_resections", "list_patients"),
    "report": ("assess", "bring_back", "report_patient", "tabulate_patients"),
    "measure": ("measure", "choose_again", "segment_again", "measure_again"),
    "tables": (
        "score_bundles",
        "judge_calibrations",
        "score_thresholds",
        "table1",
        "table3",
        "table4",
        "intervals",
        "supplementary_tables",
        "summarise_validation",
    ),
}
"""The stages in the order in which data flow, and the rules of each."""
_PLANNED = re.compile(r"^(\w+) +(\d+)$", re.MULTILINE)
_FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", re.MULTILINE)

_SAYS = re.compile(r"^(\w+) says: (.+)$", re.MULTILINE)


@dataclass
class Following:
    """The numbers of planned and of finished jobs by rule, from as much of the log as was read."""

    planned: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    _tail: str = ""

    def read(self, text: str) -> list[str]:
        """Take in what is new in the log; return what jobs say in it to whoever waits for them."""
        whole, newline, self._tail = (self._tail + text).rpartition("\n")
        for rule, number in _PLANNED.findall(whole + newline):
            self.planned[rule] = int(number)
        self.finished.update(_FINISHED.findall(whole + newline))
        return [f"{rule}: {line}" for rule, line in _SAYS.findall(whole + newline)]

    def stages(self) -> dict[str, tuple[int, int]]:
        """Return by stage how many of its jobs are finished, and how many there are; only stages with any."""
        counts = {
            stage: (sum(self.finished[rule] for rule in rules), sum(self.planned[rule] for rule in rules))
            for stage, rules in STAGES.items()
        }
        return {stage: (done, of) for stage, (done, of) in counts.items() if of}
