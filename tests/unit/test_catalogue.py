"""Every check that the code can name is described, and nothing is described that it cannot name."""

from __future__ import annotations

import ast
import re

from cohort_tables import ROOT
from residua.problems import severity
from residua.problems.catalogue import CATALOGUE, to_markdown
from residua.problems.problem import failed
from residua.problems.severity import severity_of

LIBRARY = ROOT / "src" / "residua"
CHECKING = ("cohort", "external", "registration", "brain")
NO_CHECKS = {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "hold-out", "hd-bet"}


def named_in_the_code() -> set[str]:
    """All texts in the code that look like the name of a check."""
    texts = set()
    of_folders = (file for folder in CHECKING for file in (LIBRARY / folder).rglob("*.py"))
    for file in (*of_folders, LIBRARY / "inference" / "dicom_scans.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text)} - NO_CHECKS


def test_the_catalogue_has_just_the_checks_of_the_code() -> None:
    names = [name for checks in CATALOGUE.values() for name in checks]
    assert len(names) == len(set(names))
    assert set(names) == named_in_the_code()


def test_the_page_has_a_line_for_each_check() -> None:
    page = to_markdown()
    for checks in CATALOGUE.values():
        for name, finds in checks.items():
            assert f"| `{name}` | {severity_of(name)} | {finds} |\n" in page


def test_every_severity_is_that_of_a_known_check() -> None:
    known = {name for checks in CATALOGUE.values() for name in checks}
    assert known >= (severity._WARNINGS | severity._INELIGIBLE)
    assert not severity._WARNINGS & severity._INELIGIBLE


def test_a_failed_registration_or_brain_mask_is_an_error() -> None:
    for group in ("Registrations", "Extracted brain masks"):
        assert {severity_of(name) for name in CATALOGUE[group]} == {"error"}
    assert failed("extraction-empty", "", "", "", "").severity == "error"
