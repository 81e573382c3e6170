"""What is told of one new patient, in builtins: the record of ``prediction.json``.

It holds no file path, no name of a scan and no patient's name but the patient's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from residua.bundle.record import Calibration
from residua.inference.cautions import cautions_of
from residua.inference.traces import FILE, without_traces
from residua.quality.judge import flags_of, measure_frame
from residua.quality.measures import Measures
from residua.resection.classes import RANO
from residua.statistics.calibration import Curve, told_class
from residua.words import listed, name_of

SCHEMA = 1
"""The number of the form of the record."""
TRACES_OF_IDENTITY = ("identity-", "header-extension")
"""How checks begin that concern who sends the files on, and no reader of what was found in them."""
_NO_FILES: Mapping[str, str] = MappingProxyType({})


def prediction_record(
    outcome: Mapping[str, Any],
    bundle: Mapping[str, Any] | None = None,
    resection: Mapping[str, Any] | None = None,
    measures: Measures | None = None,
    others: Collection[str] = (),
) -> dict[str, Any]:
    """Return what is told of a patient.

    ``outcome`` is the entry of ``patients.json``, ``bundle`` that of ``wiring.reporting.described``, ``resection`` the
    record of ``residua.resection.record`` and ``measures`` those of the quality control; each is None where there is
    none. The parts that need a prediction are None without one. ``others`` are the other patients of the call, whom
    nothing may name.
    """
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "patient": outcome["patient"],
        "state": outcome["state"],
        "excluded": outcome["excluded"] and _told(outcome["excluded"], outcome, others),
        "problems": [_problem(problem, outcome, others) for problem in outcome["problems"]],
        "given": list(outcome["given"]),
        "lacking": list(outcome.get("lacking", ())),
        "bundle": bundle and _bundle(outcome, bundle),
        "measured": bool(measures),
        "flags": _flags(outcome["patient"], measures or {}),
    }
    of_files = _of_files(outcome, others)
    if bundle is None or resection is None or outcome["state"] != "predicted":
        return {**told, **dict.fromkeys(_PREDICTED), "warnings": of_files}
    found = _predicted(resection, bundle, measures or {})
    warnings = [*_of_lacking(outcome), *_of_region(outcome), *of_files, *found["warnings"]]
    return {**told, **found, "warnings": warnings}


def _of_lacking(outcome: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"kind": "lacking", "what": outcome["why"]}] if outcome.get("lacking") else []


def _of_files(outcome: Mapping[str, Any], others: Collection[str]) -> list[dict[str, Any]]:
    """Return what the checks of the files warn of, once for all columns of which they say the same."""
    columns: dict[tuple[str, str, str], list[str]] = {}
    # A list of an earlier version holds none.
    for warning in outcome.get("warnings", ()):
        if not warning["check"].startswith(TRACES_OF_IDENTITY):
            told = _problem(warning, outcome, others)
            of = columns.setdefault((told["check"], told["what"], told["remedy"]), [])
            of += [told["column"]] if told["column"] else []
    return [
        {"kind": "check", "check": check, "columns": of, "what": f"{_names(of)}{what}", "remedy": remedy}
        for (check, what, remedy), of in columns.items()
    ]


def _names(columns: Sequence[str]) -> str:
    return f"{listed([name_of(column) for column in columns])}: " if columns else ""


def _of_region(outcome: Mapping[str, Any]) -> list[dict[str, str]]:
    label = outcome.get("seen_whole_without")
    if label is None:
        return []
    what = f"the models were trained on the region around the {name_of(label)}, which is not given"
    return [{"kind": "region", "what": f"{what}: they saw the whole brain, and the result is doubtful"}]


def _predicted(resection: Mapping[str, Any], bundle: Mapping[str, Any], measures: Measures) -> dict[str, Any]:
    classification = classified(resection, bundle)
    return {
        "volumes": {
            "residual_ml": resection["volume_ml"],
            "residual_low_ml": resection["volume_low_ml"],
            "residual_high_ml": resection["volume_high_ml"],
            "before_ml": resection["before_ml"],
        },
        "classification": classification,
        "folds": {"residual_ml": resection["members_ml"], "mean_pairwise_dice": resection["mean_pairwise_dice"]},
        "resection": {
            **{name: resection[name] for name in _RESECTION},
            "rano_resect_means": RANO[resection["rano_resect"]],
        },
        "diameters": resection["diameters"],
        "warnings": cautions_of(resection, classification, bundle, measures),
    }


_PREDICTED = ("volumes", "classification", "folds", "resection", "diameters")
_RESECTION = (
    "extent_percent", "extent_low_percent", "extent_high_percent", "rano_resect", "raidionics", "complete",
    "gross_total",
)  # fmt: skip


def classified(resection: Mapping[str, Any], bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the class by the cut-off, and the calibrated probability with what can be told from it.

    ``told`` is "undecidable" where neither class is as probable as the calibration asks. Without a calibration it is
    the class by the cut-off.

    >>> calibration = {
    ...     "scale_ml": 0.175, "intercept": -2.0, "slope": 2.0, "certainty": 0.8, "undecidable_ml": [0.1, 1.0],
    ...     "patients": 90, "brier": {"value": 0.1, "low": None, "high": None}, "brier_of_prevalence": 0.2,
    ...     "expected_calibration_error": {"value": 0.1, "low": None, "high": None}, "bins": [],
    ... }
    >>> bundle = {"cut_off_ml": 0.175, "calibration": calibration, "calibration_note": ""}
    >>> found = classified({"volume_ml": 0.3, "gross_total": False}, bundle)
    >>> round(found["probability"], 2), found["told"], found["residual_tumour"]
    (0.5, 'undecidable', True)
    """
    given = bundle["calibration"]
    calibration = Calibration.model_validate(given) if given else None
    found: dict[str, Any] = {
        "cut_off_ml": bundle["cut_off_ml"],
        "residual_tumour": not resection["gross_total"],
        "probability": None,
        "certainty": None,
        "undecidable_ml": None,
        "told": told_class(0.0 if resection["gross_total"] else 1.0, 0.5),
    }
    if calibration is None:
        return found
    curve = Curve(calibration.scale_ml, calibration.intercept, calibration.slope)
    probability = float(curve.probability(resection["volume_ml"]))
    return {
        **found,
        "probability": probability,
        "certainty": calibration.certainty,
        "undecidable_ml": calibration.undecidable_ml and list(calibration.undecidable_ml),
        "told": told_class(probability, calibration.certainty),
    }


def _bundle(outcome: Mapping[str, Any], bundle: Mapping[str, Any]) -> dict[str, Any]:
    named = ("digest", "arch", "inputs", "label", "channels", "folds", "residua")
    return {
        "name": PurePath(outcome["bundle"]).name,
        **{name: bundle[name] for name in named},
        **{name: bundle[name] for name in ("derived_of",) if name in bundle},
        "threshold": outcome.get("threshold"),
        "out_of_fold_score": outcome["out_of_fold_score"],
        "why": outcome["why"],
    }


def _flags(patient: str, measures: Measures) -> list[dict[str, Any]]:
    """Return the flags that one patient's measures give alone: limits that hold for everybody."""
    keys = ("subject", "measure", "value", "what", "look", "act")
    flags = flags_of(measure_frame({patient: measures}, {patient: ""})) if measures else []
    return [{key: getattr(flag, key) for key in keys} for flag in flags]


def _problem(problem: Mapping[str, Any], outcome: Mapping[str, Any], others: Collection[str]) -> dict[str, Any]:
    column, file = problem.get("subject"), problem.get("file") or ""
    own = {file: name_of(column) if column else FILE}
    texts = {name: _told(problem[name], outcome, others, own) for name in ("what", "remedy")}
    return {"check": problem["check"], "column": column, **texts}


def _told(text: str, outcome: Mapping[str, Any], others: Collection[str], own: Mapping[str, str] = _NO_FILES) -> str:
    named = {file: name_of(column) for column, file in outcome["given"].items()}
    return without_traces(text, {**own, **named}, outcome["patient"], others)
