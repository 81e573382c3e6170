"""Write the pages of the hospitals and of the worst cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from residua.casebook.hospitals import PatientRow, Summary, parts_of, patients, summaries
from residua.casebook.pictures import case_picture
from residua.casebook.ranking import KINDS, Case, choose, with_outcomes
from residua.pages.layout import rendered
from residua.publishing.publish import verified, write_text
from residua.quality.catalogue import Measure
from residua.quality.strips import STYLE, strip_plot
from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import positive, read_cases

_DICE = Measure("dice", "Dice", 1, unit="%")
_NARROWEST = 5.0
"""The axis of Dice reaches at least so many points beyond the values."""


@dataclass(frozen=True)
class CaseSources:
    """The files of a run.

    ``segmentations`` holds the manifests of the masks, out-of-fold and hold-out, by network and input configuration;
    ``scans`` the reference image and the reference standard, ``brains`` the manifest with the brain mask, and
    ``pages`` the quality page as a link, by patient; ``baseline`` is the table of baseline characteristics (CSV).
    """

    metrics: Sequence[str]
    segmentations: Mapping[tuple[str, str], Sequence[str]]
    scans: Mapping[str, tuple[str, str]]
    brains: Mapping[str, str]
    pages: Mapping[str, str]
    baseline: str


@dataclass(frozen=True)
class Plan:
    """What is shown: names of the networks, their inputs or that results choose them, classes, and how many cases."""

    title: str
    labels: Mapping[str, str]
    choices: Mapping[str, str]
    classification: Classification
    number: int


def write_pages(sources: CaseSources, plan: Plan, folder: Path) -> None:
    """Write ``index.html``, the worst cases with pictures, and ``hospital-NAME.html`` for every hospital.

    A mask or brain mask that was damaged since it was made raises ``DamagedStageError``.
    """
    measured = read_cases(sources.metrics)
    inputs = best_inputs(measured, plan.choices, "segmentation", plan.classification)
    rows = with_outcomes(measured, inputs, plan.classification)
    models = {arch: f"{plan.labels.get(arch, arch)} {name}" for arch, name in inputs.items()}
    cases = choose(rows, plan.number, models)
    shown = [_shown(case, rows, inputs, models, sources) for case in cases]
    overview = {
        str(name): (parts_of(own), summaries(own, models, plan.classification))
        for name, own in rows.groupby("hospital", sort=False)
    }
    write_text(folder / "index.html", _index(shown, overview, _strips(rows, models, sources, plan, "arch"), plan))
    for name, own in rows.groupby("hospital", sort=False):
        page = _hospital(str(name), own, models, sources, plan)
        write_text(folder / page_of(str(name)), page)


def page_of(hospital: str) -> str:
    """Return the file name of a hospital's page."""
    return f"hospital-{hospital}.html"


@dataclass(frozen=True)
class _Shown:
    case: Case
    part: str
    page: str
    hospital_page: str
    picture: str
    rows: Sequence[PatientRow]


def _shown(
    case: Case, rows: pd.DataFrame, inputs: Mapping[str, str], models: Mapping[str, str], sources: CaseSources
) -> _Shown:
    own = rows[rows["patient"] == case.patient]
    image, reference = sources.scans[case.patient]
    file = f"{case.patient}.nii.gz"
    brain = verified(sources.brains[case.patient], lambda name: name == file)[file]
    masks = {}
    for arch in own["arch"]:
        for manifest in sources.segmentations[arch, inputs[arch]]:
            for found in verified(manifest, lambda name: name == file).values():
                masks[models[arch]] = found
    listed = patients(own, models)
    return _Shown(
        case=case,
        part=listed[0].part,
        page=sources.pages[case.patient],
        hospital_page=page_of(case.hospital),
        picture=case_picture(image, reference, brain, masks),
        rows=listed,
    )


def _strips(
    rows: pd.DataFrame, models: Mapping[str, str], sources: CaseSources, plan: Plan, by: str
) -> list[tuple[str, Markup]]:
    """Draw the Dice of the patients with residual tumour: for each network by hospital, or all networks together."""
    own = positive(rows, plan.classification)
    frame = own.assign(value=100 * own["dice"], flag=(own["outcome"] == "FN").map({True: "missed", False: ""}))
    if by == "arch":
        groups = [(models[str(arch)], of_arch) for arch, of_arch in frame.groupby("arch", sort=False)]
    else:
        groups = [("Dice", frame.assign(hospital=frame["arch"].map(dict(models))))] if len(frame) else []
    return [
        (title, strip_plot(of.assign(median=of["value"].median()), _DICE, _NARROWEST, sources.pages, f"{title}: Dice"))
        for title, of in groups
    ]


def _index(
    shown: Sequence[_Shown],
    overview: Mapping[str, tuple[Sequence[str], Sequence[Summary]]],
    strips: Sequence[tuple[str, Markup]],
    plan: Plan,
) -> str:
    return rendered(
        "residua.casebook",
        "index.html",
        title=plan.title,
        kinds=[(kind, [one for one in shown if one.case.chosen_for is kind]) for kind in KINDS],
        overview=overview,
        page_of=page_of,
        strips=strips,
        strip_style=STYLE,
        cut=f"{plan.classification.residual_tumor_ml:g}",
    )


def _hospital(name: str, rows: pd.DataFrame, models: Mapping[str, str], sources: CaseSources, plan: Plan) -> str:
    return rendered(
        "residua.casebook",
        "hospital.html",
        title=plan.title,
        hospital=name,
        parts=parts_of(rows),
        patients=rows["patient"].nunique(),
        baseline=_baseline(sources.baseline, name),
        summaries=summaries(rows, models, plan.classification),
        strips=_strips(rows, models, sources, plan, "hospital"),
        rows=patients(rows, models),
        pages=sources.pages,
        strip_style=STYLE,
        cut=f"{plan.classification.residual_tumor_ml:g}",
    )


def _baseline(file: str, hospital: str) -> list[tuple[Any, Any]]:
    """Return the rows of the table of baseline characteristics for a hospital."""
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    return list(zip(table.iloc[:, 0], table[hospital], strict=True)) if hospital in table else []
