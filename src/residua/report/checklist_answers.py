"""What a run can say of itself under the items of a checklist; the key of an answer stands beside the item."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from residua.report.abstract import abstract
from residua.report.citations import spelled_out
from residua.report.cohort import CohortFacts, eligibility
from residua.report.facts import best_models, dice_of_positive, outcomes_of_best
from residua.report.methods import Passage
from residua.report.wording import counted, listed, name_of, percent
from residua.settings.initial_bundle import initial_bundles_of
from residua.settings.study import Study
from residua.statistics.cases import positive


@dataclass(frozen=True)
class Answer:
    """What a run knows of an item, and what is left to its authors; nothing known: the item is theirs."""

    known: str
    left: str = ""


@dataclass(frozen=True)
class Run:
    """What the answers are read from."""

    study: Study
    labels: Mapping[str, str]
    cohort: CohortFacts
    cases: pd.DataFrame
    statistics: Mapping[str, pd.DataFrame]
    passages: tuple[Passage, ...]
    quality: tuple[str, ...]
    tables: Collection[str]

    @property
    def networks(self) -> str:
        """The names of the networks."""
        return listed([self.labels.get(arch, arch) for arch in self.study.archs])

    @property
    def raters(self) -> int:
        """The number of raters."""
        compared = self.statistics.get("raters")
        return 0 if compared is None else int(compared.loc[compared["kind"] == "rater", "against"].nunique())


def answers(run: Run) -> dict[str, Answer]:
    """Return all answers by key, with citations spelled out."""
    parts = (_of_the_study, _of_patients, _of_models, _of_results, _of_certainty, _of_authors)
    found = {key: answer for part in parts for key, answer in part(run).items()}
    return {key: replace(answer, known=spelled_out(answer.known).strip()) for key, answer in found.items()}


def _of_the_study(run: Run) -> dict[str, Answer]:
    number = len(run.study.archs) * len(run.study.inputs)
    goal = (
        f"Development of {counted(number, 'model')} ({run.networks}; input configurations "
        f"{listed(list(run.study.inputs))}) for residual glioblastoma on early post-operative MRI, and their test on "
        "the hold-out."
    )
    return {
        "technology": Answer(
            f"Deep learning ({run.networks}) segments residual glioblastoma and classifies patients into residual "
            "tumour and gross total resection.",
            "the title",
        ),
        "abstract": Answer(
            abstract(run.study, run.cohort, run.cases, run.labels), "the abstract, after the journal's form"
        ),
        "goal": Answer(goal, "aims and hypotheses in the authors' words"),
        "software": Answer(" ".join(_passage(run, "Software and reporting").paragraphs[:-1])),
        "details": Answer(
            "methods.md describes every step with its settings; the report holds digests of the configuration, the "
            "code, the environments and the models.",
            "the protocol, if there is one",
        ),
        "availability": Answer(
            "Trained models can be packed as bundles. "
            + (f"Their licence: {run.study.sharing.licence}." if run.study.sharing.licence else ""),
            "where models, code and data are found",
        ),
    }


def _of_patients(run: Run) -> dict[str, Answer]:
    cohort = run.cohort
    excluded = "; ".join(f"{reason}: {number}" for reason, number in cohort.exclusions)
    who = f"{cohort.scans} of {counted(cohort.hospitals, 'hospital')}"
    by_input = eligibility(run.study.eligibility, run.cases)
    return {
        "sources": Answer(f"{who}.", "where and when the data were collected"),
        "setting": Answer(f"{counted(cohort.hospitals, 'hospital')}.", "the setting and the place of each"),
        "eligibility": Answer(f"{_text(run, 'Design')} {by_input}", "how patients were identified"),
        "subsets": Answer(by_input),
        "missing": Answer(
            f"{by_input} A patient without a needed image or mask is excluded, with the reason; no image is imputed."
            + (" Networks that do without channels see zeros in their place." if run.study.channel_dropout else "")
        ),
        "flow": Answer(
            f"{who} took part; {counted(sum(number for _, number in cohort.exclusions), 'patient')} excluded"
            f"{f' ({excluded})' if excluded else ''}."
        ),
        "characteristics": _characteristics(run),
        "partitions": Answer(_text(run, "From probabilities to masks", 0)),
        "disjoint": Answer(
            f"Training, validation and hold-out have no {cohort.unit} in common."
            if cohort.proven
            else f"A {cohort.unit} is on two sides of the split.",
        ),
        "preprocessing": Answer(" ".join((_text(run, "Registration and brain masks"), *run.quality))),
        "acquisition": Answer(
            "The table of baseline characteristics shows what the cohort table says of scanners."
            if "baseline" in run.tables
            else "",
            "scanners, field strengths and parameters of the sequences",
        ),
        "events": Answer(_events(run)),
        "imbalance": Answer(
            "No weight by class in the choice of patients; losses and the choice of thresholds are described in the "
            "methods. " + _events(run)
        ),
    }


def _characteristics(run: Run) -> Answer:
    if "baseline" in run.tables:
        return Answer("Characteristics of the patients in folds and hold-out are tabulated.")
    return Answer("Patients, residual tumour and resections are tabulated by hospital and fold.", "age, sex and others")


def _of_models(run: Run) -> dict[str, Answer]:
    by_network = " ".join(_text(run, run.labels.get(arch, arch)) for arch in run.study.archs)
    threshold = _text(run, "From probabilities to masks", -1)
    chosen = next(text for text in _passage(run, "Statistics").paragraphs if text.startswith("Best input"))
    ensemble = _text(run, "From probabilities to masks", 1)
    early = [
        run.labels.get(arch, arch)
        for arch in run.study.archs
        if run.study.settings_of(arch).early_stopping_on_validation
    ]
    stopped = f" The validation fold also ended the training of {listed(early)}." if early else ""
    inputs = "; ".join(f"{name}: {channels}" for name, channels in _passage(run, "Input configurations").terms)
    return {
        "model": Answer(by_network),
        "training": Answer(by_network),
        "initialization": Answer("; ".join(_start(run, arch) for arch in run.study.archs) + "."),
        "inputs": Answer(f"Input configurations: {inputs}.", "why these sequences were chosen"),
        "predictor_assessors": Answer(
            "Images are read by the networks alone; masks among the channels were drawn by hand."
            if set(run.study.labels) & set(run.study.channels)
            else "Nobody: images are read by the networks alone."
        ),
        "selection": Answer(f"{threshold}{stopped} {chosen}"),
        "ensemble": Answer(ensemble),
        "output": Answer(f"A probability of tumour for each voxel. {threshold}"),
        "specification": Answer(
            "Each ensemble can be packed as one file with all that its use needs.", "where the models are found"
        ),
        "updating": Answer("No model was updated after its evaluation."),
        "explanation": Answer("Predictions were not explained: no such method was part of the run."),
        "poor_input": Answer(
            "A scan whose registration or brain mask fails is reported and not segmented.", "what users should do then"
        ),
    }


def _of_results(run: Run) -> dict[str, Answer]:
    classification = run.study.classification
    outcome = (
        f"Residual tumour is a volume of at least {classification.residual_tumor_ml:g} ml; below is gross total "
        "resection."
    )
    internal = f"{counted(run.cohort.in_folds, 'patient')} in {counted(run.cohort.folds, 'fold')}, out of fold."
    held_out = f"{counted(run.cohort.held_out, 'patient')} ({run.cohort.holdout})"
    external = (
        f"{held_out}, of hospitals that no training saw."
        if run.cohort.unit == "hospital"
        else f"None: the hold-out, {held_out}, is of the same hospitals."
    )
    return {
        "outcome": Answer(outcome),
        "measures": Answer(
            f"{_text(run, 'Measures')} {'; '.join(name for name, _ in _passage(run, 'Measures').terms)}."
        ),
        "internal": Answer(internal),
        "external": Answer(external),
        "performance": Answer(_performance(run)),
        "diagnosis": Answer(_diagnosis(run)),
    }


def _of_certainty(run: Run) -> dict[str, Answer]:
    asked = run.study.statistics.subgroups
    groups = (
        f" Networks are judged in subgroups, where the cohort table knows them: {listed(list(map(name_of, asked)))}."
    )
    groups = groups if asked else ""
    compared = listed(run.study.conventions)
    conventions = f" So are conventions of evaluation: {compared}." if compared else ""
    matrices = " The confusion matrices show them of every model." if "confusion" in run.study.figures.further else ""
    shown = " Pages beside the report show the worst cases of each kind." if run.study.report.cases else ""
    return {
        "uncertainty": Answer(_text(run, "Statistics", 1)),
        "robustness": Answer(
            f"Thresholds and input configurations chosen without the fold that is judged are compared.{conventions}"
        ),
        "clusters": Answer(
            f"Intervals of paired differences draw hospitals first, then patients within.{groups}",
            "" if asked else "differences between groups of patients",
        ),
        "fairness": Answer(
            groups.strip() if {"sex", "age"} & set(asked) else "", "what was done for fairness, and why"
        ),
        "failures": Answer(f"{_failures(run)}{matrices}{shown}", "what the failures have in common"),
        "limitations": Answer("The report lists deviations and cautions of its findings.", "limitations of the study"),
        "sample_size": Answer(
            f"The hold-out has {counted(run.cohort.held_out, 'patient')}; the findings say which differences it could "
            "have shown.",
            "how the size was determined",
        ),
    }


def _of_authors(run: Run) -> dict[str, Answer]:
    rated = Answer(
        f"{counted(run.raters, 'rater')} segmented held-out patients; networks and raters are compared."
        if run.raters
        else "",
        "variability within raters",
    )
    on = "The reference standard is the manual segmentation of residual tumour on the reference scan."
    return {
        "reference": Answer(on, "how it was drawn"),
        "annotators": Answer(""),
        "test_annotation": Answer(""),
        "deidentification": Answer(""),
        "variability": rated,
    }


def _start(run: Run, arch: str) -> str:
    settings = run.study.settings_of(arch)
    given = getattr(settings, "initial_weights", None)
    otherwise = f"trained weights, except for {given.at_random}" if given else settings.start_in_words
    bundles = ", ".join(initial_bundles_of(settings))
    fine_tuned = f"the models of a bundle for inputs {bundles}, else " if bundles else ""
    return f"{run.labels.get(arch, arch)} starts from {fine_tuned}{otherwise}"


def _passage(run: Run, heading: str) -> Passage:
    return next(passage for passage in run.passages if passage.heading == heading)


def _text(run: Run, heading: str, which: int | None = None) -> str:
    paragraphs = _passage(run, heading).paragraphs
    return " ".join(paragraphs) if which is None else paragraphs[which]


def _events(run: Run) -> str:
    """Count residual tumours by part, over the patients of any model."""
    patients = run.cases.drop_duplicates("patient")
    numbers = []
    for split, name in (("validation", "in folds"), ("test", "held out")):
        part = patients[patients["split"] == split]
        numbers.append(f"{len(positive(part, run.study.classification))} of {counted(len(part), 'patient')} {name}")
    return f"Residual tumour: {' and '.join(numbers)}."


def _performance(run: Run) -> str:
    words = []
    for model in best_models(run.cases, run.study, "segmentation", run.labels):
        dice = dice_of_positive(model, run.cases, "test", run.study)
        if len(dice):
            words.append(f"{model.name} {percent(dice.mean())} (n = {len(dice)})")
    return f"Mean Dice on the hold-out: {listed(words)}." if words else "No held-out patient has residual tumour."


def _diagnosis(run: Run) -> str:
    words = [
        f"{model.name} TP {counts.tp}, FN {counts.fn}, FP {counts.fp}, TN {counts.tn}"
        for model, counts in outcomes_of_best(run.cases, run.study, run.labels)
    ]
    return f"Hold-out, residual tumour: {'; '.join(words)}."


def _failures(run: Run) -> str:
    """Count the missed residual tumours and the false alarms, as Table 4 and the confusion matrices decide them."""
    words = []
    for model, counts in outcomes_of_best(run.cases, run.study, run.labels):
        missed = f"{counts.fn} of {counted(counts.tp + counts.fn, 'residual tumour')}"
        alarms = f"{counts.fp} of {counted(counts.fp + counts.tn, 'gross total resection')}"
        words.append(f"{model.name} misses {missed} and raises false alarms in {alarms}")
    return f"Hold-out: {'; '.join(words)}."
