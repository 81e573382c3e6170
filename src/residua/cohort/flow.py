"""The participant flow that CONSORT requires: numbers from the rows of the table to the patients of each fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from residua.cohort.anonymous import anonymous
from residua.cohort.split.split import Split
from residua.cohort.table.patient import ExcludedBy, Patient
from residua.errors import ResiduaError
from residua.metrics.classification import has_residual_tumor
from residua.publishing.publish import read_json

EXCLUDED_BY: tuple[ExcludedBy, ...] = get_args(ExcludedBy)


@dataclass(frozen=True)
class _Counting:
    """Counts of patients of the split, in total and by part."""

    split: Split
    volumes_ml: Mapping[str, float]
    residual_tumor_ml: float

    def part(self, members: Collection[str]) -> dict[str, Any]:
        """Return the numbers of patients, with and without residual tumour, and by hospital."""
        annotated = [self.volumes_ml[patient] for patient in members if patient in self.volumes_ml]
        with_tumor = int(has_residual_tumor(annotated, self.residual_tumor_ml).sum())
        return {
            "patients": len(members),
            "rt": with_tumor,
            "gtr": len(annotated) - with_tumor,
            "not_annotated": len(members) - len(annotated),
            "hospitals": dict(Counter(self.split.hospitals[patient] for patient in members)),
            # Only where a person has several scans: else they are as many as patients.
            **({"persons": len({self.split.who(patient) for patient in members})} if self.split.persons else {}),
        }

    def places(self, members: Collection[str]) -> dict[str, Any]:
        """Return the numbers of ``part``, also for each fold, for all folds together and for the hold-out."""
        wanted, split = set(members), self.split
        folds = {fold: [p for p in split.folds[fold] if p in wanted] for fold in sorted(split.folds)}
        return {
            **self.part(members),
            "folds": [{"fold": fold, **self.part(validated)} for fold, validated in folds.items()],
            "cross_validation": self.part([patient for validated in folds.values() for patient in validated]),
            "holdout": self.part([patient for patient in split.holdout if patient in wanted]),
        }


def participant_flow(
    patients: Mapping[str, Patient],
    split: Split,
    eligible: Mapping[str, Sequence[str]],
    volumes_ml: Mapping[str, float],
    residual_tumor_ml: float,
) -> dict[str, Any]:
    """Count patients assessed, excluded (by what and why) and included, as builtins without the name of a patient.

    ``patients`` holds every row of the table, ``eligible`` the patients of each input configuration, ``volumes_ml``
    the reference volumes. A volume from ``residual_tumor_ml`` on is residual tumour (RT), a smaller one gross total
    resection (GTR). Every patient is counted once; several reasons of a patient count as one combined reason.
    Raises ``ResiduaError`` when the numbers do not add up.
    """
    included = [patient.patient for patient in patients.values() if not patient.excluded]
    _require_every_patient(included, split, eligible)
    count = _Counting(split, volumes_ml, residual_tumor_ml)
    flow = {
        "residual_tumor_ml": residual_tumor_ml,
        "assessed": len(patients),
        "excluded": _excluded(patients),
        "included": count.places(split.patients),
        "inputs": [{"inputs": inputs, **count.places(members)} for inputs, members in eligible.items()],
        "hospitals": _by_hospital(patients.values()),
    }
    require_sums(flow)
    return flow


def flow_of_run(
    checks: Iterable[str],
    folds: str,
    left_out: Mapping[str, Mapping[str, Any]],
    lacking: Mapping[str, Collection[str]],
    residual_tumor_ml: float,
) -> dict[str, Any]:
    """Return the participant flow of the files of a run: ``results/cohort/checks/*.json`` and ``folds.json``.

    ``left_out`` holds the hospital, ``exclusion_reason`` and ``excluded_by`` of patients that are not in the split,
    ``lacking`` the patients that an input configuration lacks. Raises ``ResiduaError`` as ``participant_flow`` does.
    """
    split = Split.from_json(read_json(folds))
    patients = {p: Patient(p, split.hospitals[p], "auto", "", None) for p in split.patients}
    patients |= {p: Patient(patient=p, role="exclude", row=None, **record) for p, record in left_out.items()}
    volumes_ml = {patient: ml for check in checks for patient, ml in read_json(check)["residual_ml"].items()}
    eligible = {inputs: [p for p in split.patients if p not in without] for inputs, without in lacking.items()}
    return participant_flow(patients, split, eligible, volumes_ml, residual_tumor_ml)


def require_sums(flow: Mapping[str, Any]) -> None:
    """Raise ``ResiduaError`` with every sum of the flow, in total and by hospital, that is wrong."""
    wrong = [f"{what}: {found} instead of {expected}" for what, found, expected in _sums(flow) if found != expected]
    if wrong:
        raise ResiduaError(f"The participant flow does not add up: {'; '.join(wrong)}. {_DISAGREE}")


_DISAGREE = "The cohort table, the split and the checks come from different runs; run the same snakemake command again"


def _sums(flow: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name of each sum, the sum, and its expected value."""
    excluded, included, hospitals = flow["excluded"], flow["included"], flow["hospitals"]
    number_excluded = sum(group["patients"] for group in excluded.values())
    yield "included and excluded patients", number_excluded + included["patients"], flow["assessed"]
    yield "patients assessed, by hospital", _total(hospitals.values(), "assessed"), flow["assessed"]
    for by, group in excluded.items():
        yield f"reasons of patients excluded by the {by}", _total(group["reasons"], "patients"), group["patients"]
        yield f"patients excluded by the {by}, by hospital", _total(hospitals.values(), by), group["patients"]
    for hospital, record in hospitals.items():
        counted = record["included"] + sum(record[by] for by in excluded)
        yield f"included and excluded patients of {hospital}", counted, record["assessed"]
    there = {hospital: record["included"] for hospital, record in hospitals.items() if record["included"]}
    yield "included patients by hospital", included["hospitals"], there
    yield from _sums_of_places(included, "the study")
    for inputs in flow["inputs"]:
        yield from _sums_of_places(inputs, f"input configuration {inputs['inputs']}")
        beyond = {h for h, number in inputs["hospitals"].items() if number > there.get(h, 0)}
        yield f"hospitals with more patients of input configuration {inputs['inputs']} than in the study", beyond, set()


def _sums_of_places(places: Mapping[str, Any], whose: str) -> Iterator[tuple[str, Any, Any]]:
    validated, held_out = places["cross_validation"], places["holdout"]
    for key in ("patients", "rt", "gtr", "not_annotated"):
        yield f"{key} of {whose}, in folds and held out", validated[key] + held_out[key], places[key]
        yield f"{key} of {whose}, fold by fold", _total(places["folds"], key), validated[key]
    sides = Counter(validated["hospitals"]) + Counter(held_out["hospitals"])
    yield f"patients of {whose} by hospital, in folds and held out", dict(sides), places["hospitals"]
    folds = sum((Counter(fold["hospitals"]) for fold in places["folds"]), Counter[str]())
    yield f"patients of {whose} by hospital, fold by fold", dict(folds), validated["hospitals"]
    for name, part in (("in all", places), ("held out", held_out), *((f["fold"], f) for f in places["folds"])):
        classes = part["rt"] + part["gtr"] + part["not_annotated"]
        yield f"RT, GTR and not annotated of {whose} ({name})", classes, part["patients"]
        yield f"patients of {whose} by hospital ({name})", sum(part["hospitals"].values()), part["patients"]


def _total(records: Iterable[Mapping[str, Any]], key: str) -> int:
    return sum(record[key] for record in records)


def _require_every_patient(included: Sequence[str], split: Split, eligible: Mapping[str, Sequence[str]]) -> None:
    """Raise ``ResiduaError`` for a patient counted twice in place of another, which sums alone would not show."""
    placed = Counter(split.patients)
    if placed != Counter(included):
        astray = len(set(placed) ^ set(included)) + sum(number > 1 for number in placed.values())
        raise ResiduaError(
            f"{astray} patient(s) are not in exactly one of the folds, the hold-out and the exclusions. {_DISAGREE}"
        )
    for inputs, members in eligible.items():
        if Counter(members) - placed:
            message = f"input configuration {inputs} has patients that are not in the study or are listed twice"
            raise ResiduaError(f"{message}. {_DISAGREE}")


def _excluded(patients: Mapping[str, Patient]) -> dict[str, Any]:
    reasons: dict[str, Counter[str]] = {by: Counter() for by in _kinds(patients.values())}
    for patient in patients.values():
        if patient.excluded:
            reasons[_by(patient)][anonymous(patient.exclusion_reason, patients)] += 1
    return {
        by: {
            "patients": found.total(),
            "reasons": [
                {"reason": reason, "patients": number}
                for reason, number in sorted(found.items(), key=lambda item: (-item[1], item[0]))
            ],
        }
        for by, found in reasons.items()
    }


def _by_hospital(patients: Iterable[Patient]) -> dict[str, dict[str, int]]:
    everybody, found = list(patients), dict[str, dict[str, int]]()
    kinds = _kinds(everybody)
    for patient in everybody:
        none = dict.fromkeys(("assessed", *kinds, "included"), 0)
        record = found.setdefault(patient.hospital, none)
        record["assessed"] += 1
        record[_by(patient) if patient.excluded else "included"] += 1
    return found


def _kinds(patients: Iterable[Patient]) -> list[str]:
    """Return what may exclude patients; faults only where there is one, because most studies wait for their remedy."""
    there = any(patient.excluded_by == "fault" for patient in patients)
    return [by for by in EXCLUDED_BY if by != "fault" or there]


def _by(patient: Patient) -> ExcludedBy:
    return patient.excluded_by or "table"
