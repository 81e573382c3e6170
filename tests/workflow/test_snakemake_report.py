"""Snakemake's own report of a finished study holds its tables, figures and pages."""

from __future__ import annotations

import re
from pathlib import Path

from studies import Study


def test_snakemake_reports_a_finished_study_with_tables_figures_and_pages(study: Study, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = study.snakemake("--report", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    text = page.read_text(encoding="utf-8")
    assert all(f'"{category}"' in text for category in ("Tables", "Figures", "Pages"))
    shown = set(re.findall(r"results/(?:tables|figures|quality|report)/\w+\.(?:html|png)", text))
    folder = study.folder / "results"
    made = [*folder.glob("tables/*.html"), *folder.glob("figures/*.png"), folder / "report/index.html"]
    assert shown == {file.relative_to(study.folder).as_posix() for file in [*made, folder / "quality/index.html"]}
    assert study.planned() == []
