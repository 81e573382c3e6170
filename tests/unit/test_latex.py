"""Every table of the study, of its supplement and of a validation is compiled by LaTeX, in one document.

``RESIDUA_LATEX=required`` makes a missing LaTeX an error; else the tests are skipped (make latex installs it).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import test_baseline_table
import test_conventions
import test_prognosis
import test_report
import test_subgroups
import test_validation
from residua.metrics.conventions import ARTICLE, AUTHORS_CODE_2023, BRATS_LESIONWISE
from residua.statistics.conventions import convention_numbers
from residua.tables.grids import table_s2
from residua.tables.latex import to_latex
from residua.tables.render import Cell, Table
from residua.tables.supplement import _SUPPLEMENT, supplementary_table
from residua.tables.table1 import table1
from residua.tables.table2 import split_table
from residua.tables.table3 import table3
from residua.tables.table4 import table4
from residua.validation.scores import score_bundles

OVERFULL_PT = 2.0
"""A box that is wider than its place by more is seen: 0.7 mm."""
DOCUMENT = r"""\documentclass[a4paper]{article}
%s
\tracinglostchars=2
\begin{document}
%s
\end{document}
"""
SIGNS = "± ≥ ≤ × − – — µ ° ³ ² Ä Ö Ü ä ö ü ß é è ñ ç ø å ł _ % & # $ { } ~ ^ \\ < > | ` ' \" “q” … § α β Δ → ≠ ≈ √ ∞"
STUDY = test_report.study_of()
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}


def with_latex() -> str:
    found = shutil.which("pdflatex")
    if found is None and os.environ.get("RESIDUA_LATEX") != "required":
        pytest.skip("LaTeX is not installed: make latex")
    assert found is not None, "LaTeX is required (RESIDUA_LATEX) and not installed: make latex"
    return found


def compiled(tables: Mapping[str, Table], folder: Path) -> str:
    """Compile one document of all tables; return its log, in whole lines."""
    program = with_latex()
    needed = []
    for name, table in tables.items():
        (folder / f"{name}.tex").write_text(to_latex(table), encoding="utf-8")
        needed += re.findall(r"^% Needs (\\usepackage\{.*\})", to_latex(table), re.MULTILINE)
    inputs = "\n".join(rf"\typeout{{== {name}}}\input{{{name}.tex}}\clearpage" for name in tables)
    (folder / "all.tex").write_text(DOCUMENT % ("\n".join(dict.fromkeys(needed)), inputs), encoding="utf-8")
    options = ("-interaction=nonstopmode", "-halt-on-error", "-file-line-error")
    # Lines of a log break after 79 letters, in the middle of words.
    wide = {**os.environ, "max_print_line": "10000"}
    # A longtable knows the widths of its columns the second time.
    for _ in range(2):
        done = subprocess.run([program, *options, "all.tex"], cwd=folder, env=wide, capture_output=True, timeout=300)
    log = (folder / "all.log").read_text("utf-8", "replace")
    assert done.returncode == 0, (
        "\n".join(re.findall(r"^(?:!|\S+:\d+:).*(?:\n.*){3}", log, re.MULTILINE)) or log[-3000:]
    )
    assert (folder / "all.pdf").read_bytes().startswith(b"%PDF")
    return log


def overfull(log: str) -> dict[str, float]:
    """By table, how far something is too wide or too high for its place, if by more than can be seen (pt)."""
    _, *parts = re.split(r"^.*== (\w+)", log, flags=re.MULTILINE)
    found = {name: _TOO_LARGE.findall(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    most = {name: max(float(pt) for pair in points for pt in pair if pt) for name, points in found.items() if points}
    return {name: pt for name, pt in most.items() if pt > OVERFULL_PT}


_TOO_LARGE = re.compile(r"Overfull \\[hv]box \(([\d.]+)pt too|Float too large for page by ([\d.]+)pt")


# The tables, built by the code that builds those of a run.


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    """What each supplementary table shows, by the statistics of the study on cases that were made up."""
    cases = test_report.cases_of(STUDY)
    made = test_report.statistics_of(STUDY, cases, rated=True)
    made["tukey"] = made.pop("inputs")
    (folder / "survival").mkdir()
    made |= test_prognosis.analysed(folder / "survival", *test_prognosis.usual())
    measured = test_conventions.measured(folder).assign(arch="nnunet", inputs="B")
    made["conventions"] = convention_numbers(
        measured, (ARTICLE, AUTHORS_CODE_2023, BRATS_LESIONWISE), test_conventions.RULE, 1.96
    )
    external = test_validation.cases_of(("nnunet", "A"), test_validation.ROWS)
    scores = score_bundles(external, test_validation.stated(), test_validation.CUT, test_validation.STATISTICS)
    made |= test_subgroups.run_of("whole")
    return {**made, "external": scores, "hospitals": scores, **made_by_hand()}


def made_by_hand() -> dict[str, pd.DataFrame]:
    model: dict[str, Any] = {"arch": "nnunet", "inputs": "B"}
    limits = {"estimate": 71.5, "low": 60.25, "high": 80.125, "n": 24, "undefined": 0, "note": ""}
    chosen = {"threshold_1": 0.5, "threshold_2": 0.35, "drawn": 12, "caution": "the best is the lowest candidate"}
    which = ("bundle", "recalibrated", "difference")
    rates = {
        "dice": 0.71,
        "n_positive": 13,
        "sensitivity": 90.0,
        "specificity": 33.3,
        "balanced_accuracy": 61.7,
        "n": 20,
    }
    own = {"stated": 0.125, "stated_low": 0.0625, "stated_high": float("nan")}
    return {
        "subsets": pd.DataFrame([{**model, "given": "post_t1ce, post_flair", **rates}]),
        "recalibration": pd.DataFrame([{**model, **chosen, **limits, "measure": "dice", "which": w} for w in which]),
        "calibration": pd.DataFrame([{**model, **limits, **own, "measure": "expected_calibration_error"}]),
        "reliability": pd.DataFrame([{**model, "predicted": 0.91, "observed": 0.875, "n": 8}]),
    }


def tables_of(folder: Path) -> dict[str, Table]:
    study, cases, built = STUDY, test_report.cases_of(STUDY), {}
    for name, frame in frames(folder).items():
        if name in _SUPPLEMENT:
            frame.to_parquet(folder / f"{name}.parquet")
            built[name] = supplementary_table(name, str(folder / f"{name}.parquet"), LABELS, study.statistics)
    patients = pd.DataFrame({"hospital": ["STO", "GOT", "PAR", "AMS"], "residual_ml": [0.0, 0.2, 0.1, 3.0]})
    grid = {"post_t1ce": {"shape": [256, 256, 20], "spacing_mm": [1, 1, 6]}}
    return {
        "table1": table1(patients, ["STO", "GOT", "PAR", "AMS"], 0.175),
        "table2": split_table(test_report.split_of()),
        "table3": table3(cases, study.classification, study.statistics, LABELS, ("AGU-Net: a note of 5 % & more.",)),
        "table4": table4(cases, study.classification, study.statistics, LABELS),
        "table_s2": table_s2({"STO1": grid}, ["post_t1ce", "pre_t1ce"]),
        "baseline": test_baseline_table.table(folder),
        **built,
    }


def test_every_table_compiles_and_none_is_wider_than_the_page(tmp_path: Path) -> None:
    with_latex()
    tables = tables_of(tmp_path)
    assert sorted(set(_SUPPLEMENT) - set(tables)) == [], "give frames() what these new tables show"
    log = compiled(tables, tmp_path)
    assert overfull(log) == {}
    assert "Missing character" not in log


def test_signs_of_names_and_texts_survive_in_every_place(tmp_path: Path) -> None:
    rows = {
        "Hospital": [f"St. Olav & Søn_{sign}" for sign in SIGNS.split()],
        "DSC (%)": [Cell("1.00±2.00", 3, 1)] * len(SIGNS.split()),
    }
    rows[f"Head {SIGNS}"[:60]] = [SIGNS] * len(SIGNS.split())
    log = compiled({"signs": Table(pd.DataFrame(rows), f"Caption {SIGNS}", (f"Note {SIGNS}",))}, tmp_path)
    assert "Missing character" not in log


@pytest.mark.parametrize(("rows", "columns"), [(40, 12), (41, 3), (41, 9), (300, 14)])
def test_long_and_wide_tables_fit_onto_their_pages(tmp_path: Path, rows: int, columns: int) -> None:
    cells = {f"Measure {n} (%)": [Cell("59.19±20.49", 51, 2)] * rows for n in range(columns)}
    log = compiled({"long": Table(pd.DataFrame(cells), "A long table.", ("A note.",))}, tmp_path)
    assert overfull(log) == {}


def test_a_missing_command_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_latex()
    monkeypatch.setattr("test_latex.to_latex", lambda table: r"\nosuchcommand")
    with pytest.raises(AssertionError, match="Undefined control sequence"):
        compiled({"broken": Table(pd.DataFrame({"k": [1]}), "")}, tmp_path)
