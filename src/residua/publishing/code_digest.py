"""The digest of the code that made a file: it changes with what the code does, not with its layout."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

Said = tuple[str, list[str]]
"""The digest of a file's code, and the names that it imports."""
_SETTINGS = "settings"
"""Name of the folders and modules whose values reach a rule through its params."""


def read_code(text: str) -> Said:
    """Return what the text of a file says."""
    names: set[str] = set()
    canonical = _canonical(ast.parse(text), names)
    return hashlib.sha256(canonical.encode()).hexdigest(), sorted(names)


def code_digest(
    script: Path, library: Path, modules: Sequence[str] = (), read: Callable[[str], Said] = read_code
) -> str:
    """Return the digest of a script and of all modules below ``library`` that it imports, directly or through others.

    ``modules`` are those that it finds by name at run time. Comments, layout and docstrings do not count: editing
    them reruns nothing. Nor do the modules of the settings, whose values reach a rule by its params. ``read`` may
    remember what it once read.
    """
    files = code_files(script, library, modules, read)
    parts = sorted(f"{path.name}:{text}" for path, text in files.items())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def code_files(
    script: Path, library: Path, modules: Sequence[str] = (), read: Callable[[str], Said] = read_code
) -> dict[Path, str]:
    """Return the files that ``code_digest`` covers, each with the digest of its own code."""
    seen: dict[Path, str] = {}
    waiting = [script, *(file for name in modules for file in _files_of(name, library))]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen[path], imported = _parsed(path, library, read)
            waiting.extend(imported)
    return seen


@cache
def _parsed(path: Path, library: Path, read: Callable[[str], Said]) -> tuple[str, tuple[Path, ...]]:
    digest, names = read(path.read_text(encoding="utf-8"))
    return digest, tuple(file for name in names for file in _files_of(name, library))


def _canonical(node: object, names: set[str]) -> str:
    """Return the code as text that is the same in every version of Python, and add the modules it imports to ``names``.

    Like ``ast.dump`` without empty fields and without remarks. One pass for both: every start of the workflow needs it.
    """
    if isinstance(node, list):
        return f"[{', '.join([_canonical(item, names) for item in node if not _is_remark(item)])}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Import | ast.ImportFrom):
        names |= _imported(node)
    fields = [(name, _canonical(value, names)) for name, value in ast.iter_fields(node) if value is not None]
    return f"{type(node).__name__}({', '.join([f'{name}={text}' for name, text in fields if text != '[]'])})"


def _is_remark(node: object) -> bool:
    """Return whether a statement does nothing: a string that stands alone, such as a docstring, or ``pass``."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Pass)


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    return {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)} if node.module else set()


@cache
def _files_of(name: str, library: Path) -> tuple[Path, ...]:
    """Return the files of the library that importing ``name`` runs: the module and its packages."""
    parts = name.split(".")
    if parts[0] not in _top_level(library):
        return ()
    candidates = [library.joinpath(*parts).with_suffix(".py")]
    candidates += [library.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    return tuple(file for file in candidates if file.is_file() and not _is_settings(file.relative_to(library)))


@cache
def _top_level(library: Path) -> set[str]:
    return {entry.stem for entry in library.iterdir()}


def _is_settings(file: Path) -> bool:
    return _SETTINGS in (*file.parts, file.stem)
