"""Write the model card of a bundle: what its models are for, on whom they were made, how good they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from residua.bundle.record import BundleRecord, Calibration, Estimate, Score
from residua.quality.catalogue import printed
from residua.quality.measures import subject_name
from residua.settings.base import from_grade
from residua.settings.initial_bundle import StartingFromBundles
from residua.settings.network import NetworkSettings
from residua.settings.participation import DrawnFolds
from residua.settings.study import Study
from residua.words import listed, name_of

PART_NAMES = {"out_of_fold": "validation (out of fold)", "holdout": "hold-out"}
MEASURE_NAMES = {
    "dice": "Dice, residual tumour",
    "sensitivity": "sensitivity, %",
    "specificity": "specificity, %",
    "balanced_accuracy": "balanced accuracy, %",
}
_NOT_STATED = "not stated; ask whoever gave you this bundle"


def card_of(record: BundleRecord) -> str:
    """Return the model card of a bundle, in Markdown."""
    study = record.as_study()
    sections = {
        "Intended use": _use(record, study),
        "What each channel must be": _channels(record, study),
        "Population": _population(record, study),
        "Scores": _scores(record),
        "Probability of residual tumour": _calibration(record),
        "Limits of what the models saw": _limits(record),
        "Preparation and network": _preparation(record, study),
        "Licence and contact": [
            f"- licence: {record.licence or _NOT_STATED}",
            f"- contact: {record.contact or _NOT_STATED}",
        ],
    }
    lines = [f"# {study.settings_of(record.arch).label}, inputs {record.inputs}: {study.title}"]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _use(record: BundleRecord, study: Study) -> list[str]:
    cut = study.classification.residual_tumor_ml
    return [
        "**Research use only. This is not a medical device; no decision on a patient may rest on it.**",
        "",
        "The models outline residual enhancing tumour on early post-operative MRI of adults who were operated on for "
        f"glioblastoma, scanned within {study.protocol.window_hours:g} hours of surgery, and tell residual tumour "
        f"({cut:g} ml or more) from gross total resection. They are not for children, other tumours, later scans, or "
        "recurrence.",
        "",
        f"{len(record.folds)} models, one for each fold of a cross-validation by {_unit(study)}, are averaged after "
        f"the softmax. A voxel is tumour from a probability of {record.chosen_threshold:g}; components of fewer than "
        f"{study.postprocessing.min_component_voxels} voxels are removed.",
    ]


def _unit(study: Study) -> str:
    persons = "person (no hospital that the models had not seen was tested)"
    return persons if isinstance(study.folds, DrawnFolds) else "hospital"


def _channels(record: BundleRecord, study: Study) -> list[str]:
    lines = ["In this order:", ""]
    for number, channel in enumerate(record.channels, 1):
        name = subject_name(channel.name)
        if channel.is_label:
            what = f"mask drawn on the {name_of(study.labels[channel.name])}, brought to the reference with it"
        elif channel.name == study.sequences.reference:
            what = "the reference: its grid is that of all results"
        elif channel.name in study.derived_channels:
            what = f"computed on the grid of the reference: {study.derived_channels[channel.name].told(name_of)}"
        else:
            when = "before surgery" if channel.name in study.sequences.before_surgery else "in the same session"
            what = f"scanned {when}; registered to the reference"
        lines.append(f"{number}. {name} (`{channel.name}`): {what}.")
    return lines


def _population(record: BundleRecord, study: Study) -> list[str]:
    rows = [
        (PART_NAMES.get(group.part, group.part), group.hospital, group.patients, group.residual_tumour)
        for group in record.population
    ]
    for part in dict.fromkeys(group.part for group in record.population):
        of_part = [group for group in record.population if group.part == part]
        patients, tumour = (sum(each) for each in zip(*((g.patients, g.residual_tumour) for g in of_part), strict=True))
        rows.append((PART_NAMES.get(part, part), "all", patients, tumour))
    note = "Each model was trained on the validation patients of the other folds. No model saw the hold-out."
    return [*_table(("part", "hospital", "patients", "with residual tumour"), rows), "", note + _graded(study)]


def _graded(study: Study) -> str:
    grades = [f"{name_of(c)} {' or '.join(from_grade(least))}" for c, least in study.protocol.least_grades.items()]
    return f" Only patients with {listed(grades)} took part." if grades else ""


def _scores(record: BundleRecord) -> list[str]:
    if not record.scores:
        return ["Not stated."]
    by_group: dict[tuple[str, str | None], dict[str, Score]] = {}
    for score in record.scores:
        by_group.setdefault((score.part, score.hospital), {})[score.measure] = score
    rows = [
        (PART_NAMES.get(part, part), hospital or "all", *(_score(scores.get(measure)) for measure in MEASURE_NAMES))
        for (part, hospital), scores in by_group.items()
    ]
    notes = sorted({score.note for score in record.scores if score.note})
    level = 100 * (1 - record.as_study().statistics.alpha)
    return [
        *_table(("part", "hospital", *MEASURE_NAMES.values()), rows),
        "",
        f"In brackets: intervals at {level:g} %. Rates of all validation patients have normal ones, over the folds; "
        "the rest are BCa bootstrap intervals over patients. A single hospital has few patients: read its interval.",
        *([f"Notes on scores and intervals: {'; '.join(notes)}."] if notes else []),
    ]


def _score(score: Score | None) -> str:
    if score is None or score.estimate is None:
        return "n/a"
    digits = 2 if score.measure == "dice" else 1
    low_high = "" if score.low is None or score.high is None else f" [{score.low:.{digits}f}, {score.high:.{digits}f}]"
    return f"{score.estimate:.{digits}f}{low_high}, n = {score.patients}"


def _calibration(record: BundleRecord) -> list[str]:
    found = record.calibration
    if found is None:
        return [f"Not calibrated: {record.calibration_note or 'not stated'}."]
    rows = [(f"{each.predicted:.2f}", f"{each.observed:.2f}", each.patients) for each in found.bins]
    return [
        f"P = 1 / (1 + exp(−({_signed(found.intercept)} + {found.slope:.3f} · ln(1 + predicted volume / "
        f"{found.scale_ml:g} ml)))), fitted to the out-of-fold volumes of {found.patients} patients (Platt 1999).",
        "",
        _undecidable(found),
        "",
        f"Reliability, of each fold by the curve of the others: Brier score {_estimate(found.brier)} (the prevalence "
        f"alone: {found.brier_of_prevalence:.3f}); expected calibration error "
        f"{_estimate(found.expected_calibration_error)}.",
        "",
        *_table(("predicted", "observed", "patients"), rows),
    ]


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _undecidable(found: Calibration) -> str:
    told = f"A class is told from a probability of {found.certainty:g}."
    if found.undecidable_ml is None:
        return f"{told} No volume is undecidable."
    low, high = found.undecidable_ml
    if high is None:
        return f"{told} From {low:.3g} ml on, every volume is undecidable."
    return f"{told} Between {low:.3g} and {high:.3g} ml a patient is undecidable."


def _estimate(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _limits(record: BundleRecord) -> list[str]:
    rows = []
    for limit in record.limits:
        how = printed(limit.subject, limit.measure)
        numbers = map(how.shown, (limit.low, limit.median, limit.high))
        rows.append((subject_name(limit.subject), how.title, *numbers, limit.patients))
    if not rows:
        return ["Not stated."]
    note = (
        "Of the training and validation patients, all but 0.5 % at either end. A scan outside may be prepared well and "
        "segmented badly: nobody has tried."
    )
    return [*_table(("of", "measure", "low", "median", "high", "patients"), rows), "", note]


def _preparation(record: BundleRecord, study: Study) -> list[str]:
    network = study.settings_of(record.arch)
    settings = network.model_dump(mode="json", exclude={"initial_bundles"})
    registration = study.registration
    lines = [
        f"- registration: {registration.engine}, {registration.transform}",
        f"- brain mask: {study.brain_mask.method}",
        f"- preparation: {study.preparation}",
        f"- start of the trainings: {_start(network, record.inputs)}",
        f"- version of the trainings: {study.version}; bundle written by Residua {record.residua}",
        "",
    ]
    return [*lines, *_table(("setting", "value"), settings.items())]


def _start(network: NetworkSettings, inputs: str) -> str:
    if isinstance(network, StartingFromBundles) and inputs in network.initial_bundles:
        start = network.initial_bundles[inputs]
        model = "the model of the same fold" if start.fold is None else f"the model of fold {start.fold}"
        rate = network.learning_rate_of(inputs)
        return f"{model} in the bundle with the SHA-256 {start.sha256}, with a learning rate of {rate:g}"
    weights = getattr(network, "initial_weights", None)
    return (
        f"weights with the SHA-256 {weights.sha256}, {weights.at_random} at random"
        if weights
        else network.start_in_words
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return list(_lines(header, rows))


def _lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"
