"""What a crate takes from the results of a run: by name, so that nothing else leaves the study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from residua.settings.study import Study
from residua.wiring import digests

TABLES = (
    *("table1", "table2", "table3", "table4", "table_s2", "baseline"),
    *("tukey", "architectures", "intervals", "overlaps", "nested", "subsets", "conventions", "raters", "rater_ranks"),
    *("resection", "rano", "prognosis", "survival", "subgroups", "subgroup_tests", "between_hospitals"),
    *("paired_dice", "paired_friedman", "paired_classification", "paired_auroc", "paired_raters"),
)
"""Tables, all of which count patients and name none."""
FIGURES = (
    *("flow", "figure4", "resection", "kaplan_meier", "hospitals", "subgroups"),
    *("pipeline", "discrimination", "agreement", "dice_by_volume", "calibration", "confusion", "learning_curves"),
)
"""Figures without a scan of a patient."""
FIGURES_OF_SCANS = ("figure1", "figure3")
_PAGES = ("methods.md", "references.bib", "claim.md", "claim.csv", "tripod_ai.md", "tripod_ai.csv")
_PAGE_OF_SCANS = "index.html"
_TABLE_FORMS, _FIGURE_FORMS = ("csv", "html", "md", "tex"), ("pdf", "png", "txt")
_WORKFLOW = ("rules/*.smk", "scripts/*.py", "envs/*.yaml", "LICENSE")


def results_of(study: Path, pictures: bool) -> list[Path]:
    """Return the results that a crate holds: tables, figures and pages, those with scans only with ``pictures``."""
    figures = (*FIGURES, *FIGURES_OF_SCANS) if pictures else FIGURES
    pages = (*_PAGES, _PAGE_OF_SCANS) if pictures else _PAGES
    names = [
        *_names("tables", TABLES, _TABLE_FORMS),
        *_names("figures", figures, _FIGURE_FORMS),
        *sorted(f"report/{page}" for page in pages),
    ]
    return [file for file in (study / "results" / name for name in names) if file.is_file()]


def _names(folder: str, stems: Iterable[str], forms: Iterable[str]) -> list[str]:
    return [f"{folder}/{stem}.{form}" for stem in sorted(stems) for form in forms]


def workflow_of(house: Path) -> list[Path]:
    """Return the files of the workflow beside its Snakefile, without hidden ones."""
    found = [file for pattern in _WORKFLOW for file in sorted(house.glob(pattern))]
    return [file for file in found if file.is_file() and not file.name.startswith(".")]


def changed_stages(study: Study, house: Path, report: Path) -> list[str]:
    """Return the stages whose code in a checkout is not that which the report of the run names by its digest."""
    page = report.read_text(encoding="utf-8")
    return [name for name, digest in digests.of_stages(study, house).items() if f"<code>{digest}</code>" not in page]
