"""Texts of the participant flow: the boxes and the caption."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from residua.words import name_of

MOST_REASONS = 8
_BY = {
    "table": "the cohort table",
    "protocol": "the protocol",
    "check": "checks of the data",
    "fault": "failed preprocessing",
}
_HOSPITALS_IN_A_LINE = 8
_INDENT = "   "
_COLUMN = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")


@dataclass(frozen=True)
class FlowBox:
    """A box of the flow: a heading and lines below it."""

    heading: str
    lines: tuple[str, ...] = ()

    def wrapped(self, width_mm: float, width_of: Callable[[str], float]) -> list[str]:
        """Break the lines at blanks, and indent what follows; a word longer than a line is broken within."""
        return [part for line in self.lines for part in _broken(line, width_mm, width_of)]


@dataclass(frozen=True)
class FlowBoxes:
    """The boxes of the flow from top to bottom; ``inputs`` is None where all input configurations have all patients."""

    assessed: FlowBox
    left_out: FlowBox
    included: FlowBox
    cross_validation: FlowBox
    holdout: FlowBox
    inputs: FlowBox | None


def boxes(flow: Mapping[str, Any]) -> FlowBoxes:
    """Fill the boxes from ``results/cohort/flow.json``."""
    included, assessed = flow["included"], flow["assessed"]
    hospitals = sum(bool(record["included"]) for record in flow["hospitals"].values())
    left_out = sum(group["patients"] for group in flow["excluded"].values())
    differing = [i for i in flow["inputs"] if i["patients"] != included["patients"]]
    folds = included["folds"]
    return FlowBoxes(
        assessed=FlowBox(f"Assessed: {assessed}", (_of(len(flow["hospitals"]), "hospital"),)),
        left_out=FlowBox(f"Left out: {left_out}", tuple(_reasons(flow["excluded"])) if left_out else ("nobody",)),
        included=FlowBox(
            f"In the study: {included['patients']}", (_of(hospitals, "hospital"), *_persons(included), _kinds(included))
        ),
        cross_validation=FlowBox(
            f"Cross-validation: {included['cross_validation']['patients']}",
            (
                *_persons(included["cross_validation"]),
                _kinds(included["cross_validation"]),
                *(f"Fold {f['fold']}: {f['patients']} ({_kinds(f)}); {_hospitals(f['hospitals'])}" for f in folds),
            ),
        ),
        holdout=FlowBox(
            f"Hold-out: {included['holdout']['patients']}",
            (*_persons(included["holdout"]), _kinds(included["holdout"]), _hospitals(included["holdout"]["hospitals"])),
        ),
        inputs=_inputs(flow["inputs"]) if differing else None,
    )


def caption(flow: Mapping[str, Any]) -> str:
    """Write the caption of the figure."""
    inputs = " Each input configuration has the patients with all of its channels." if boxes(flow).inputs else ""
    return (
        "Participant flow. RT: residual tumour, a reference volume of at least "
        f"{flow['residual_tumor_ml']:g} ml; GTR: gross total resection, below. A patient who is left out is counted "
        f"once, under all reasons together; numbers after hospitals count their patients.{inputs}"
    )


def _reasons(excluded: Mapping[str, Any]) -> list[str]:
    lines = []
    for by, group in excluded.items():
        if not group["patients"]:
            continue
        lines.append(f"by {_BY.get(by, by)}: {group['patients']}")
        shown = group["reasons"][:MOST_REASONS]
        lines += [f"– {reason_in_words(by, reason['reason'])}: {reason['patients']}" for reason in shown]
        rest = group["reasons"][MOST_REASONS:]
        if rest:
            lines.append(f"– {_of(len(rest), 'other reason')}: {sum(reason['patients'] for reason in rest)}")
    return lines


def reason_in_words(by: str, reason: str) -> str:
    """Put the names of sequences into a reason that the protocol gave; other reasons stay as they are."""
    return _COLUMN.sub(lambda column: name_of(column[0]), reason) if by == "protocol" else reason


def _broken(line: str, width_mm: float, width_of: Callable[[str], float]) -> list[str]:
    parts, current = [], ""
    # Not at a hard space, at which ``split`` without a separator would break too.
    for word in line.split(" "):
        longer = f"{current} {word}" if current.strip() else current + word
        alone = _INDENT + word
        if current.strip() and width_of(longer) > width_mm >= width_of(alone):
            parts.append(current)
            longer = alone
        while width_of(longer) > width_mm:
            fits = next(n for n in range(1, len(longer)) if width_of(longer[: n + 1]) > width_mm)
            parts.append(longer[:fits])
            longer = _INDENT + longer[fits:]
        current = longer
    return [*parts, current]


def _persons(part: Mapping[str, Any]) -> list[str]:
    """Return the number of persons, where a person has several scans."""
    return [f"scans of {_of(part['persons'], 'person')}"] if "persons" in part else []


def _kinds(part: Mapping[str, Any]) -> str:
    unknown = f", {part['not_annotated']} not annotated" if part["not_annotated"] else ""
    return f"{part['rt']} RT, {part['gtr']} GTR{unknown}"


def _hospitals(patients: Mapping[str, int]) -> str:
    # A hospital and its number stay on one line.
    named = [f"{hospital}\u00a0{number}" for hospital, number in patients.items()]
    if len(named) <= _HOSPITALS_IN_A_LINE:
        return ", ".join(named)
    return f"{', '.join(named[: _HOSPITALS_IN_A_LINE - 1])} and {len(named) - _HOSPITALS_IN_A_LINE + 1} more"


def _inputs(inputs: Sequence[Mapping[str, Any]]) -> FlowBox:
    return FlowBox(
        "Patients of each input configuration",
        tuple(
            f"{i['inputs']}: {i['patients']} ({_kinds(i)}), {i['cross_validation']['patients']} in cross-validation, "
            f"{i['holdout']['patients']} held out"
            for i in inputs
        ),
    )


def _of(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
