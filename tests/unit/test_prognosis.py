"""Survival in the cohort table, and what the study says of it: by the reference and by the networks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cohort_tables import COLUMNS, FILES, row, study, write_table
from golden_figures import assert_looks_as_stored, files_in, small_pictures, texts_of_figures
from residua.cohort.table.patients import PatientTable, parse_table
from residua.errors import ResiduaError
from residua.figures.kaplan_meier import kaplan_meier_figure
from residua.figures.survival_words import caption
from residua.importers.cells import outcome
from residua.problems.catalogue import CATALOGUE
from residua.prognosis.analyse import MONTHS, analyse_survival
from residua.prognosis.patients import PREDICTORS, REFERENCE, Followed, followed
from residua.report.build import write_report
from residua.report.prognosis import how_prognosis
from residua.report.prognosis import prognosis as found
from residua.settings.base import IDENTIFIER
from residua.settings.classification import Classification
from residua.settings.elsewhere import SEEN
from residua.settings.figures import FURTHER
from residua.settings.statistics import BestInputs, Statistics
from residua.simulate.design import Survival, load_design
from residua.simulate.patient import _followed, _person, build_subject
from residua.simulate.plan import planned
from residua.statistics.cox import log_rank
from residua.tables.html import to_html
from residua.tables.latex import to_latex
from residua.tables.prognosis import prognosis, survival
from residua.tables.render import Table, to_csv, to_markdown
from residua.tables.supplement import supplementary_table
from residua.wiring import publication
from residua.wiring.prognosis import survivals
from test_report import Reader, make_run, study_of
from test_wiring import HOSPITALS, loaded_study

CUT = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
STATISTICS = Statistics(
    alpha=0.05,
    bootstrap_resamples=100,
    interval_sd_multiplier=1.96,
    seed=0,
    best_inputs=BestInputs(segmentation={}, classification={}, raters={}),
)
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}
CHOICES = {name: {"nnunet": "B", "agunet": "A"} for name in ("segmentation", "classification")}


def told(folder: Path, *survival: dict[str, str]) -> PatientTable:
    """A table with a patient for each survival."""
    folder.mkdir(exist_ok=True)
    rows = [{**row(f"STO{number}", "STO"), **cells} for number, cells in enumerate(survival, start=1)]
    columns = tuple(dict.fromkeys((*COLUMNS, *(column for each in rows for column in each))))
    return parse_table(write_table(folder, rows, columns), FILES, ())


def found_in(table: PatientTable) -> list[tuple[str, str]]:
    """The checks that found something, with its severity."""
    return [(problem.check, problem.severity) for problem in table.problems]


@pytest.mark.parametrize(
    ("cells", "check", "severity"),
    [
        ({"survival_days": "-3", "death": "1"}, "value-implausible", "error"),
        ({"survival_days": "two years", "death": "1"}, "cell-not-a-number", "error"),
        ({"survival_days": "1,200", "death": "1"}, "cell-not-a-number", "error"),
        ({"survival_days": "300", "death": "maybe"}, "death-unknown", "error"),
        ({"survival_days": "300", "death": "2"}, "death-unknown", "error"),
        ({"survival_days": "300", "death": ""}, "survival-incomplete", "warning"),
        ({"survival_days": "n/a", "death": "1"}, "survival-incomplete", "warning"),
        ({"survival_days": "1", "death": "1", "hours_since_surgery": "60"}, "survival-before-scan", "error"),
        ({"survival_days": "0", "death": "no", "hours_since_surgery": "24"}, "survival-before-scan", "error"),
    ],
)
def test_survival_that_cannot_be_is_a_problem_of_its_row(
    cells: dict[str, str], check: str, severity: str, tmp_path: Path
) -> None:
    good = {"survival_days": "300", "death": "1", "hours_since_surgery": "20"}
    table = told(tmp_path, good, {**good, **cells})
    (problem,) = table.problems
    assert (problem.check, problem.severity, problem.row, problem.patient) == (check, severity, 3, "STO2")
    assert problem.remedy
    assert check in CATALOGUE["The tables"]


@pytest.mark.parametrize("column", ["survival_days", "death"])
def test_one_column_alone_is_one_problem_of_the_table(column: str, tmp_path: Path) -> None:
    table = told(tmp_path, {column: "1"}, {column: "0"})
    assert found_in(table)[0] == ("survival-column-missing", "error")
    assert [check for check, _ in found_in(table)].count("survival-column-missing") == 1


@pytest.mark.parametrize(
    ("death", "read"), [("1", "1"), ("yes", "1"), ("True", "1"), ("Y", "1"), ("0", "0"), ("no", "0"), ("FALSE", "0")]
)
def test_deaths_are_read_as_yes_or_no(death: str, read: str, tmp_path: Path) -> None:
    table = told(tmp_path, {"survival_days": "12,5", "death": death})
    assert found_in(table) == []
    assert table.patients[0].clinical == {"survival_days": "12.5", "death": read}


def test_a_death_on_the_day_of_the_scan_is_possible_and_unknown_survival_too(tmp_path: Path) -> None:
    cells = [
        {"survival_days": "2", "death": "1", "hours_since_surgery": "71"},
        {"survival_days": "", "death": "", "hours_since_surgery": "20"},
    ]
    assert found_in(told(tmp_path, *cells)) == []


def test_sources_give_what_they_know() -> None:
    assert outcome({"survival_days": " 30 ", "death": "n/a"}) == {"survival_days": "30"}
    assert outcome({"survival_days": "30", "death": "0"}) == {"survival_days": "30", "death": "0"}
    assert outcome({"death": "NA"}) == {}


def test_only_a_table_that_tells_survival_plans_the_prognosis(tmp_path: Path) -> None:
    records = [row(f"{hospital}{number}", hospital) for hospital in HOSPITALS for number in (1, 2)]
    without = loaded_study(tmp_path / "without", records)
    empty = loaded_study(tmp_path / "empty", [{**each, "survival_days": "", "death": ""} for each in records])
    assert survivals(without) == survivals(empty) == {}
    records = [{**each, "survival_days": "", "death": ""} for each in records]
    records[0].update(survival_days="300", death="yes")
    records[7].update(survival_days="20.5", death="0")
    told_of = loaded_study(tmp_path / "told", records)
    assert survivals(told_of) == {"STO1": (300.0, True), "AMS2": (20.5, False)}
    new = {"prognosis", "survival"}
    assert set(publication.tables(told_of)) - set(publication.tables(without)) == new
    assert set(publication.comparisons(told_of)) - set(publication.comparisons(without)) == new
    assert set(publication.figures(told_of)) - set(publication.figures(without)) == {"kaplan_meier"}
    assert not {*publication.tables(empty), *publication.figures(empty)} & {*new, "kaplan_meier"}


def measured(reference: list[float], nnunet: list[float], agunet: list[float] | None = None) -> pd.DataFrame:
    """Volumes of patients P1, P2, …, every third of the hold-out, by two networks."""
    frames = []
    for arch, inputs, predicted in (("nnunet", "B", nnunet), ("agunet", "A", agunet or nnunet)):
        n = len(predicted)
        frames.append(
            pd.DataFrame(
                {
                    "arch": arch,
                    "inputs": inputs,
                    "split": ["test" if number % 3 == 2 else "validation" for number in range(n)],
                    "fold": 0,
                    "patient": [f"P{number}" for number in range(1, n + 1)],
                    "hospital": "STO",
                    "dice": 0.5,
                    "reference_ml": reference[:n],
                    "predicted_ml": predicted,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def judged(cases: pd.DataFrame, survival: dict[str, tuple[float, bool]], predictor: int) -> Followed:
    before = {"P1": 10.0, "P2": 20.0, "P3": 0.0}
    return followed(cases, survival, before, PREDICTORS[predictor], CHOICES["segmentation"], CUT)


def test_every_source_judges_the_same_patients_by_its_own_volumes() -> None:
    cases = measured([0.0, 5.0, 1.0, 2.0], [1.0, 0.1, 2.0, 3.0], [0.0, 10.0, 3.0])
    survival = {"P1": (10.0, True), "P2": (20.0, False), "P4": (30.0, True)}
    volume, total, extent = (judged(cases, survival, predictor) for predictor in range(3))
    # P4 is not judged by AGU-Net, nobody knows the survival of P3.
    assert list(volume.rows.index) == ["P1", "P2"]
    assert (volume.unknown, extent.unknown) == (1, 0)
    assert (volume.not_judged, extent.not_judged) == (1, 0)
    assert volume.values[REFERENCE].tolist() == pytest.approx([0, np.log(6)])
    assert volume.values["nnunet"].tolist() == pytest.approx([np.log(2), np.log(1.1)])
    assert {source: values.tolist() for source, values in total.values.items()} == {
        REFERENCE: [1, 0], "nnunet": [0, 1], "agunet": [1, 0],
    }  # fmt: skip
    assert extent.values[REFERENCE].tolist() == pytest.approx([10.0, 7.5])
    assert extent.values["agunet"].tolist() == pytest.approx([10.0, 5.0])


def test_a_person_counts_once_by_the_scan_that_was_followed_longest() -> None:
    cases = measured([0.0, 5.0, 1.0], [1.0, 0.1, 2.0]).assign(person=["A", "A", "B"] * 2)
    found = judged(cases, {"P1": (10.0, True), "P2": (90.0, True), "P3": (5.0, False)}, 0)
    assert list(found.rows.index) == ["P2", "P3"]
    assert found.further_scans == 1


def test_the_volume_is_that_of_the_segmentation_and_resection_that_of_the_classification(tmp_path: Path) -> None:
    other = measured([0.0, 5.0, 1.0], [9.0, 9.0, 9.0]).replace({"B": "C"})
    cases = pd.concat([measured([0.0, 5.0, 1.0], [1.0, 0.1, 2.0]), other[other["inputs"] == "C"]])
    cases.to_parquet(tmp_path / "cases.parquet")
    choices = {**CHOICES, "classification": {"nnunet": "C", "agunet": "A"}}
    survival = {"P1": (10.0, True), "P2": (20.0, True), "P3": (30.0, True)}
    frame = analyse_survival([str(tmp_path / "cases.parquet")], survival, {}, choices, CUT, 0.05)["prognosis"]
    of_nnunet = frame[frame["source"] == "nnunet"]
    assert dict(zip(of_nnunet["predictor"], of_nnunet["inputs"], strict=True)) == {
        "log_volume": "B",
        "gross_total": "C",
    }


def analysed(folder: Path, cases: pd.DataFrame, survival: dict[str, tuple[float, bool]]) -> dict[str, pd.DataFrame]:
    cases.to_parquet(folder / "cases.parquet")
    before = dict.fromkeys(cases["patient"], 20.0)
    return analyse_survival([str(folder / "cases.parquet")], survival, before, CHOICES, CUT, 0.05)


def usual(deaths: bool = True) -> tuple[pd.DataFrame, dict[str, tuple[float, bool]]]:
    """Thirty patients whose risk rises with the residual volume."""
    rng = np.random.default_rng(5)
    reference = np.where(rng.random(30) < 0.4, 0.0, rng.exponential(4, 30))
    # Half of the resected have a false alarm, some remnants are missed.
    nnunet, agunet = (np.abs(reference * rng.uniform(0.5, 1.4, 30) - rng.uniform(0, 0.35, 30)) for _ in range(2))
    lived = np.ceil(rng.exponential(500 / (1 + reference)) + 9)
    ends = np.ceil(rng.uniform(200, 900, 30))
    times = {f"P{i + 1}": (float(min(lived[i], ends[i])), deaths and bool(lived[i] <= ends[i])) for i in range(28)}
    return measured(reference.tolist(), nnunet.tolist(), agunet.tolist()), times


def on_one_day() -> tuple[pd.DataFrame, dict[str, tuple[float, bool]]]:
    """Two patients who die on the same day, one with residual tumour."""
    return measured([0.0, 5.0], [0.1, 4.0]), {"P1": (30.0, True), "P2": (30.0, True)}


def edge_cases() -> dict[str, tuple[pd.DataFrame, dict[str, tuple[float, bool]]]]:
    cases, times = usual()
    first = next(patient for patient, (_, death) in times.items() if death)
    return {
        "usual": (cases, times),
        "nobody known": (cases, {"P99": (3.0, True)}),
        "one patient": (cases, {"P1": (30.0, True)}),
        "everybody censored": usual(deaths=False),
        "one event": (cases, {patient: (days, patient == first) for patient, (days, _) in times.items()}),
        "all gross total": (cases.assign(reference_ml=0.0, predicted_ml=0.0), times),
        "one day": on_one_day(),
        "one split": (cases.assign(split="validation"), times),
    }


@pytest.mark.parametrize("case", edge_cases())
def test_nothing_is_nan_where_anything_is_printed(case: str, tmp_path: Path) -> None:
    frames = analysed(tmp_path, *edge_cases()[case])
    tables = [prognosis(frames["prognosis"], LABELS, STATISTICS), survival(frames["survival"], LABELS, STATISTICS)]
    said = sentences_of(frames["prognosis"])
    printed = [write(table) for table in tables for write in (to_csv, to_markdown, to_latex, to_html)]
    for text in (*printed, *said, caption(frames["prognosis"], 0.05, 0.175)):
        assert "nan" not in text.lower().replace("[n/a]", "")
    if case not in ("usual", "one split"):
        assert any("not estimable" in sentence for sentence in said)
        assert "not estimable" in printed[0]
    files = files_in(tmp_path, "kaplan_meier")
    with texts_of_figures() as texts:
        kaplan_meier_figure(frames["curves"], frames["prognosis"], LABELS, 0.05, 0.175, files)
    assert "residual tumour" in texts


REASONS = {
    "nobody known": "no patient",
    "one patient": "one patient only",
    "everybody censored": "no death",
    "one event": "one death only",
    "all gross total": "all patients have the same value",
}


@pytest.mark.parametrize("case", REASONS)
def test_the_reason_why_a_ratio_is_missing_is_said(case: str, tmp_path: Path) -> None:
    frame = analysed(tmp_path, *edge_cases()[case])["prognosis"]
    of_total = frame[frame["predictor"] == "gross_total"]
    assert set(of_total["note"]) == {f"not estimable: {REASONS[case]}"}
    last = sentences_of(of_total)[-1]
    assert last == f"Whether hazards are proportional is not estimable: {REASONS[case]}."


def sentences_of(frame: pd.DataFrame) -> tuple[str, ...]:
    said = found(frame, LABELS, 0.05)
    assert said is not None
    return said.sentences


def cell_of(table: Table, row: int, column: str) -> str:
    return str(table.frame[column].iloc[row])


def test_the_tables_print_numbers_with_those_at_risk(tmp_path: Path) -> None:
    frames = analysed(tmp_path, *usual())
    hazards = prognosis(frames["prognosis"], LABELS, STATISTICS)
    assert list(hazards.frame["By"].iloc[:3]) == ["Manual", "nnU-Net B", "AGU-Net A"]
    first = frames["prognosis"].iloc[0]
    assert cell_of(hazards, 0, "Hazard ratio [95 % interval]") == (
        f"{first['ratio']:.2f} [{first['low']:.2f}, {first['high']:.2f}] (n=28, 2 undefined)"
    )
    assert cell_of(hazards, 0, "p, log-rank") == ""
    groups = survival(frames["survival"], LABELS, STATISTICS)
    sizes = [int(str(text).split(" of ")[1]) for text in groups.frame["Deaths"]]
    assert [a + b for a, b in zip(sizes[::2], sizes[1::2], strict=True)] == [28, 28, 28]
    at_risk = [groups.frame[f"{months} months (%)"].iloc[0].n for months in (6, 12, 18, 24)]
    assert at_risk == sorted(at_risk, reverse=True)
    assert at_risk[0] <= sizes[0]


def test_hazards_that_are_not_proportional_are_named(tmp_path: Path) -> None:
    frame = analysed(tmp_path, *usual())["prognosis"]
    fine = sentences_of(frame.assign(steady_p=0.5))[-1]
    assert fine.startswith("No check of the 9 contradicts proportional hazards")
    bad = frame.assign(steady_p=[0.5, 0.01, *[0.5] * 7])
    assert "of residual volume (for each unit of ln(1 + ml)) by nnU-Net B:" in sentences_of(bad)[-1]


def test_the_figure_looks_as_stored(tmp_path: Path) -> None:
    frames = analysed(tmp_path, *usual())
    files = files_in(tmp_path, "kaplan_meier")
    with small_pictures():
        kaplan_meier_figure(frames["curves"], frames["prognosis"], LABELS, 0.05, 0.175, files)
    assert_looks_as_stored(files[1])
    assert b"/Type3" not in files[0].read_bytes()
    words = files[2].read_text()
    assert "the same 28 patients in each panel" in words
    assert "of 2 more the survival is not known" in words


def test_the_simulator_tells_survival_only_where_the_design_asks_for_it() -> None:
    design = load_design("micro")
    asked = {"median_days": 400, "hazard_ratio": 2.0, "follow_up_days": [100, 900], "unknown_probability": 0.0}
    with_survival = design.model_copy(update={"survival": Survival.model_validate(asked)})
    assert (
        json.loads(design.model_dump_json(exclude_none=True)).keys()
        == json.loads(with_survival.model_dump_json(exclude={"survival"})).keys()
    )
    assert design.digest() != with_survival.digest()
    assignment = planned(8, design)[0]
    subject, (_, _, person) = build_subject(1, assignment, design)
    alone = _person(person, subject, design)
    subject, (_, _, person) = build_subject(1, assignment, with_survival)
    cells = _followed(person, subject, with_survival)
    assert _followed(person, subject, design) == {}
    assert _person(person, subject, with_survival) == alone
    assert list(cells) == ["survival_days", "death"]
    assert float(cells["survival_days"]) >= 8
    unknown = Survival.model_validate({**asked, "unknown_probability": 1.0})
    never = with_survival.model_copy(update={"survival": unknown})
    assert set(_followed(person, subject, never).values()) == {""}


def test_more_that_is_left_shortens_simulated_lives() -> None:
    from residua.simulate.survival import draw_survival

    asked: dict[str, Any] = {"median_days": 400, "hazard_ratio": 2.0, "unknown_probability": 0.0}
    lived = Survival.model_validate({**asked, "follow_up_days": [1e5, 1e6]})
    rng = np.random.default_rng(0)
    days = {ml: [float(draw_survival(rng, ml, lived)["survival_days"]) for _ in range(4000)] for ml in (0.0, np.e - 1)}
    assert np.median(days[0.0]) == pytest.approx(400, rel=0.08)
    assert np.median(days[np.e - 1]) == pytest.approx(200, rel=0.08)


def test_a_design_with_wrong_survival_is_refused(tmp_path: Path) -> None:
    text = json.dumps({**json.loads(load_design("micro").model_dump_json()), "survival": {"median_days": -1}})
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ResiduaError, match="median_days"):
        load_design(str(tmp_path / "mine.yaml"))


def test_the_report_tells_the_prognosis_and_shows_every_figure_in_its_place(tmp_path: Path) -> None:
    sources, making = make_run(tmp_path, study_of())
    frames = analysed(tmp_path, *usual())
    files = {name: str(tmp_path / f"{name}.parquet") for name in ("prognosis", "survival")}
    tables = {}
    for name, file in files.items():
        frames[name].to_parquet(file)
        tables[name] = str(tmp_path / f"{name}.html")
        Path(tables[name]).write_text(to_html(supplementary_table(name, file, LABELS, STATISTICS)))
    figures = dict(sources.figures)
    for name in (*FURTHER, "kaplan_meier"):
        figures[name] = (sources.figures["figure1"][0], str(tmp_path / f"{name}.txt"))
        (tmp_path / f"{name}.txt").write_text(f"The caption of {name}")
    more = replace(
        sources, figures=figures, tables={**sources.tables, **tables}, statistics={**sources.statistics, **files}
    )
    write_report(more, making, tmp_path / "index.html")
    found = Reader((tmp_path / "index.html").read_text(encoding="utf-8"))
    shown = [str(image["alt"]).removeprefix("The caption of ").split(",")[0] for image in found.of("img")]
    order = [
        "figure1", "pipeline", "figure3", "agreement", "dice_by_volume", "confusion", "discrimination", "calibration",
        "resection", "kaplan_meier", "figure4", "learning_curves",
    ]  # fmt: skip
    assert [name for name in shown if name in order] == order
    assert sorted(shown) == sorted(figures)
    for said in ("Kaplan-Meier", "What does the tumour that is left tell about survival?", "Hazard ratio of death"):
        assert said in found.text, said
    assert "[@kaplan1958]" in (tmp_path / "methods.md").read_text(encoding="utf-8")


def test_more_than_three_panels_fill_rows(tmp_path: Path) -> None:
    frames = analysed(tmp_path, *usual())
    more = [frames["prognosis"], *(frames["prognosis"].assign(source=name, inputs="Z") for name in ("x", "y"))]
    curves = [frames["curves"], *(frames["curves"].assign(source=name, inputs="Z") for name in ("x", "y"))]
    with texts_of_figures() as texts:
        kaplan_meier_figure(pd.concat(curves), pd.concat(more), LABELS, 0.05, 0.175, files_in(tmp_path, "many"))
    assert texts.count("At risk") == len(pd.concat(more)) // 3


def test_every_scan_is_in_a_row_or_is_counted_with_the_reason_why_not() -> None:
    # P5 lacks AGU-Net, P6 lacks nnU-Net, P3 survival, and P1 and P2 are one person.
    cases = measured([0.0, 5.0, 1.0, 2.0, 3.0, 4.0], [1.0, 0.1, 2.0, 3.0, 4.0, 5.0]).assign(person=[*"AABCDE"] * 2)
    lacking = (cases["arch"] == "agunet") & (cases["patient"] == "P5")
    lacking |= (cases["arch"] == "nnunet") & (cases["patient"] == "P6")
    survival = dict.fromkeys(("P1", "P2", "P4", "P5", "P6"), (10.0, True))
    for order in (cases, cases[::-1]):
        found = judged(order[~lacking.loc[order.index]], survival, 0)
        assert set(found.rows.index) in ({"P1", "P4"}, {"P2", "P4"})
        assert (found.not_judged, found.unknown, found.further_scans) == (2, 1, 1)
        assert len(found.rows) + found.not_judged + found.unknown + found.further_scans == 6
    # Only P1 and P2 had a tumour before surgery, and both networks judge them.
    assert judged(cases[~lacking], survival, 2).not_judged == 0


def test_patients_whom_a_network_lacks_are_counted_in_tables_figure_and_report(tmp_path: Path) -> None:
    cases, times = usual()
    cases = cases[(cases["arch"] == "nnunet") | ~cases["patient"].isin(["P4", "P9", "P30"])]
    frame = analysed(tmp_path, cases, times)["prognosis"]
    assert set(frame["not_judged"]) == {3}
    assert "up to 3 more are left out" in prognosis(frame, LABELS, STATISTICS).caption
    assert "3 more are not judged by all networks" in caption(frame, 0.05, 0.175)
    assert all("3 more not judged by all networks" in sentence for sentence in sentences_of(frame)[:-1])


@pytest.mark.parametrize("name", ["reference", "manual", "Manual"])
def test_no_name_of_a_network_hides_the_manual_segmentation(name: str) -> None:
    cases = measured([0.0, 5.0], [9.0, 0.0]).replace({"agunet": name})
    choices = {"nnunet": "B", name: "A"}
    found = followed(cases, {"P1": (10.0, True), "P2": (20.0, True)}, {}, PREDICTORS[1], choices, CUT)
    assert {source: values.tolist() for source, values in found.values.items()} == {
        REFERENCE: [1, 0], "nnunet": [0, 1], name: [0, 1],
    }  # fmt: skip
    assert not re.match(IDENTIFIER, REFERENCE)


def test_deaths_on_one_day_give_ratios_without_concordance_and_no_test(tmp_path: Path) -> None:
    frames = analysed(tmp_path, *on_one_day())
    frame = frames["prognosis"]
    assert frame["ratio"].notna().all()
    assert set(frame["concordance_note"]) == {"not estimable: nobody is known to outlive another"}
    notes = prognosis(frame, LABELS, STATISTICS).frame["Note"]
    assert all("concordance: not estimable: nobody is known to outlive another" in note for note in notes)
    assert "log-rank: not estimable: all at risk die on the same day" in notes.iloc[3]
    assert "concordance not estimable: nobody is known to outlive another." in sentences_of(frame)[0]
    last = sentences_of(frame)[-1]
    assert last == "Whether hazards are proportional is not estimable: deaths on fewer than three days."
    with texts_of_figures() as texts:
        kaplan_meier_figure(frames["curves"], frame, LABELS, 0.05, 0.175, files_in(tmp_path, "one_day"))
    assert "Manual segmentation\nHR 1.00 [0.06, 15.99], p not estimable" in texts


def test_a_ratio_without_bound_does_not_hide_the_log_rank_test(tmp_path: Path) -> None:
    # All with residual tumour die before all others.
    cases = measured([5.0, 5.0, 5.0, 0.0, 0.0, 0.0], [5.0, 5.0, 5.0, 0.0, 0.0, 0.0]).assign(split="validation")
    frames = analysed(tmp_path, cases, {f"P{day}": (100.0 * day, True) for day in range(1, 7)})
    with texts_of_figures() as texts:
        kaplan_meier_figure(frames["curves"], frames["prognosis"], LABELS, 0.05, 0.175, files_in(tmp_path, "no_bound"))
    _, p_value, _ = log_rank([1, 2, 3, 4, 5, 6], [1] * 6, [0, 0, 0, 1, 1, 1], ["a"] * 6)
    assert f"Manual segmentation\nHR not estimable, p = {p_value:.3f}" in texts


def test_all_reasons_why_no_check_of_hazards_can_be_are_told_once(tmp_path: Path) -> None:
    frame = analysed(tmp_path, *edge_cases()["usual"])["prognosis"].assign(steady_p=np.nan)
    frame["steady_note"] = [f"not estimable: {why}" for why in ("b", "a", "b", "b", "a", "a", "a", "b", "b")]
    assert sentences_of(frame)[-1] == "Whether hazards are proportional is not estimable: b; a."


@pytest.mark.parametrize(
    ("days", "printed"),
    [
        ((90.0, None, None), "90 [n/a, not reached]"),
        ((90.0, 50.0, None), "90 [50, not reached]"),
        ((90.0, 50.0, 120.0), "90 [50, 120]"),
        ((None, 50.0, None), "not reached"),
        ((None, None, None), "not reached"),
    ],
)
def test_a_lower_limit_of_the_median_without_estimate_is_not_one_that_is_not_reached(
    days: tuple[float | None, float | None, float | None], printed: str, tmp_path: Path
) -> None:
    frame = analysed(tmp_path, *usual())["survival"].iloc[:1]
    named = dict(zip(("median", "median_low", "median_high"), days, strict=True))
    assert cell_of(survival(frame.assign(**named), LABELS, STATISTICS), 0, "Median (days)") == printed


def test_the_median_of_one_patient_has_no_limits(tmp_path: Path) -> None:
    frame = analysed(tmp_path, *edge_cases()["one patient"])["survival"]
    medians = survival(frame[frame["n"] == 1], LABELS, STATISTICS).frame["Median (days)"]
    assert set(medians) == {"30 [n/a, not reached]"}


def other(seen: str, label: str = "Theirs") -> dict[str, Any]:
    return {"label": label, "has_seen_patients": seen, "kind": "masks", "inputs": {"A": "theirs/{patient}.nii.gz"}}


@pytest.mark.parametrize("seen", ["yes", "unknown", "no"])
def test_only_the_studys_own_networks_are_said_not_to_have_seen_a_patient(seen: str) -> None:
    (alone, _), (beside, _) = how_prognosis(study()), how_prognosis(study(elsewhere={"theirs": other(seen)}))
    own = "Every prediction of the study's own networks is by models that have not seen the patient"
    assert own in alone
    assert own in beside
    assert "made elsewhere" not in alone
    assert f"Theirs (made elsewhere): {SEEN[seen]}." in beside
    assert "Every prediction is" not in beside


def test_the_figure_counts_those_at_risk_as_the_table_does(tmp_path: Path) -> None:
    frames = analysed(tmp_path, *usual())
    kept: list[Figure] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("residua.figures.kaplan_meier.save_figure", lambda figure, *_: kept.append(figure))
        kaplan_meier_figure(frames["curves"], frames["prognosis"], LABELS, 0.05, 0.175, files_in(tmp_path, "x"))
    (figure,) = kept
    own = frames["survival"][frames["survival"]["source"] == REFERENCE].set_index("group")
    for place, group in enumerate(("residual tumour", "gross total resection")):
        level = pytest.approx(-0.43 - 0.1 * place)
        texts = {
            text.get_position()[0]: text.get_text() for text in figure.axes[0].texts if text.get_position()[1] == level
        }
        shown = [months for months in MONTHS if months in texts]
        assert len(shown) >= 2
        assert [int(texts[months]) for months in shown] == [own.loc[group, f"at_risk_{months}"] for months in shown]
