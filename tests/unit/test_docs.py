"""The documentation names only what exists, and nothing that a user calls is missing in it."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import get_type_hints

import pytest
import typer
import yaml

from residua.cli import app
from residua.cli_docs import commands
from residua.importers.command import LAYOUTS
from residua.metrics.voxelwise import CaseMetrics
from residua.quality.flags import Flag
from residua.raters import paired
from residua.statistics import (
    compare_architectures,
    compare_inputs,
    conventions,
    intervals,
    nested,
    overlaps,
    paired_classification,
    paired_dice,
)

HOUSE = Path(__file__).resolve().parents[2]
DOCS = HOUSE / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [
    *PAGES,
    *(page for page in sorted(HOUSE.glob("*.md")) if page.name != "CHANGELOG.md"),
    *sorted((HOUSE / ".github").rglob("*.md")),
]
"""All texts but the changelog, which names what existed at the time."""
GENERATED = {DOCS / "reference" / f"{name}.md" for name in ("config", "checks", "cli", "metrics")} | {
    DOCS / "explanation" / "deviations.md"
}
FOLDERS = (".ci", ".github", "benchmarks", "docs", "envs", "profiles", "rules", "scripts", "src", "tests")
CODE_BLOCK = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return page.relative_to(HOUSE).as_posix()


def prose(page: Path) -> str:
    return CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    return {
        re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in HEADING.findall(prose(page))
    }


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_every_link_between_pages_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        target, _, anchor = link.partition("#")
        if "://" in link:
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", TEXTS, ids=name_of)
def test_every_path_of_the_repository_that_a_page_names_exists(page: Path) -> None:
    words = chain.from_iterable(code.split() for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")))
    missing = {word for word in words if re.fullmatch(r"[\w./-]+", word) and not _exists(word)}
    assert missing == set()


def _exists(word: str) -> bool:
    first = word.split("/")[0]
    if (first in FOLDERS and "/" in word) or word.endswith((".smk", ".py")):
        places = (HOUSE, HOUSE / "src" / "residua", HOUSE / "src" / "residua" / "networks")
        return any((place / word).exists() for place in places) or (
            "/" not in word and any((HOUSE / "src").rglob(word))
        )
    return True


def test_the_navigation_lists_every_page_once() -> None:
    listed = re.findall(r"^ +- [^:]+: (\S+\.md)$", (HOUSE / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


def test_the_architecture_describes_every_folder_of_the_library() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    folders = {folder.parent.name for folder in (HOUSE / "src" / "residua").rglob("*/__init__.py")}
    assert {folder for folder in folders if f"{folder}/" not in page} == set()


def test_every_picture_of_the_docs_is_shown_and_small() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in TEXTS)
    for picture in chain.from_iterable((DOCS / "images").rglob(f"*.{kind}") for kind in ("png", "jpg", "svg")):
        assert f"{picture.parent.name}/{picture.name})" in text or f'{picture.parent.name}/{picture.name}"' in text, (
            picture
        )
        assert picture.stat().st_size < 400_000, picture


@pytest.mark.parametrize("page", [page for page in TEXTS if page not in GENERATED], ids=name_of)
def test_lines_of_prose_fit_into_an_editor(page: Path) -> None:
    long = [line for line in prose(page).splitlines() if len(line) > 130 and not line.lstrip().startswith("|")]
    assert long == []


@pytest.mark.parametrize("name", [name for name, _ in commands(typer.main.get_command(app), "residua")])
def test_the_reference_lists_each_command_with_its_options(name: str) -> None:
    command = dict(commands(typer.main.get_command(app), "residua"))[name]
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    options = [spelling for parameter in command.params if parameter.name != "help" for spelling in parameter.opts]
    for spelling in options:
        assert f"{spelling if spelling.startswith('-') else spelling.upper()}" in section
    assert " ".join(command.help.split()) in section


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_reference_lists_every_layout_with_every_parameter_of_its_function(layout: str) -> None:
    module, _, function = LAYOUTS[layout].partition(":")
    command = getattr(importlib.import_module(module), function)
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## residua import {layout}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    listed = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    names = get_type_hints(command).keys() - {"return"}
    assert {"source", "out"} <= names
    assert {row.split(",")[0].lstrip("-").lower().replace("-", "_") for row in listed} == {n.strip("_") for n in names}
    assert " ".join(command.__doc__.split()) in section


def test_the_reference_explains_the_columns_that_the_study_writes() -> None:
    page = (DOCS / "reference" / "columns.md").read_text(encoding="utf-8")
    written = {
        *(field.name for field in fields(CaseMetrics)),
        *(field.name for field in fields(Flag)),
        *chain(compare_inputs.COLUMNS, compare_architectures.COLUMNS, intervals.COLUMNS, overlaps.COLUMNS),
        *chain(paired_dice.COLUMNS, paired_dice.FRIEDMAN_COLUMNS, paired.COLUMNS),
        *chain(conventions.COLUMNS, nested.COLUMNS, paired_classification.COLUMNS, paired_classification.AUROC_COLUMNS),
    }
    assert {column for column in written if f"`{column}`" not in page} == set()


def test_the_reference_lists_every_folder_of_results_that_a_rule_names() -> None:
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (HOUSE / "rules").glob("*.smk"))
    page = (DOCS / "reference" / "results.md").read_text(encoding="utf-8")
    assert {folder for folder in re.findall(r'"results/(\w+)/', rules) if f"results/{folder}/" not in page} == set()


def test_the_citation_names_the_version_and_the_article() -> None:
    citation = yaml.safe_load((HOUSE / "CITATION.cff").read_text(encoding="utf-8"))
    assert f'version = "{citation["version"]}"' in (HOUSE / "pyproject.toml").read_text(encoding="utf-8")
    assert citation["references"][0]["doi"] == "10.1038/s41598-023-45456-x"


def test_the_package_says_that_it_is_typed() -> None:
    assert (HOUSE / "src" / "residua" / "py.typed").is_file()
    assert 'residua = ["py.typed"]' in (HOUSE / "pyproject.toml").read_text(encoding="utf-8")
