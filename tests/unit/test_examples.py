"""Examples in docstrings run, and every public function of the numerical packages has one."""

from __future__ import annotations

import ast
import doctest
from importlib import import_module
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "src" / "residua"
PACKAGES = ("images", "metrics", "resection", "segmentation", "statistics")
FILES = [file for package in PACKAGES for file in sorted((LIBRARY / package).glob("[a-z]*.py"))]
NAMES = [f"residua.{file.parent.name}.{file.stem}" for file in FILES]
WITH_EXAMPLES = [
    ".".join(("residua", *file.relative_to(LIBRARY).with_suffix("").parts))
    for file in sorted(LIBRARY.rglob("[a-z]*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_the_results_that_they_state(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_public_function_has_an_example(file: Path) -> None:
    functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    public = [node for node in functions if not node.name.startswith("_")]
    assert [node.name for node in public if ">>> " not in (ast.get_docstring(node) or "")] == []
