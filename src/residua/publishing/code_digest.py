"""The digest of the code that made a file: it changes with what the code does, not with its layout."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_SETTINGS = "settings"
"""Name of the folders and modules whose values reach a rule through its params."""


def code_digest(script: Path, library: Path, modules: Sequence[str] = ()) -> str:
    """Return the digest of a script and of all modules below ``library`` that it imports, directly or through others.

    ``modules`` are those that it finds by name at run time. Comments, layout and docstrings do not count: editing
    them reruns nothing. Nor do the modules of the settings, whose values reach a rule by its params.
    """
    seen: dict[Path, str] = {}
    waiting = [script, *(file for name in modules for file in _files_of(name, library))]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen[path], imported = _parsed(path, library)
            waiting.extend(imported)
    parts = sorted(f"{path.name}:{text}" for path, text in seen.items())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def _parsed(path: Path, library: Path) -> tuple[str, tuple[Path, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = tuple(file for name in sorted(_imported(tree)) for file in _files_of(name, library))
    return hashlib.sha256(_canonical(_WithoutRemarks().visit(tree)).encode()).hexdigest(), imported


def _canonical(node: object) -> str:
    """Return what ``ast.dump`` does without empty fields, in which versions of Python differ."""
    if isinstance(node, ast.AST):
        fields = (f"{name}={_canonical(value)}" for name, value in ast.iter_fields(node) if value not in ([], None))
        return f"{type(node).__name__}({', '.join(fields)})"
    return f"[{', '.join(map(_canonical, node))}]" if isinstance(node, list) else repr(node)


def _imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _files_of(name: str, library: Path) -> list[Path]:
    """Return the files of the library that importing ``name`` runs: the module and its packages."""
    parts = name.split(".")
    candidates = [library.joinpath(*parts).with_suffix(".py")]
    candidates += [library.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    return [file for file in candidates if file.is_file() and not _is_settings(file.relative_to(library))]


def _is_settings(file: Path) -> bool:
    return _SETTINGS in (*file.parts, file.stem)


class _WithoutRemarks(ast.NodeTransformer):
    """Removes statements without effect: strings that stand alone (docstrings, also of values) and ``pass``."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        """Remove a string that stands alone."""
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    def visit_Pass(self, node: ast.Pass) -> None:
        """Remove ``pass``, so that a body of a docstring alone equals an empty one."""
