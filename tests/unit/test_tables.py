"""The tables and how they are printed."""

from __future__ import annotations

import csv
import io
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residua.errors import ResiduaError
from residua.metrics.pooling import Pooled
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.tables import supplement
from residua.tables.cells import interval, mean_sd, median, number, p_value, plain, yes_or_no
from residua.tables.html import to_html
from residua.tables.latex import to_latex
from residua.tables.latex_text import escaped
from residua.tables.render import Cell, Table, to_csv, to_markdown
from residua.tables.supplement import supplementary_table
from residua.tables.table1 import table1
from residua.tables.table2 import table2
from residua.tables.table3 import table3
from residua.tables.table4 import table4
from residua.tables.write import write_table

CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
STATISTICS = Statistics(
    alpha=0.05,
    bootstrap_resamples=1000,
    interval_sd_multiplier=1.96,
    seed=1,
    best_inputs=BestInputs(segmentation={}, classification={}, raters={}),
)
OVER_N_MINUS_1 = STATISTICS.model_copy(update={"folds_ddof": 1})
LABELS = {"one": "Net 1", "two": "Net 2"}
NAN = math.nan


def _cells(table: Table, **where: str) -> dict[str, Any]:
    frame = table.frame
    for column, value in where.items():
        frame = frame[frame[{"data": "Data", "arch": "Arch.", "inputs": "Input"}[column]] == value]
    assert len(frame) == 1
    return {str(name): value for name, value in frame.iloc[0].items()}


def _case(
    split: str, fold: float, dice: float, hd95_mm: float, reference_ml: float, predicted_ml: float
) -> dict[str, Any]:
    return {
        "arch": "net",
        "inputs": "A",
        "split": split,
        "fold": fold,
        "dice": dice,
        "hd95_mm": hd95_mm,
        "reference_ml": reference_ml,
        "predicted_ml": predicted_ml,
        "absolute_volume_error_ml": abs(predicted_ml - reference_ml),
    }


def _test_set() -> pd.DataFrame:
    return pd.DataFrame(
        [
            _case("test", NAN, 0.8, 3.0, 1.0, 1.2),  # TP
            _case("test", NAN, 0.4, 5.0, 1.0, 0.5),  # TP
            _case("test", NAN, 0.0, 70.0, 1.0, 1.0),  # TP, elsewhere
            _case("test", NAN, 0.0, NAN, 1.0, 0.0),  # FN
            _case("test", NAN, 0.0, 20.0, 0.1, 3.1),  # FP
            _case("test", NAN, NAN, NAN, 0.0, 0.0),  # TN
        ]
    )


def test_each_metric_of_a_test_row_is_over_its_own_patients() -> None:
    found = _cells(table3(_test_set(), CLASSIFICATION, STATISTICS))
    assert found["DSC-P (%)"] == Cell("30.00±38.30", 4)
    assert found["DSC-TP (%)"] == Cell("40.00±40.00", 3)
    assert found["HD95 (mm)"] == Cell("26.00±38.12", 3, undefined=1)
    assert found["AVE (ml)"] == Cell("0.350", 6)  # 0, 0, 0.2, 0.5, 1, 3
    assert found["AVE-P (ml)"] == Cell("0.350", 4)  # 0, 0.2, 0.5, 1
    assert found["Recall (%)"] == Cell("75.00", 6)
    assert found["Precision (%)"] == Cell("75.00", 6)
    assert found["TP with DSC < 1 %"] == 1


def test_a_minimum_overlap_moves_a_true_positive_to_the_missed() -> None:
    table = table3(_test_set(), Classification(residual_tumor_ml=0.175, min_overlap_dice=0.01), STATISTICS)
    found = _cells(table)
    assert found["DSC-TP (%)"] == Cell("60.00±28.28", 2)
    assert found["Recall (%)"].text == "50.00"
    assert found["TP with DSC < 1 %"] == 0
    assert "whose Dice is at least 0.01" in table.caption


def test_the_cut_of_the_study_is_used_and_named() -> None:
    table = table3(_test_set(), Classification(residual_tumor_ml=0.05, min_overlap_dice=0.0), STATISTICS)
    assert _cells(table)["DSC-P (%)"].n == 5
    assert "at least 0.05 ml" in table.caption


def test_a_validation_row_pools_the_folds() -> None:
    cases = pd.DataFrame(
        [
            _case("validation", 0, 0.5, 1.0, 1.0, 1.0),
            _case("validation", 0, 0.0, NAN, 1.0, 0.0),
            _case("validation", 0, NAN, NAN, 0.0, 0.0),
            _case("validation", 1, 1.0, 0.0, 1.0, 1.0),
        ]
    )
    found = _cells(table3(cases, CLASSIFICATION, STATISTICS), data="Val")
    assert found["DSC-P (%)"] == Cell("50.00±50.00", 3)
    assert found["HD95 (mm)"] == Cell("0.50±0.71", 2, undefined=1)
    # Recall 50 in fold 0 (3 patients) and 100 in fold 1 (1 patient).
    assert found["Recall (%)"] == Cell("62.50±25.00", 4)
    assert _cells(table3(cases, CLASSIFICATION, OVER_N_MINUS_1))["Recall (%)"].text == "62.50±35.36"


def test_the_caption_names_the_divisor_of_the_spread_over_the_folds() -> None:
    for table in (table3, table4):
        assert "the folds (divided by n)" in table(_test_set(), CLASSIFICATION, STATISTICS).caption
        assert "the folds (divided by n − 1)" in table(_test_set(), CLASSIFICATION, OVER_N_MINUS_1).caption


def test_a_fold_counts_with_its_positives_or_with_all_its_patients() -> None:
    cases = pd.DataFrame(
        [
            _case("validation", 0, 0.5, 1.0, 1.0, 1.0),
            *([_case("validation", 0, 0.0, NAN, 0.0, 0.0)] * 3),
            _case("validation", 1, 0.9, 1.0, 1.0, 1.0),
            _case("validation", 1, 0.7, 1.0, 1.0, 1.0),
        ]
    )
    every = STATISTICS.model_copy(update={"fold_weights": "all_patients"})
    # Means 0.5 of one positive among four patients, 0.8 of two among two; the sd of the second is 0.1414.
    assert _cells(table3(cases, CLASSIFICATION, STATISTICS))["DSC-P (%)"] == Cell("70.00±20.00", 3)
    assert _cells(table3(cases, CLASSIFICATION, every))["DSC-P (%)"] == Cell("60.00±16.73", 3)
    assert "weighed by its number of all patients" in table3(cases, CLASSIFICATION, every).caption


@pytest.mark.parametrize(("min_overlap_dice", "least"), [(0.0, 0.01), (0.3, 0.3)])
def test_dsc_tp_is_printed_by_volume_and_by_overlap(min_overlap_dice: float, least: float) -> None:
    cases = [
        _case("test", NAN, 0.8, 3.0, 1.0, 1.2),
        _case("test", NAN, 0.2, 5.0, 1.0, 0.1),  # missed by volume, with overlap
        _case("test", NAN, 0.0, 70.0, 1.0, 1.0),  # found by volume, elsewhere
        _case("test", NAN, 0.5, 9.0, 0.1, 0.2),  # no residual tumour
    ]
    classification = Classification(residual_tumor_ml=0.175, min_overlap_dice=min_overlap_dice)
    table = table3(pd.DataFrame(cases), classification, STATISTICS)
    found = _cells(table)
    assert (found["DSC-TP (%)"].n, found["DSC-TP by overlap (%)"].n) == ((2, 2) if least < 0.2 else (1, 1))
    assert found["DSC-TP by overlap (%)"].text == ("50.00±42.43" if least < 0.2 else "80.00±n/a")
    assert found["DSC-TP (%)"].text == ("40.00±56.57" if least < 0.2 else "80.00±n/a")
    assert found["TP with DSC < 1 %"] == (1 if least < 0.2 else 0)
    assert f"whose Dice is at least {least:g}, whatever the predicted volume" in table.caption


def test_a_fold_without_a_rate_is_excluded_with_its_patients() -> None:
    cases = pd.DataFrame([_case("validation", 0, 0.5, 1, 1, 1), _case("validation", 1, NAN, NAN, 0, 0)])
    found = _cells(table3(cases, CLASSIFICATION, STATISTICS))
    assert found["Recall (%)"] == Cell("100.00±n/a", 1, undefined=1)


def test_nothing_undefined_is_printed_as_nan() -> None:
    table = table3(pd.DataFrame([_case("test", NAN, NAN, NAN, 0.0, 0.0)] * 2), CLASSIFICATION, STATISTICS)
    found = _cells(table)
    assert found["DSC-P (%)"] == found["HD95 (mm)"] == Cell("n/a", 0)
    assert found["Recall (%)"] == Cell("n/a", 0, undefined=2)
    for text in (to_csv(table), to_markdown(table)):
        assert "nan" not in text.lower()


def test_rows_come_by_inputs_then_split_then_arch_in_their_first_order() -> None:
    rows = [
        {**_case(split, 0, 0.5, 1.0, 1.0, 1.0), "arch": arch, "inputs": inputs}
        for arch in ("two", "one")
        for split in ("test", "validation")
        for inputs in ("B", "A")
        if (arch, split, inputs) != ("one", "test", "A")
    ]
    found = table3(pd.DataFrame(rows), CLASSIFICATION, STATISTICS, {"two": "Net 2"}, ["A footnote."])
    names = [tuple(row) for row in found.frame[["Input", "Data", "Arch."]].itertuples(index=False)]
    assert names == [
        ("B", "Val", "Net 2"),
        ("B", "Val", "one"),
        ("B", "Test", "Net 2"),
        ("B", "Test", "one"),
        ("A", "Val", "Net 2"),
        ("A", "Val", "one"),
        ("A", "Test", "Net 2"),
    ]
    assert found.notes == ("A footnote.",)


def test_the_caption_names_the_definition_of_hd95() -> None:
    assert "both directed surface-distance sets concatenated" in table3(_test_set(), CLASSIFICATION, STATISTICS).caption


def test_table3_names_every_missing_column() -> None:
    with pytest.raises(ResiduaError, match=r"table 3 needs the column\(s\) dice, hd95_mm"):
        table3(_test_set().drop(columns=["dice", "hd95_mm"]), CLASSIFICATION, STATISTICS)


def test_table4_rates_the_patients_of_the_test_set() -> None:
    found = _cells(table4(_test_set(), CLASSIFICATION, STATISTICS))
    assert found == {
        "Input": "A",
        "Data": "Test",
        "Arch.": "net",
        "Sensitivity (%)": Cell("75.00", 6),
        "Specificity (%)": Cell("50.00", 6),
        "bAcc (%)": Cell("62.50", 6),
    }


def test_table4_pools_the_folds_and_counts_excluded_ones() -> None:
    cases = pd.DataFrame(
        [
            _case("validation", 0, 0.5, 1.0, 1.0, 1.0),
            _case("validation", 0, 0.0, NAN, 1.0, 0.0),
            _case("validation", 0, 0.0, NAN, 0.0, 1.0),
            _case("validation", 1, 1.0, 0.0, 1.0, 1.0),
            _case("validation", 1, NAN, NAN, 0.0, 0.0),
            _case("validation", 2, NAN, NAN, 0.0, 0.0),
        ]
    )
    table = table4(cases, CLASSIFICATION, STATISTICS, {"net": "Net"}, ["A footnote."])
    found = _cells(table, arch="Net", data="Val")
    assert found["Sensitivity (%)"] == Cell("70.00±25.00", 5, undefined=1)  # 50 of 3 patients, 100 of 2
    assert found["Specificity (%)"] == Cell("50.00±47.14", 6)  # 0 of 3, 100 of 2, 100 of 1
    assert found["bAcc (%)"] == Cell("55.00±37.50", 5, undefined=1)  # 25 of 3, 100 of 2
    assert table.notes == ("A footnote.",)
    assert _cells(table4(cases, CLASSIFICATION, OVER_N_MINUS_1))["bAcc (%)"].text == "55.00±53.03"


def test_table4_follows_the_settings_of_the_classification() -> None:
    table = table4(_test_set(), Classification(residual_tumor_ml=0.175, min_overlap_dice=0.01), STATISTICS)
    assert _cells(table)["Sensitivity (%)"].text == "50.00"
    assert "of a Dice of at least 0.01" in table.caption
    smaller = Classification(residual_tumor_ml=0.05, min_overlap_dice=0)
    assert "at least 0.05 ml" in table4(_test_set(), smaller, STATISTICS).caption


def test_table4_needs_no_surface_distance_and_names_missing_columns() -> None:
    without = _test_set().drop(columns=["hd95_mm", "absolute_volume_error_ml"])
    assert _cells(table4(without, CLASSIFICATION, STATISTICS))["bAcc (%)"].text == "62.50"
    with pytest.raises(ResiduaError, match=r"table 4 needs the column\(s\) fold, predicted_ml"):
        table4(without.drop(columns=["fold", "predicted_ml"]), CLASSIFICATION, STATISTICS)


def test_table4_of_no_residual_tumour_has_no_nan() -> None:
    table = table4(pd.DataFrame([_case("test", NAN, NAN, NAN, 0.0, 0.0)] * 2), CLASSIFICATION, STATISTICS)
    found = _cells(table)
    assert (found["Sensitivity (%)"], found["bAcc (%)"]) == (Cell("n/a", 0, 2), Cell("n/a", 0, 2))
    for text in (to_csv(table), to_markdown(table), to_latex(table), to_html(table)):
        assert "nan" not in text.lower()


def test_table1_counts_patients_that_were_not_annotated_apart() -> None:
    patients = pd.DataFrame({"hospital": ["B", "A", "A", "A"], "residual_ml": [0.0, 0.175, 0.1, NAN]})
    found = table1(patients, ["B", "A", "C"], 0.175).frame.set_index("Hospital")
    assert list(found.columns) == ["B", "A", "C", "Total"]
    assert found["A"].to_dict() == {"Patients": 3, "RT": 1, "GTR": 1, "Not annotated": 1, "RT ratio (%)": "50.0"}
    assert found["C"].to_dict() == {"Patients": 0, "RT": 0, "GTR": 0, "Not annotated": 0, "RT ratio (%)": "n/a"}
    assert found.loc["RT ratio (%)", "Total"] == "33.3"


def test_table1_refuses_a_hospital_without_a_place() -> None:
    with pytest.raises(ResiduaError, match=r"the order of hospitals does not contain the hospital\(s\) B, C"):
        table1(pd.DataFrame({"hospital": ["C", "B", "A"], "residual_ml": [1.0, 1.0, 1.0]}), ["A"], 0.175)


def test_table2_counts_each_set() -> None:
    patients = pd.DataFrame({"hospital": ["A", "A", "B", "C", "H"]})
    found = table2(patients, {0: ["A"], 1: ["C", "B"]}, ["H"]).frame.set_index("Fold")
    assert found["0"].tolist() == ["A", 2, 2]
    assert found["1"].tolist() == ["C, B", 2, 2]
    assert found["Hold-out set"].tolist() == ["H", "–", 1]


def test_table2_refuses_a_hospital_in_no_set() -> None:
    with pytest.raises(ResiduaError, match=r"the split does not contain the hospital\(s\) X"):
        table2(pd.DataFrame({"hospital": ["A", "X"]}), {0: ["A"]}, [])


def _small() -> Table:
    frame = pd.DataFrame({"Name": ["a|b", "c,d"], "Dice (%)": [Cell("1.00±2.00", 5, 1), Cell("n/a", 0)], "k": [1, 2]})
    return Table(frame, "A <caption>\nin two lines", ("note_1",))


def test_csv_gives_n_and_undefined_columns_of_their_own() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(_small()))))
    assert rows == [
        ["Name", "Dice (%)", "Dice (%) n", "Dice (%) undefined", "k"],
        ["a|b", "1.00±2.00", "5", "1", "1"],
        ["c,d", "n/a", "0", "0", "2"],
    ]


def test_markdown_writes_them_into_the_cell_and_escapes_text() -> None:
    assert to_markdown(_small()).splitlines() == [
        "A &lt;caption> in two lines",
        "",
        "| Name | Dice (%) | k |",
        "| --- | --- | --- |",
        r"| a\|b | 1.00±2.00 (n=5, 1 undefined) | 1 |",
        "| c,d | n/a (n=0) | 2 |",
        "",
        r"note\_1",
    ]


class _Reader(HTMLParser):
    """The texts of a fragment by the element that holds them, and whether its tags match."""

    def __init__(self, fragment: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(fragment)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data


def test_html_is_one_table_with_caption_head_body_and_footnotes() -> None:
    assert to_html(_small()).splitlines() == [
        "<table>",
        "<caption>A &lt;caption&gt; in two lines</caption>",
        '<thead><tr><th scope="col">Name</th><th scope="col">Dice (%)</th><th scope="col">k</th></tr></thead>',
        "<tbody>",
        "<tr><td>a|b</td><td>1.00±2.00 <small>n=5, 1&nbsp;undefined</small></td><td>1</td></tr>",
        "<tr><td>c,d</td><td>n/a <small>n=0</small></td><td>2</td></tr>",
        "</tbody>",
        "<tfoot>",
        '<tr><td colspan="3">note_1</td></tr>',
        "</tfoot>",
        "</table>",
    ]
    assert "tfoot" not in to_html(Table(_small().frame, "No notes"))


def test_a_table_of_many_columns_is_wide_and_breaks_no_number() -> None:
    cells = {f"Column {number}": [Cell("100.00±15.71", 888, 68)] for number in range(10)}
    assert to_html(Table(pd.DataFrame(cells), "Ten")).startswith('<table class="wide">\n')
    del cells["Column 9"]
    nine = to_html(Table(pd.DataFrame(cells), "Nine"))
    assert nine.startswith("<table>\n")
    assert nine.count("<td>100.00±15.71 <small>n=888, 68&nbsp;undefined</small></td>") == 9


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_html_gives_back_every_text(text: str) -> None:
    printed = " ".join(text.split())
    # The line break, which no drawn text has, keeps the columns apart.
    table = Table(pd.DataFrame({text: [text], "k\n": [Cell(text, 1)]}), text, (text,))
    found = _Reader(to_html(table)).texts
    assert found["caption"] == [printed]
    assert found["th"] == [printed, "k"]
    assert found["td"] == [printed, f"{printed} ", printed]
    assert found["small"] == ["n=1"]


def test_latex_is_a_booktabs_table_with_caption_and_footnotes() -> None:
    assert to_latex(_small()).splitlines() == [
        r"% Needs \usepackage{adjustbox, booktabs, caption, longtable}",
        r"\begin{table}[htbp]",
        r"\centering",
        r"\caption*{A \textless{}caption\textgreater{} in two lines}",
        r"\begin{adjustbox}{max width=\textwidth}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Name & Dice (\%) & k \\",
        r"\midrule",
        r"a\textbar{}b & 1.00$\pm$2.00 {\scriptsize (n=5, 1 undefined)} & 1 \\",
        r"c,d & n/a {\scriptsize (n=0)} & 2 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{adjustbox}",
        r"\begin{minipage}{\textwidth}",
        r"\footnotesize",
        r"\par\smallskip\noindent note\_1",
        r"\end{minipage}",
        r"\end{table}",
    ]


def test_latex_of_more_rows_than_a_page_holds_breaks_across_pages() -> None:
    rows = to_latex(Table(pd.DataFrame({"k": range(41)}), "Long", ("A note.",))).splitlines()
    assert r"\begin{longtable}{r}" in rows
    assert r"\begin{table}[htbp]" not in rows
    # The head is repeated on every page, the caption is not.
    assert rows.count(r"k \\") == 2
    assert sum(r"\caption" in row for row in rows) == 1
    assert r"\begin{table}[htbp]" in to_latex(Table(pd.DataFrame({"k": range(40)}), "Short")).splitlines()


def test_latex_rows_do_not_begin_with_an_argument_of_the_row_before() -> None:
    rows = to_latex(Table(pd.DataFrame({"k": ["[1, 2]", "*", "a"]}), "")).splitlines()
    assert rows[9:12] == [r"{}[1, 2] \\", r"{}* \\", r"a \\"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\ { } # $ % & _ ~ ^", r"\textbackslash{} \{ \} \# \$ \% \& \_ \textasciitilde{} \textasciicircum{}"),
        ("59.19±20.49", r"59.19$\pm$20.49"),
        ("A–E", r"A\textendash{}E"),
        ("a--b---c", "a-{}-b-{}-{}-c"),
        ("[-1.5, 2] STO-1", "[$-$1.5, 2] STO-1"),
        ("p<0.0001", r"p\textless{}0.0001"),
        ("≥ 0.175 mm³", r"$\geq$ 0.175 mm$^3$"),
        ("κ ± 1.96 sd/√folds ≈ ∞", r"$\kappa$ $\pm$ 1.96 sd/$\surd$folds $\approx$ $\infty$"),
        ("Sønderborg, Århus, Łódź, Besançon: 5 µm", "Sønderborg, Århus, Łódź, Besançon: 5 µm"),
        ("Ą Đ Þ „a“ « ά x₂ ﬁ", r"A D Th ,,a“ $\ll$ $\alpha$ x2 fi"),
        ("Ga\N{COMBINING RING ABOVE}rd\N{ZERO WIDTH SPACE}en 中", "Gården [U+4E2D]"),
    ],
)
def test_latex_escapes_text(text: str, expected: str) -> None:
    assert escaped(text) == expected


_COMMANDS = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textasciigrave{}": "`",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    r"$\pm$": "±",
    r"$\times$": "×",
    r"$\leq$": "≤",
    r"$\geq$": "≥",
    "$-$": "-",
    "$^3$": "³",
    "-{}": "-",
    r"\textendash{}": "–",
    **{f"\\{sign}": sign for sign in "{}#$%&_"},
}
_TOKEN = re.compile("|".join(re.escape(command) for command in sorted(_COMMANDS, key=len, reverse=True)) + "|(.)")


def _typeset(latex: str) -> str:
    """What LaTeX prints of escaped text; fails on a special that was left as it was."""

    def printed(token: re.Match[str]) -> str:
        assert token[1] is None or token[1] not in "\\{}#$%&_~^"
        return _COMMANDS.get(token[0], token[0])

    return _TOKEN.sub(printed, latex)


@given(st.text("\\{}#$%&_~^<>|`-–±≤≥×³ aB1.[]*\n"))
def test_latex_prints_every_text_as_it_is(text: str) -> None:
    assert _typeset(escaped(text)) == " ".join(text.split())


def test_one_table_is_written_in_all_four_forms(tmp_path: Path) -> None:
    files = {form: tmp_path / "tables" / f"small.{form}" for form in ("csv", "md", "tex", "html")}
    write_table(_small(), files)
    written = {form: path.read_text(encoding="utf-8") for form, path in files.items()}
    assert written == {
        "csv": to_csv(_small()),
        "md": to_markdown(_small()),
        "tex": to_latex(_small()),
        "html": to_html(_small()),
    }


def _inputs_frame() -> pd.DataFrame:
    """As Tukey's range test leaves it: one pair tested, one not."""
    columns = ["arch", "inputs_1", "inputs_2", "n_1", "n_2", "mean_difference", "low", "high"]
    frame = pd.DataFrame(
        [
            ("one", "A", "B", 51, 50, -0.0681, -0.1499, 0.0137, 0.12345, False, ""),
            ("two", "A", "B", 51, 1, 0.02, NAN, NAN, NAN, pd.NA, "no test: fewer than two patients"),
        ],
        columns=[*columns, "p_value", "significant", "note"],
    )
    return frame.astype({"significant": "boolean"})


def test_tukeys_table_is_in_percentage_points_and_names_untested_pairs() -> None:
    table = supplement.tukey(_inputs_frame(), LABELS, STATISTICS)
    first, second = table.frame.to_dict("records")
    assert first == {
        "Arch.": "Net 1",
        "Input 1": "A",
        "Input 2": "B",
        "n 1": 51,
        "n 2": 50,
        "Difference (points)": "-6.81",
        "95 % interval": "[-14.99, 1.37]",
        "p": "0.1235",
        "Significant": "no",
        "Note": "",
    }
    assert [second[name] for name in ("95 % interval", "p", "Significant", "Note")] == [
        "[n/a]",
        "n/a",
        "n/a",
        "no test: fewer than two patients",
    ]
    assert "p < 0.05" in table.caption


def test_an_empty_column_of_notes_is_dropped() -> None:
    table = supplement.tukey(_inputs_frame().head(1), LABELS, STATISTICS)
    assert "Note" not in table.frame.columns


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (supplement.tukey, "each network has one input only."),
        (supplement.architectures, "there is one network only."),
        (supplement.raters, "there is nothing to compare."),
        (supplement.intervals, "there is no model."),
        (supplement.overlaps, "there is one model only."),
    ],
)
def test_a_supplementary_table_without_rows_states_the_reason(build: Any, reason: str) -> None:
    columns = ["inputs", "split", "arch", "arch_1", "inputs_1", "arch_2", "inputs_2"]
    table = build(pd.DataFrame(columns=columns), LABELS, STATISTICS)
    assert table.frame.empty
    assert table.notes == (f"No rows: {reason}",)
    for text in (to_markdown(table), to_latex(table), to_html(table)):
        assert reason in text
    assert len(to_csv(table).splitlines()) == 1


def test_the_networks_table_names_models_and_counts_patients() -> None:
    columns = ["arch_1", "inputs_1", "arch_2", "inputs_2", "n_1", "n_2", "median_1", "median_2", "u_statistic"]
    frame = pd.DataFrame(
        [("one", "B", "other", "E", 51, 50, 0.6161, 0.4376, 1700.5, 0.0023, True, "1 undefined left out")],
        columns=[*columns, "p_value", "significant", "note"],
    )
    (row,) = supplement.architectures(frame, LABELS, STATISTICS).frame.to_dict("records")
    assert row == {
        "Model 1": "Net 1 B",
        "Model 2": "other E",
        "Median DSC-P 1 (%)": Cell("61.61", 51),
        "Median DSC-P 2 (%)": Cell("43.76", 50),
        "U": "1700.5",
        "p": "0.0023",
        "Significant": "yes",
        "Note": "1 undefined left out",
    }


def test_the_raters_table_names_reference_and_opponent() -> None:
    columns = ["reference", "arch", "inputs", "against", "label", "kind", "n_model", "n_other", "median_model"]
    columns += ["median_other"]
    frame = pd.DataFrame(
        [
            (
                "reference_standard",
                "two",
                "B",
                "someone",
                "Novice 1",
                "rater",
                14,
                13,
                0.45,
                0.4,
                100.0,
                0.00001,
                True,
                "",
            )
        ],
        columns=[*columns, "u_statistic", "p_value", "significant", "note"],
    )
    (row,) = supplement.raters(frame, LABELS, STATISTICS).frame.to_dict("records")
    assert row == {
        "Reference": "reference standard",
        "Model": "Net 2 B",
        "Against": "Novice 1",
        "Median Jaccard, model (%)": Cell("45.00", 14),
        "Median Jaccard, other (%)": Cell("40.00", 13),
        "U": "100.0",
        "p": "<0.0001",
        "Significant": "yes",
    }


def _intervals_frame() -> pd.DataFrame:
    rows = [
        ("one", "A", "validation", "normal", "sensitivity", 98.0, 88.2, 107.8, 883, 0, ""),
        ("one", "A", "validation", "normal", "specificity", NAN, NAN, NAN, 0, 883, "not estimable: undefined"),
        ("one", "A", "validation", "normal", "balanced_accuracy", 50.0, NAN, NAN, 883, 0, "no interval: one fold only"),
        ("one", "A", "test", "BCa", "sensitivity", 98.04, 88.24, 100.0, 73, 0, ""),
    ]
    columns = ["arch", "inputs", "split", "method", "rate", "estimate", "low", "high", "n", "undefined", "note"]
    return pd.DataFrame(rows, columns=columns)


def test_the_intervals_table_has_a_row_for_each_model_and_split() -> None:
    table = supplement.intervals(_intervals_frame(), LABELS, STATISTICS)
    validation, test = table.frame.to_dict("records")
    assert validation == {
        "Input": "A",
        "Data": "Val",
        "Arch.": "Net 1",
        "Method": "normal",
        "Sensitivity (%)": Cell("98.00 [88.20, 107.80]", 883),
        "Specificity (%)": Cell("n/a [n/a]", 0, 883),
        "bAcc (%)": Cell("50.00 [n/a]", 883),
        "Note": "Specificity: not estimable: undefined; bAcc: no interval: one fold only",
    }
    alike = _intervals_frame().assign(note="no interval")
    (first, _) = supplement.intervals(alike, LABELS, STATISTICS).frame["Note"]
    assert first == "Sensitivity, Specificity, bAcc: no interval"
    assert (test["Data"], test["Method"], test["Sensitivity (%)"].text) == ("Test", "BCa", "98.04 [88.24, 100.00]")
    assert "1000 resamples" in table.caption
    assert "± 1.96 sd" in table.caption


def test_the_overlaps_table_has_a_row_for_each_pair_and_split() -> None:
    rows = [
        (split, rate, "one", "A", "two", "B", answer)
        for split, rate, answer in (
            ("validation", "sensitivity", True),
            ("validation", "specificity", False),
            ("validation", "balanced_accuracy", pd.NA),
            ("test", "sensitivity", False),
        )
    ]
    columns = ["split", "rate", "arch_1", "inputs_1", "arch_2", "inputs_2", "significant"]
    frame = pd.DataFrame(rows, columns=columns).astype({"significant": "boolean"})
    validation, test = supplement.overlaps(frame, LABELS, STATISTICS).frame.to_dict("records")
    assert validation == {
        "Data": "Val",
        "Model 1": "Net 1 A",
        "Model 2": "Net 2 B",
        "Sensitivity": "significant",
        "Specificity": "overlap",
        "bAcc": "not comparable",
    }
    assert (test["Data"], test["Sensitivity"]) == ("Test", "overlap")


def test_a_supplementary_table_is_built_from_its_file(tmp_path: Path) -> None:
    _inputs_frame().to_parquet(tmp_path / "inputs.parquet", index=False)
    found = supplementary_table("tukey", str(tmp_path / "inputs.parquet"), LABELS, STATISTICS)
    assert found.caption == supplement.tukey(_inputs_frame(), LABELS, STATISTICS).caption
    assert found.frame.to_dict() == supplement.tukey(_inputs_frame(), LABELS, STATISTICS).frame.to_dict()


def test_p_values_intervals_and_answers_are_printed_without_nan() -> None:
    assert [p_value(value) for value in (0.0023, 0.00009, 0.0001, 1.0, NAN)] == [
        "0.0023",
        "<0.0001",
        "0.0001",
        "1.0000",
        "n/a",
    ]
    assert (interval(-1.0, 2.005), interval(NAN, NAN)) == ("[-1.00, 2.00]", "[n/a]")
    assert [yes_or_no(answer) for answer in (True, False, None, pd.NA)] == ["yes", "no", "n/a", "n/a"]


def test_numbers_have_fixed_decimals_and_nan_is_not_available() -> None:
    assert (number(1.005e2), number(NAN), number(2, 1)) == ("100.50", "n/a", "2.0")
    assert mean_sd(Pooled(NAN, NAN, 0, 3, 1)) == Cell("n/a", 0, 3)
    assert mean_sd(Pooled(0.5, 0.25, 4, 0, 0), 100) == Cell("50.00±25.00", 4)
    assert median([3.0, NAN, 1.0]) == Cell("2.000", 2, 1)
    assert median([NAN]) == Cell("n/a", 0, 1)
    assert (plain(5, 7), plain(NAN, 7)) == (Cell("5.00", 7), Cell("n/a", 0, 7))


def test_the_column_of_notes_has_room_for_sentences_in_html() -> None:
    html = to_html(Table(pd.DataFrame({"Model": ["nnU-Net B"], "Note": ["not estimable: one patient"]}), "Caption."))
    assert '<th scope="col">Model</th><th scope="col" class="sentence">Note</th>' in html


def _long_of(cells: list[str], columns: int = 1) -> str:
    return to_latex(Table(pd.DataFrame({f"k{n}": cells for n in range(columns)}), "Long"))


def test_a_long_table_takes_the_largest_letters_that_fit() -> None:
    sizes = [_long_of(["12.34±5.67"] * 41, columns).splitlines()[2].partition("{")[0] for columns in (5, 6, 9)]
    assert sizes[0] == r"\footnotesize\setlength"
    turned = [r"\begin{landscape}" in _long_of(["12.34±5.67"] * 41, columns) for columns in (3, 9)]
    assert turned == [False, True]


def test_a_long_table_breaks_the_lines_of_a_column_of_sentences_and_says_what_it_needs() -> None:
    printed = _long_of(["a sentence that nobody could print on one line, whatever the letters, " * 4] * 41, 2)
    assert printed.startswith("% Needs \\usepackage{adjustbox, array, booktabs, caption, longtable, pdflscape}")
    assert printed.count(r">{\raggedright\arraybackslash}p{") == 2


def test_a_table_whose_caption_leaves_no_room_breaks_across_pages() -> None:
    rows = pd.DataFrame({"k": range(36)})
    assert r"\begin{longtable}" in to_latex(Table(rows, "many words " * 110))
    assert r"\begin{longtable}" not in to_latex(Table(rows, "few words"))
