"""The report: what it says of a run, and what it must never say or load."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cohort_tables import PUBLISHED, ROOT
from residua.cohort.split.split import Split
from residua.errors import DamagedStageError
from residua.publishing.publish import stage, write_json, write_text
from residua.quality.flags import write_flags
from residua.raters.compare import compare_raters
from residua.raters.paired import paired_raters
from residua.raters.ranks import rater_ranks
from residua.report import provenance
from residua.report.article_settings import ARTICLE_SETTINGS, differing
from residua.report.beside import beside_the_article, same_inputs
from residua.report.build import Making, Sources, write_report
from residua.report.cohort import cohort_facts, eligibility, is_the_articles_cohort
from residua.report.deviations import DEVIATIONS, applying
from residua.report.facts import Model, classification_of
from residua.report.findings import conservative, t1w_gain
from residua.report.methods import methods
from residua.report.pins import pins_of
from residua.report.significance import significance
from residua.resection.patients import judged
from residua.resection.summary import confusion, resections
from residua.settings.study import Study, load_study
from residua.statistics.between_hospitals import between_hospitals
from residua.statistics.compare_architectures import compare_architectures
from residua.statistics.compare_inputs import compare_inputs
from residua.statistics.covariates import subgroups_of
from residua.statistics.intervals import intervals
from residua.statistics.nested import Candidates, nested_estimates
from residua.statistics.overlaps import overlaps
from residua.statistics.paired_classification import areas, paired_classification
from residua.statistics.paired_dice import friedman_of_inputs, paired_dice
from residua.statistics.subgroup_tests import subgroup_tests
from residua.statistics.subgroups import judged_models, subgroups
from residua.tables.html import to_html
from residua.tables.render import Table
from residua.tables.supplement import supplementary_table
from residua.tables.table2 import split_table
from residua.tables.table3 import table3
from residua.tables.table4 import table4

BRAIN_MASKS = {
    "deepbet": "deepbet",
    "hd-bet": "HD-BET",
    "agunet": "weights of the study's own",
    "raidionics": "the authors' published network",
    "template": "MNI152",
    "stripped": "stripped elsewhere",
    "given": "cohort table",
}
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}
HOSPITALS = {"STO": 4, "GOT": 4, "PAR": 4, "AMS": 6}
PATIENTS_PAGES = "../quality/index.html"
FILES_BESIDE = ("methods.md", "references.bib", "claim.md", "tripod_ai.md", "cases/index.html")
"""What names patients stays out of the report, which links to it."""
VOID_PNG = bytes.fromhex("89504e470d0a1a0a")


def study_of(archs: tuple[str, ...] = ("nnunet", "agunet"), **changes: Any) -> Study:
    small = {"folds": {0: ["STO"], 1: ["GOT", "PAR"]}, "holdout": ["AMS"], "archs": list(archs)}
    return load_study({**PUBLISHED, **small, **changes})


FROM_RANDOM = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"], "init": "none"}}
"""The networks of a study without scans before surgery."""


def choosing(inputs: str) -> dict[str, Any]:
    """The published statistics with one choice for every experiment and network."""
    best = {name: dict.fromkeys(LABELS, inputs) for name in ("segmentation", "classification", "raters")}
    return {**PUBLISHED["statistics"], "best_inputs": best}


def cases_of(study: Study, seed: int = 1) -> pd.DataFrame:
    """Measurements that look like a run's; every third patient has no residual tumour."""
    rng = np.random.default_rng(seed)
    rows = []
    for arch in study.archs:
        for number, inputs in enumerate(study.inputs):
            for hospital, size in HOSPITALS.items():
                held = hospital == "AMS"
                for i in range(size):
                    reference = 0.0 if i % 3 == 2 else 1.0 + i
                    predicted = max(0.0, reference + float(rng.normal(0, 0.6)))
                    dice = float(np.clip(rng.normal(0.4 + 0.05 * number, 0.1), 0, 1)) if reference else 0.0
                    rows.append(
                        {
                            "arch": arch,
                            "inputs": inputs,
                            "split": "test" if held else "validation",
                            "fold": None if held else int(hospital != "STO"),
                            "patient": f"{hospital}00{i}",
                            "hospital": hospital,
                            "dice": dice,
                            "jaccard": dice / (2 - dice),
                            "precision": 0.5,
                            "recall": 0.5,
                            "hd95_mm": 10.0,
                            "assd_mm": 2.0,
                            "reference_ml": reference,
                            "predicted_ml": predicted,
                            "absolute_volume_error_ml": abs(predicted - reference),
                        }
                    )
    return pd.DataFrame(rows).astype({"fold": "Int64"})


def split_of() -> dict[str, Any]:
    patients = {h: tuple(f"{h}00{i}" for i in range(n)) for h, n in HOSPITALS.items()}
    return Split(
        folds={0: patients["STO"], 1: (*patients["GOT"], *patients["PAR"])},
        holdout=patients["AMS"],
        excluded={"PAR900": "no <FLAIR>", "PAR901": "no <FLAIR>", "GOT900": "withdrawn"},
        hospitals={patient: hospital for hospital, members in patients.items() for patient in members},
    ).to_json()


def scores_of(study: Study) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = []
    for reference, other in (("reference_standard", "consensus"), ("consensus", "reference_standard")):
        scorers = [(f"xq{kind}{i}", kind, None) for kind in ("novice", "expert") for i in (1, 2)]
        scorers += [(arch, "model", "B") for arch in study.archs]
        scorers += [(other, "reference", None)]
        for patient in range(6):
            for scorer, kind, inputs in scorers:
                rows.append(
                    {
                        "patient": f"AMS00{patient}",
                        "reference": reference,
                        "scorer": scorer,
                        "kind": kind,
                        "inputs": inputs,
                        "reference_ml": 1.0,
                        "positive": patient % 3 != 2,
                        "jaccard": float(rng.uniform(0.2, 0.8)),
                    }
                )
    return pd.DataFrame(rows)


_KNOWN: dict[tuple[str, bool, int], dict[str, pd.DataFrame]] = {}
"""Statistics by study, whether it was rated, and seed: they take seconds, and most tests ask for the same."""


def known_statistics(study: Study, rated: bool, seed: int) -> dict[str, pd.DataFrame]:
    """The statistics of a run's measurements; do not change them."""
    key = (study.model_copy(update={"title": ""}).model_dump_json(), rated, seed)
    if key not in _KNOWN:
        _KNOWN[key] = statistics_of(study, cases_of(study, seed), rated)
    return _KNOWN[key]


def statistics_of(study: Study, cases: pd.DataFrame, rated: bool) -> dict[str, pd.DataFrame]:
    alpha, classification = study.statistics.alpha, study.classification
    between = intervals(cases, classification, study.statistics.model_copy(update={"bootstrap_resamples": 200}))
    frames = {
        "inputs": compare_inputs(cases, classification, alpha),
        "architectures": compare_architectures(cases, study.statistics.best_inputs.segmentation, classification, alpha),
        "intervals": between,
        "overlaps": overlaps(between),
    }
    frames |= resections_of(study, cases) | paired_of(study, cases) | {"nested": nested_of(study, cases)}
    frames |= subgroups_in(study, cases)
    if not rated:
        return frames
    scores = scores_of(study)
    few = study.statistics.model_copy(update={"bootstrap_resamples": 100})
    frames["rater_ranks"] = rater_ranks(scores, {}, few)
    return {
        **frames,
        "raters": compare_raters(scores, {}, alpha),
        "paired_raters": paired_raters(scores, {}, study.statistics),
    }


def nested_of(study: Study, cases: pd.DataFrame) -> pd.DataFrame:
    """The estimates for one candidate threshold."""
    validation = cases[cases["split"] == "validation"].assign(threshold=0.5)
    by_model = validation.groupby(["arch", "inputs"], sort=False)
    models = {(str(a), str(i)): Candidates(rows, 0.5, {0: 0.5, 1: 0.5}) for (a, i), rows in by_model}
    choices = {experiment: study.choices(experiment) for experiment in ("segmentation", "classification")}
    return nested_estimates(models, choices, study.classification)


def subgroups_in(study: Study, cases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every second patient is a woman; nothing else is known."""
    few = study.statistics.model_copy(update={"bootstrap_resamples": 100, "least_in_subgroup": 2})
    known = {patient: {"sex": "FM"[n % 2]} for n, patient in enumerate(cases["patient"].unique())}
    choices = {experiment: study.choices(experiment) for experiment in ("segmentation", "classification")}
    models = judged_models(cases, choices, study.classification)
    groups = subgroups_of(cases, known, study.classification, few)
    return {
        "subgroups": subgroups(models, groups, study.classification, few),
        "subgroup_tests": subgroup_tests(models, groups, study.classification, few),
        "between_hospitals": between_hospitals(models, study.classification, few),
    }


def paired_of(study: Study, cases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    few = study.statistics.model_copy(update={"bootstrap_resamples": 100})
    return {
        "paired_dice": paired_dice(cases, study.choices("segmentation"), study.classification, few),
        "paired_friedman": friedman_of_inputs(cases, study.classification, few.alpha),
        "paired_classification": paired_classification(
            cases, study.choices("classification"), study.classification, few
        ),
        "paired_auroc": areas(cases, study.classification, few.alpha),
    }


def resections_of(study: Study, cases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What is known of resections, with a tumour of 20 ml before surgery in every patient."""
    patients = judged(cases[cases["inputs"] == "B"], dict.fromkeys(cases["patient"], 20.0), {})
    few = study.statistics.model_copy(update={"bootstrap_resamples": 50})
    return {
        "resection": resections(patients, study.classification.residual_tumor_ml, few),
        "rano": confusion(patients),
    }


def threshold_record() -> dict[str, Any]:
    candidates = [
        {"threshold": t, "score": s, "mean_dice_of_detected": 0.5, "f1": 0.8, "detected": 4, "patients": 8, "note": ""}
        for t, s in ((0.3, 0.60), (0.5, 0.65))
    ]
    nested = {**candidates[0], "score": 0.625}
    chosen = {"candidates": candidates, "nested": {"0": 0.3, "1": 0.5}, "nested_performance": nested}
    caution = "the best is the highest candidate"
    other = {**chosen, "threshold": 0.3, "caution": ""}
    return {
        **{"rule": "volume_f1", "threshold": 0.5, "caution": caution},
        **{**chosen, "other_rules": {"authors": other}},
    }


def make_run(folder: Path, study: Study, rated: bool = True, seed: int = 1) -> tuple[Sources, Making]:
    """The files that the report reads, of a run that never was."""
    cases = cases_of(study, seed)
    write_json(folder / "folds.json", split_of())
    metrics = []
    for (arch, inputs), rows in cases.groupby(["arch", "inputs"], sort=False):
        metrics.append(folder / f"metrics-{arch}-{inputs}.parquet")
        rows.to_parquet(metrics[-1])
    files = {}
    for name, frame in known_statistics(study, rated, seed).items():
        files[name] = folder / f"{name}.parquet"
        frame.to_parquet(files[name])
    made = {
        "table1": Table(pd.DataFrame({"Hospital": ["Patients"], "STO": [4]}), "Table 1."),
        "table2": split_table(split_of()),
        "table3": table3(cases, study.classification, study.statistics, LABELS),
        "table4": table4(cases, study.classification, study.statistics, LABELS),
    }
    for name, source in (("tukey", "inputs"), *((n, n) for n in files if n != "inputs")):
        made[name] = supplementary_table(name, str(files[source]), LABELS, study.statistics)
    for name, table in made.items():
        write_text(folder / f"{name}.html", to_html(table))
    figures = ("figure1", "figure3", "resection", "hospitals", "subgroups", *(["figure4"] if rated else []))
    for name in figures:
        (folder / f"{name}.png").write_bytes(VOID_PNG)
        write_text(folder / f"{name}.txt", f"The caption of {name}, n = 4 <b>.\n")
    models, choices = {}, {}
    for arch in study.archs:
        for inputs in study.inputs:
            choices[arch, inputs] = str(folder / f"threshold-{arch}-{inputs}.json")
            write_json(choices[arch, inputs], threshold_record())
            for fold in study.folds:
                models[arch, inputs, fold] = str(folder / f"model-{arch}-{inputs}-{fold}" / "manifest.json")
                with stage(models[arch, inputs, fold]) as part:
                    write_text(part / "curve.jsonl", "{}\n" * (10 + fold))
    write_flags([], folder / "flags.tsv")
    sources = Sources(
        folds=str(folder / "folds.json"),
        tables={name: str(folder / f"{name}.html") for name in made},
        figures={name: (str(folder / f"{name}.png"), str(folder / f"{name}.txt")) for name in figures},
        metrics=[str(file) for file in metrics],
        statistics={name: str(file) for name, file in files.items()},
        thresholds=choices,
        models=models,
        flags=str(folder / "flags.tsv"),
    )
    making = Making(
        study=study.model_copy(update={"cohort": "cohort table", "raters": None}),
        labels=LABELS,
        stages={"register": "0123456789abcdef"},
        environments={"core": {"digest": "fedcba9876543210", "packages": {"numpy": "2.3.5"}}},
    )
    return sources, making


def page_of(folder: Path, study: Study, rated: bool = True, seed: int = 1) -> str:
    sources, making = make_run(folder, study, rated, seed)
    write_report(sources, making, folder / "index.html")
    return (folder / "index.html").read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Collects what the tests look at: tags with attributes, headings, and the text that a reader sees."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(tmp_path_factory.mktemp("run"), study_of())


def test_the_page_is_well_formed_and_loads_no_other_file(page: str) -> None:
    found = Reader(page)
    assert found.open == []
    assert not found.of("script")
    assert not found.of("link")
    assert not found.of("iframe")
    loaded = [value for _, attributes in found.tags for name, value in attributes.items() if name in ("src", "href")]
    needed = [value for value in loaded if value not in (PATIENTS_PAGES, *FILES_BESIDE)]
    assert all(loaded.count(file) == 1 for file in (PATIENTS_PAGES, *FILES_BESIDE))
    assert needed
    assert all(value is not None and value.startswith(("data:image/png;base64,", "#")) for value in needed)
    assert "url(" not in page
    assert "@import" not in page
    assert "http:" not in page
    assert "https:" not in page


def test_the_page_names_no_patient_and_no_path(tmp_path: Path) -> None:
    sources, making = make_run(tmp_path, study_of())
    write_report(sources, making, tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "AMS" in page
    assert not re.search(r"\b(STO|GOT|PAR|AMS)\d+", page)
    assert str(ROOT) not in page
    assert str(tmp_path) not in page
    assert "cohort.tsv" not in page
    assert "Novice 1" in page
    assert "xq" not in page


def test_equal_runs_give_equal_pages(tmp_path: Path) -> None:
    pages = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _KNOWN.clear()
        pages.append(page_of(tmp_path / name, study_of()))
    assert pages[0] == pages[1]


def test_headings_are_in_order_and_links_lead_somewhere(page: str) -> None:
    found = Reader(page)
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    names = {attributes.get("id") for _, attributes in found.tags}
    within = [str(link["href"]) for link in found.of("a") if link["href"] not in (PATIENTS_PAGES, *FILES_BESIDE)]
    assert all(link.removeprefix("#") in names for link in within)


def test_pictures_have_their_caption_as_alt_text_and_table_heads_have_a_scope(page: str) -> None:
    found = Reader(page)
    assert [image["alt"] for image in found.of("img")] == [
        f"The caption of {name}, n = 4 <b>."
        for name in ("figure1", "figure3", "resection", "hospitals", "subgroups", "figure4")
    ]
    assert all(head.get("scope") in ("col", "row") for head in found.of("th"))


def test_the_page_says_that_subgroups_are_exploratory_and_which_nothing_is_known_of(page: str) -> None:
    text = Reader(page).text
    assert "Not in the article, and exploratory: the study was not made to find differences" in text
    assert "Do the networks do alike in all subgroups?" in text
    assert "nnU-Net B, hold-out: how far hospitals differ is not estimable: one hospital only" in text
    assert "nnU-Net B, out-of-fold, 3 hospitals: mean Dice over hospitals" in text
    asked = "Dice of nnU-Net B minus AGU-Net B, hold-out, is not shown to depend on any covariate; 1 tested"
    assert asked in text
    absent = "Without subgroups, not in the cohort table: manufacturer, field strength, slice thickness, age"
    assert f"{absent}, annotation quality and image quality." in text


def test_the_page_says_where_networks_rank_and_where_that_is_unknown(page: str) -> None:
    text = Reader(page).text
    assert "Where do the networks rank among the raters?" in text
    assert re.search(r"nnU-Net B, consensus, 4 patients: mean rank \d\.\d of 5\.0 \(95 % interval", text)
    nobody = "no patient was segmented by two raters, so that no other rater votes"
    assert f"nnU-Net B, consensus of the other raters: the rank is not estimable: {nobody}." in text


def test_a_study_without_subgroups_has_no_section_of_them(tmp_path: Path) -> None:
    sources, making = make_run(tmp_path, study_of())
    for kept in (sources.tables, sources.statistics, sources.figures):
        for name in ("subgroups", "subgroup_tests", "between_hospitals", "hospitals"):
            kept.pop(name, None)  # type: ignore[attr-defined]
    write_report(sources, making, tmp_path / "index.html")
    text = Reader((tmp_path / "index.html").read_text(encoding="utf-8")).text
    assert "ubgroup" not in text.split("Settings")[0]
    assert "exploratory" not in text


def test_the_users_words_are_escaped(tmp_path: Path) -> None:
    study = study_of(title="<script>alert(1)</script> & co")
    found = Reader(page_of(tmp_path, study))
    assert not found.of("script")
    assert "<script>alert(1)</script> & co" in found.text
    assert "no <FLAIR>" in found.text


def test_the_page_shows_the_cohort_its_exclusions_and_the_proof_of_the_split(page: str) -> None:
    text = Reader(page).text
    assert "18 patients of 4 hospitals took part: 12 in 2 folds of whole hospitals, and 6 in the hold-out" in text
    assert "(AMS). 3 patients were excluded." in text
    assert "no <FLAIR> 2 withdrawn 1" in text
    assert "0 GOT, PAR STO AMS none" in text


def test_a_reason_of_the_table_names_no_patient() -> None:
    record = split_of()
    record["excluded"] = {"PAR900": "same scan as STO001", "PAR901": "same scan as PAR900"}
    assert cohort_facts(record).exclusions == (("same scan as a patient", 2),)


def test_eligibility_counts_the_patients_of_each_input_configuration(page: str) -> None:
    assert "All input configurations have the same patients: those with every sequence" in Reader(page).text
    cases = cases_of(study_of(inputs={"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}, statistics=choosing("A")))
    assert "Eligibility is decided for each input configuration; in this run all have the same" in eligibility(
        "per_inputs", cases
    )
    fewer = cases[(cases["inputs"] != "B") | ~cases["patient"].isin(["STO000", "AMS000", "AMS001"])]
    said = eligibility("per_inputs", fewer)
    assert "A 18 (12 in folds, 6 held out) and B 15 (11 in folds, 4 held out)" in said
    assert "not of the same patients" in said


def test_a_split_with_a_hospital_on_two_sides_is_not_called_proven() -> None:
    record = split_of()
    record["folds"]["0"].append("AMS900")
    record["hospitals"]["AMS900"] = "AMS"
    facts = cohort_facts(record)
    assert not facts.proven
    assert facts.proof[0].overlap == "AMS"
    assert "not independent" in facts.sentences[1]


def test_a_run_of_one_network_without_raters_has_its_page_too(tmp_path: Path) -> None:
    found = Reader(page_of(tmp_path, study_of(archs=("nnunet",)), rated=False))
    assert len(found.of("img")) == 5
    assert "This run has one network, so there is nothing to compare it with." in found.text
    assert "AGU-Net" not in found.text.split("Deviations")[0]
    assert "Novice" not in found.text
    assert "Raters and networks" not in found.text


def test_a_run_without_a_positive_holdout_patient_says_so(tmp_path: Path) -> None:
    study = study_of()
    sources, making = make_run(tmp_path, study)
    for file in sources.metrics:
        rows = pd.read_parquet(file)
        rows.loc[rows["split"] == "test", ["reference_ml", "dice"]] = 0.0
        rows.to_parquet(file)
    write_report(sources, making, tmp_path / "index.html")
    text = Reader((tmp_path / "index.html").read_text(encoding="utf-8")).text
    assert "No patient of the hold-out has residual tumour" in text
    assert "no hold-out patient has residual tumour, so there is no Dice to compare" in text
    assert "nan" not in re.findall(r"[a-z]+", text.lower())


def test_the_page_shows_epochs_thresholds_and_digests(page: str) -> None:
    text = Reader(page).text
    assert "nnU-Net A 10, 11 " in text
    # Chosen 0.5 at 65 %, 62.5 % with each fold at the threshold of the others.
    assert "nnU-Net A 0.5 65.00 0.3, 0.5 62.50 +2.50 0.3 60.00 the best is the highest candidate" in text
    assert "so that a false alarm after gross total resection lowers it; in percent" in text
    assert "another rule would choose (the authors' code)" in text.replace("’", "'")
    assert "0123456789abcdef" in text
    assert "fedcba9876543210" in text
    assert "numpy 2.3.5" in text


def test_a_damaged_curve_is_refused(tmp_path: Path) -> None:
    sources, making = make_run(tmp_path, study_of())
    (Path(next(iter(sources.models.values()))).parent / "curve.jsonl").write_text("{}\n")
    with pytest.raises(DamagedStageError, match="missing or changed"):
        write_report(sources, making, tmp_path / "index.html")


def two_models(**dice: tuple[float, float]) -> pd.DataFrame:
    """Two hold-out patients with residual tumour and their Dice by inputs."""
    rows = [
        {"arch": "nnunet", "inputs": inputs, "split": split, "fold": 0, "patient": f"P{i}", "dice": value,
         "reference_ml": 1.0, "predicted_ml": 1.0}
        for inputs, values in dice.items()
        for split in ("test", "validation")
        for i, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def no_test(significant: bool | None, note: str = "") -> pd.DataFrame:
    row = {"arch": "nnunet", "inputs_1": "A", "inputs_2": "B", "n_1": 2, "n_2": 1, "mean_difference": -0.25}
    return pd.DataFrame([{**row, "significant": significant, "p_value": 0.25, "note": note}])


def test_the_gain_of_t1w_is_paired_signed_and_tested() -> None:
    study = study_of(archs=("nnunet",))
    found = t1w_gain(two_models(A=(0.2, 0.5), B=(0.6, 0.4)), study, LABELS, no_test(False))
    assert found is not None
    assert "(input configuration B against A)" in found.question
    assert found.sentences[0] == "In this run mean Dice is higher with B than with A, for every network and set."
    assert (
        "nnU-Net, hold-out, n = 2 with residual tumour: mean Dice 50.0 % with B and 35.0 % with A, a difference of "
        "+15.0 percentage points; B is better in 1 of 2 patients." in found.sentences[1]
    )
    assert "does not find this difference significant (p = 0.2500)" in found.sentences[3]


@pytest.mark.parametrize(
    ("of_a", "of_b", "said"),
    [
        ((0.2, 0.2), (0.2, 0.2), "mean Dice is the same with B as with A, for every network and set."),
        ((0.2, 0.2), (0.2, 0.6), "mean Dice is higher with B than with A in some only."),
        ((0.2, 0.6), (0.2, 0.2), "mean Dice is lower with B than with A in some only."),
    ],
)
def test_no_gain_of_t1w_is_told_where_there_is_none(
    of_a: tuple[float, float], of_b: tuple[float, float], said: str
) -> None:
    """One patient in each set: the first is held out, the second validates."""
    cases = two_models(A=of_a, B=of_b)
    alone = cases[(cases["split"] == "validation") == (cases["patient"] == "P1")]
    found = t1w_gain(alone, study_of(archs=("nnunet",)), LABELS, no_test(False))
    assert found is not None
    assert found.sentences[0].endswith(said)


def test_the_gain_of_t1w_is_of_the_patients_that_have_both_configurations() -> None:
    study = study_of(archs=("nnunet",))
    cases = two_models(A=(0.2, 0.5), B=(0.6, 0.4))
    fewer = cases[(cases["inputs"] == "A") | (cases["patient"] != "P1")]
    found = t1w_gain(fewer, study, LABELS, no_test(False))
    assert found is not None
    assert "n = 1 with residual tumour: mean Dice 60.0 % with B and 20.0 % with A" in found.sentences[1]


def test_a_lower_a_significant_and_an_untested_difference_are_reported_as_such() -> None:
    study = study_of(archs=("nnunet",))
    cases = two_models(A=(0.6, 0.4), B=(0.2, 0.5))
    found = t1w_gain(cases, study, LABELS, no_test(True))
    assert found is not None
    assert "mean Dice is lower with B" in found.sentences[0]
    assert "−15.0 percentage points" in found.sentences[1]
    assert "finds this difference significant" in found.sentences[3]
    untested = t1w_gain(cases, study, LABELS, no_test(None, "one value only"))
    assert untested is not None
    assert untested.sentences[3].endswith("is not possible: one value only.")


def test_inputs_that_do_not_differ_by_t1w_alone_have_no_finding_about_t1w() -> None:
    study = study_of(
        archs=("nnunet",),
        inputs={"A": ["post_t1ce"], "C": ["post_t1ce", "post_t1", "post_flair"]},
        statistics=choosing("A"),
    )
    assert t1w_gain(two_models(A=(0.2, 0.5)), study, LABELS, no_test(False)) is None


def classified(nnunet: tuple[int, int, int, int], agunet: tuple[int, int, int, int]) -> pd.DataFrame:
    """Patients by outcome (TP, FN, FP, TN) of both networks with inputs B, on both sets."""
    rows = []
    for arch, counts in (("nnunet", nnunet), ("agunet", agunet)):
        volumes = [(1, 1)] * counts[0] + [(1, 0)] * counts[1] + [(0, 1)] * counts[2] + [(0, 0)] * counts[3]
        for split in ("test", "validation"):
            rows += [
                {"arch": arch, "inputs": "B", "split": split, "fold": 0, "patient": f"P{i}", "dice": 0.5,
                 "reference_ml": float(reference), "predicted_ml": float(predicted)}
                for i, (reference, predicted) in enumerate(volumes)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def said_of(nnunet: tuple[int, int, int, int], agunet: tuple[int, int, int, int]) -> str:
    study = study_of(statistics=choosing("B"))
    columns = ["split", "rate", "arch_1", "inputs_1", "arch_2", "inputs_2", "significant"]
    pair = ["test", "specificity", "nnunet", "B", "agunet", "B", True]
    overlap = pd.DataFrame([pair], columns=columns)
    return " ".join(conservative(classified(nnunet, agunet), study, LABELS, overlap).sentences)


def test_the_more_conservative_network_is_the_one_with_fewer_false_alarms_and_more_missed() -> None:
    said = said_of(nnunet=(40, 0, 20, 5), agunet=(30, 10, 5, 20))
    assert (
        "AGU-Net B, hold-out: sensitivity 75.0 % (30 of 40 with residual tumour), specificity 80.0 % (20 of 25" in said
    )
    assert "precision 85.7 % (30 of 35 predicted to have it)" in said
    assert "AGU-Net is the more conservative on the hold-out set: higher specificity and lower sensitivity" in said
    assert "The article finds the same." in said
    assert "Compared by their intervals: specificity significantly different." in said


def test_an_order_other_than_the_articles_names_the_articles_network() -> None:
    said = said_of(nnunet=(30, 10, 5, 20), agunet=(40, 0, 20, 5))
    assert "nnU-Net is the more conservative on the hold-out set" in said
    assert "In the article it is AGU-Net." in said
    assert "finds the same" not in said


def test_a_network_that_is_better_at_both_or_equal_is_not_called_conservative() -> None:
    better = said_of(nnunet=(40, 0, 5, 20), agunet=(30, 10, 20, 5))
    assert "neither is the more conservative: both rates are higher for nnU-Net than for AGU-Net" in better
    assert "both rates are the same" in said_of(nnunet=(30, 10, 5, 20), agunet=(30, 10, 5, 20))


def test_few_patients_and_a_missing_class_are_reported() -> None:
    few = said_of(nnunet=(4, 0, 1, 1), agunet=(2, 2, 0, 2))
    assert (
        "one patient with residual tumour changes sensitivity by 25 points and one patient without residual tumour "
        "changes specificity by 50 points." in few
    )
    assert "has patients of one class only" in said_of(nnunet=(4, 1, 0, 0), agunet=(2, 3, 0, 0))


def test_significant_pairs_are_named_and_untested_pairs_counted() -> None:
    pairs = [("A", "B", True), ("A", "C", False), ("B", "C", None)]
    inputs = pd.DataFrame([{"arch": "nnunet", "inputs_1": a, "inputs_2": b, "significant": s} for a, b, s in pairs])
    networks = pd.DataFrame(
        [{"arch_1": "nnunet", "inputs_1": "B", "arch_2": "agunet", "inputs_2": "C", "n_1": 5, "n_2": 5,
          "median_1": 0.5, "median_2": 0.25, "p_value": 0.00001, "significant": True, "note": ""}]
    )  # fmt: skip
    frames = {"inputs": inputs, "architectures": networks, "overlaps": pd.DataFrame(columns=["split", "rate"])}
    said = significance(frames, LABELS).sentences
    assert said[0].endswith("1 of 2 pairs differs significantly (1 more pair could not be compared): nnU-Net A and B.")
    assert "between nnU-Net B (median 50.0 %, n = 5) and AGU-Net C (median 25.0 %, n = 5), p < 0.0001." in said[1]


def test_raters_are_counted_by_the_direction_of_the_difference() -> None:
    def against(name: str, kind: str, significant: bool | None, u_statistic: float) -> dict[str, Any]:
        # Medians may be equal, as where both miss most patients, or opposed to what the test finds.
        return {"reference": "consensus", "arch": "nnunet", "inputs": "B", "against": name, "kind": kind,
                "n_model": 20, "n_other": 20, "median_model": 0.0, "median_other": 0.0, "u_statistic": u_statistic,
                "p_value": 0.01, "significant": significant}  # fmt: skip

    rows = [against("r1", "rater", True, 284.5), against("r2", "rater", True, 115.5)]
    rows += [against("r3", "rater", False, 210.0), against("novices", "group", True, 284.5)]
    rows += [against("all", "group", None, 210.0)]
    frames = {name: pd.DataFrame(columns=["split", "rate"]) for name in ("inputs", "architectures", "overlaps")}
    said = significance({**frames, "raters": pd.DataFrame(rows)}, LABELS).sentences[0]
    assert (
        "of 3 raters, significantly better than 1, significantly worse than 1 and not significantly different from 1"
        in said
    )
    assert "better than the novices (p = 0.0100) and not comparable with all raters" in said
    assert "r1" not in said


def test_the_articles_rows_are_shown_for_configurations_with_the_same_channels() -> None:
    study = study_of(inputs={"X": ["post_t1", "post_t1ce"], "Y": ["post_t1ce", "pre_t1ce"]}, statistics=choosing("X"))
    assert same_inputs(study) == {"X": "B"}
    first, second = beside_the_article(cases_of(study), study, LABELS)
    published = first.frame[(first.frame["Source"] == "preprint") & (first.frame["Data"] == "Test")]
    assert published["DSC-P (%)"].tolist() == ["59.19±20.49", "43.76±27.61"]
    assert len(first.frame) == len(second.frame) == 8
    assert "first version" in first.caption
    specificity = second.frame[(second.frame["Source"] == "preprint") & (second.frame["Data"] == "Test")]
    assert specificity["Specificity (%)"].tolist() == ["45.45", "72.73"]


def test_another_cohort_comes_with_a_caution_and_the_articles_own_does_not(page: str) -> None:
    assert "These are not the article&#39;s patients" in page or "These are not the article's patients" in page
    published = {"HAG": 40, "MIL": 55, "ZWO": 51, "VIE": 45, "ALK": 23, "PAR": 41, "SFR": 108, "GRO": 43, "UTR": 53,
                 "AMS": 73, "STO": 237, "GOT": 187}  # fmt: skip
    assert is_the_articles_cohort(published)
    assert not is_the_articles_cohort({**published, "GOT": 186})


def test_the_published_configuration_states_the_articles_numbers() -> None:
    study = load_study(PUBLISHED)
    assert differing(study) == []
    assert {setting.key for setting in ARTICLE_SETTINGS} >= {"networks.nnunet.epochs", "statistics.alpha"}


def test_differing_settings_show_both_values_and_untrained_networks_show_none() -> None:
    networks = {**PUBLISHED["networks"], "nnunet": {**PUBLISHED["networks"]["nnunet"], "epochs": 5}}
    networks["agunet"] = {**networks["agunet"], "learning_rate": 0.5}
    study = study_of(archs=("nnunet",), networks=networks)
    found = {setting.key: (article, here) for setting, article, here in differing(study)}
    assert found["networks.nnunet.epochs"] == ("1000", "5")
    assert found["folds"][1] == "0: STO; 1: GOT, PAR"
    assert not any(key.startswith("networks.agunet") for key in found)


def test_deviations_follow_the_settings() -> None:
    weights = {"weights": "brain.safetensors", "weights_sha256": "b" * 64}
    for method, words in BRAIN_MASKS.items():
        study = study_of(brain_mask={"method": method, **(weights if method in ("agunet", "raidionics") else {})})
        (here,) = [deviation.here for deviation in applying(study) if deviation.what == "Brain masks"]
        assert words in here
        passages = " ".join(str(passage) for passage in methods(study, LABELS, rated=True, folds=2))
        assert "The brain mask of the" in passages
        assert "brain.safetensors" not in passages
        assert ("b" * 64 in passages) == (method in ("agunet", "raidionics"))
    packaged = study_of(brain_mask={"method": "agunet"})
    (here,) = [deviation.here for deviation in applying(packaged) if deviation.what == "Brain masks"]
    assert "trained on simulated heads" in here
    described = " ".join(str(passage) for passage in methods(packaged, LABELS, rated=True, folds=2))
    assert "trained on simulated heads; its weights come with Residua" in described
    one = {deviation.what for deviation in applying(study_of(archs=("nnunet",)))}
    assert "Software of nnU-Net" in one
    assert "Software of AGU-Net" not in one


def test_a_network_that_does_without_channels_is_a_deviation_and_is_described() -> None:
    def said(**changes: Any) -> tuple[bool, str]:
        study = study_of(**changes)
        passages = " ".join(str(passage) for passage in methods(study, LABELS, rated=True, folds=2))
        return "Missing channels" in {deviation.what for deviation in applying(study)}, passages

    assert not said()[0]
    left_out, passages = said(channel_dropout={"E": 0.25})
    assert left_out
    assert "With E, 25 % of the training samples lacked each channel but the reference." in passages
    assert "lacked each channel" not in said()[1]


def test_deviations_speak_of_a_registration_only_where_there_is_one() -> None:
    def said(**changes: Any) -> set[str]:
        registration = {**PUBLISHED["registration"], **changes}
        return {f"{d.what}: {d.here}" for d in applying(study_of(registration=registration)) if "egistration" in d.what}

    coarser = "Grid of the registration: optimised on images of a coarser spacing, applied on the reference grid"
    assert coarser in said()
    assert said(engine="none") == {"Registration: none: the images are assumed to be aligned"}
    assert coarser in said(transform="affine")
    own = {
        name: {**PUBLISHED["registration"][name], "working_spacing_mm": None}
        for name in ("within_session", "across_surgery")
    }
    assert coarser not in said(linear_spacing_mm=None, **own)
    assert coarser not in said(linear_spacing_mm=None, transform="affine")
    alone = study_of(
        networks=FROM_RANDOM,
        sequences={"reference": "post_t1ce", "moving": []},
        inputs={"A": ["post_t1ce"]},
        labels={"residual": "post_t1ce"},
        registration={**PUBLISHED["registration"], "resected": None},
        statistics=choosing("A"),
    )
    assert not any("egistration" in deviation.what for deviation in applying(alone))


def test_every_deviation_says_whether_it_could_change_a_conclusion() -> None:
    assert len({(deviation.what, deviation.here) for deviation in DEVIATIONS}) == len(DEVIATIONS)
    for deviation in DEVIATIONS:
        assert all((deviation.article, deviation.here, deviation.why, deviation.matters)), deviation.what
        assert deviation.matters.split(":")[0].split(",")[0].split()[0] in ("yes", "no", "unlikely", "possibly", "it")


def test_the_page_says_of_each_deviation_whether_it_could_change_a_conclusion(page: str) -> None:
    text = Reader(page).text
    assert "Why Could it change a conclusion?" in text
    assert "yes: it may raise specificity, and lower sensitivity, of a network with many false alarms" in text


@pytest.mark.parametrize(
    "what",
    [
        "Levels of nnU-Net",
        "Axes of nnU-Net's patch",
        "Crop of AGU-Net's input",
        "Augmentation of AGU-Net",
        "Normalisation of a label among AGU-Net's channels",
        "Weights kept of AGU-Net's training",
        "Accumulated gradients at the end of an epoch",
        "Random numbers of AGU-Net",
        "Storage of probabilities",
        "Patients whose scan does not fit in size",
        "DSC-TP",
        "Weight of a fold in pooled voxel-wise metrics",
    ],
)
def test_choices_that_the_article_leaves_open_are_listed_for_the_published_study(what: str) -> None:
    assert what in {deviation.what for deviation in applying(load_study(PUBLISHED))}


def test_what_is_no_deviation_is_not_listed() -> None:
    listed = {deviation.what for deviation in DEVIATIONS}
    assert not any("Spread" in what or "outside the brain" in what for what in listed)
    images_only = study_of(inputs={"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}, statistics=choosing("B"))
    assert not any("label among" in deviation.what for deviation in applying(images_only))
    assert any("label among" in deviation.what for deviation in applying(study_of()))


@pytest.mark.parametrize("rule", ["volume_f1", "authors"])
def test_the_rule_of_the_thresholds_is_described_as_what_it_is(rule: str) -> None:
    study = study_of(postprocessing={**PUBLISHED["postprocessing"], "rule": rule})
    (row,) = [row for row in applying(study) if row.what.startswith("Candidate thresholds")]
    assert ("not the rule of the authors' public code" in row.why) == (rule == "volume_f1")
    said = " ".join(str(passage) for passage in methods(study, LABELS, rated=False, folds=2))
    assert ("patients after gross total resection do not enter" in said) == (rule == "authors")


def test_public_weights_are_never_called_hidden() -> None:
    for deviation in DEVIATIONS:
        if "weights" in deviation.why and deviation.what in ("Brain masks", "Start of AGU-Net"):
            assert "are public" in deviation.why


def test_methods_show_the_settings_in_use_and_no_path() -> None:
    weights = {"file": "/secret/weights.safetensors", "sha256": "a" * 64}
    networks = {**PUBLISHED["networks"], "agunet": {**PUBLISHED["networks"]["agunet"]}}
    networks["agunet"] |= {"init": "file", "initial_weights": weights}
    networks["nnunet"] = {**networks["nnunet"], "epochs": 7}
    passages = methods(study_of(networks=networks), LABELS, rated=True, folds=2)
    said = " ".join(str(passage) for passage in passages)
    assert "for 7 epochs" in said
    assert "a" * 64 in said
    assert "secret" not in said
    assert "post-operative T1w" in said
    assert "Raters and networks" in said
    assert "Raters and networks" not in str(methods(study_of(), LABELS, rated=False, folds=2))


def test_the_digest_of_the_settings_is_of_the_study_and_not_of_the_place() -> None:
    here, there = study_of(), study_of(cohort="/data/cohort.tsv", raters="/data/raters.tsv")
    assert provenance.study_digest(here) == provenance.study_digest(there)
    assert provenance.study_digest(here) != provenance.study_digest(study_of(version=2))


def test_the_digest_of_an_environment_depends_on_pins_and_not_on_comments(tmp_path: Path) -> None:
    text = "dependencies:\n  - python=3.11\n  - pip:\n      - numpy==2.3.5\n      - tensorflow[and-cuda]==2.21.0\n"
    (tmp_path / "one.yaml").write_text(text)
    (tmp_path / "two.yaml").write_text("# a comment\n" + text)
    (tmp_path / "three.yaml").write_text(text.replace("2.3.5", "2.3.6"))
    one, two, three = (pins_of(tmp_path / f"{name}.yaml") for name in ("one", "two", "three"))
    assert one == two
    assert one["digest"] != three["digest"]
    assert one["packages"] == {"python": "3.11", "numpy": "2.3.5", "tensorflow": "2.21.0"}


def test_rates_of_a_set_are_those_of_its_patients_counted_together() -> None:
    cases = classified((3, 1, 1, 1), (3, 1, 1, 1))
    counts, found = classification_of(Model("nnunet", "B", "nnU-Net"), cases, "test", study_of())
    assert (counts.tp, counts.fn, counts.fp, counts.tn) == (3, 1, 1, 1)
    assert (found.recall, found.specificity) == (75.0, 50.0)


def test_a_network_without_a_curve_has_no_epochs(tmp_path: Path) -> None:
    manifest = tmp_path / "model" / "manifest.json"
    with stage(manifest) as part:
        write_text(part / "weights.txt", "")
    (model,) = provenance.trained_models({("nnunet", "A", 0): str(manifest)}, LABELS)
    assert model.epochs == "n/a"
    assert model.name == "nnU-Net A"


def test_resections_have_a_section_with_figure_and_tables(page: str) -> None:
    begin, end = page.index("<h3>Extent of resection</h3>\n<figure>"), page.index("<h3>Subgroups</h3>")
    section = page[begin:end]
    assert "The caption of resection" in section
    assert section.count("<table") == 2
    assert "Class by the reference" in section


@pytest.mark.parametrize(
    ("changes", "judged_any", "words"),
    [
        ({}, True, "the pre-operative tumour, the extent of resection is 100"),
        ({}, False, "It was left out: no patient has a mask of the pre-operative tumour."),
        (
            {
                "labels": {"residual": "post_t1ce"},
                "inputs": {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]},
                "registration": {**PUBLISHED["registration"], "resected": None},
                "statistics": choosing("B"),
                "networks": FROM_RANDOM,
            },
            False,
            "It was left out: the study has no mask of the tumour before surgery.",
        ),
    ],
)
def test_methods_say_how_resections_were_judged_or_why_not(
    changes: dict[str, Any], judged_any: bool, words: str
) -> None:
    passages = methods(study_of(**changes), LABELS, rated=False, folds=2, resected=judged_any)
    (passage,) = [passage for passage in passages if passage.heading == "Extent of resection"]
    said = " ".join(passage.paragraphs)
    assert words in said
    assert ("no confidence interval" in said) == judged_any
