"""Generated files of the repository.

``config.schema.json`` and ``docs/reference/config.md`` come from the models of ``residua.settings``,
``docs/explanation/deviations.md`` from the report's list, ``docs/reference/checks.md`` from the catalogue of checks,
``docs/reference/metrics.md`` from the registry of metrics, ``docs/reference/cli.md`` from the Typer application.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from residua import cli_docs
from residua.errors import ResiduaError
from residua.metrics import page as metrics_page
from residua.problems import catalogue
from residua.publishing.publish import write_text
from residua.report.deviations import to_markdown
from residua.settings.base import COLUMN, IDENTIFIER
from residua.settings.study import Study

SCHEMA = Path("config.schema.json")
PAGE = Path("docs/reference/config.md")
DEVIATIONS = Path("docs/explanation/deviations.md")
CHECKS = Path("docs/reference/checks.md")
METRICS = Path("docs/reference/metrics.md")
COMMANDS = Path("docs/reference/cli.md")
_INTRODUCTION = """# The configuration

Generated from `src/residua/settings/`, `src/residua/networks/*/settings.py` and `config.yaml` by `residua schema`; do
not edit. "Published" is the value in `config.yaml`, the study as published. An unknown key, a missing key or a wrong
type is an error before any job starts. An identifier holds the letters A-Z and a-z and digits only; a column is a
column of the cohort table.

| Key | Type | Published | Meaning |
| --- | --- | --- | --- |
"""
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_NAMES = {IDENTIFIER: "identifier", COLUMN: "column"}
_ABSENT = object()


def generated(published: Mapping[str, Any], app: typer.Typer) -> dict[Path, str]:
    """Return the text of each generated file by its path in the repository.

    ``published`` is the content of config.yaml, ``app`` the command ``residua``.
    """
    schema = Study.model_json_schema()
    return {
        SCHEMA: json.dumps(schema, indent=1, ensure_ascii=False) + "\n",
        PAGE: _page(schema, published),
        DEVIATIONS: to_markdown(),
        CHECKS: catalogue.to_markdown(),
        METRICS: metrics_page.to_markdown(),
        COMMANDS: cli_docs.to_markdown(app),
    }


def write_docs(root: Path, published: Mapping[str, Any], app: typer.Typer) -> None:
    """Write the generated files into the repository at ``root``."""
    for path, text in generated(published, app).items():
        write_text(root / path, text)


def require_current(root: Path, published: Mapping[str, Any], app: typer.Typer) -> None:
    """Raise ``ResiduaError`` that names each generated file in ``root`` that is missing or out of date."""
    drifted = [path for path, text in generated(published, app).items() if _content(root / path) != text]
    if drifted:
        names = ", ".join(path.as_posix() for path in drifted)
        raise ResiduaError(f"{names}: out of date with the code or config.yaml; run: residua schema")


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _page(schema: Mapping[str, Any], published: Mapping[str, Any]) -> str:
    return _INTRODUCTION + "".join(f"| {' | '.join(row)} |\n" for row in _rows(schema, schema["$defs"], published, ""))


def _rows(
    model: Mapping[str, Any], definitions: Mapping[str, Any], published: Any, prefix: str
) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model["properties"].items():
        value = published.get(name, _ABSENT) if isinstance(published, Mapping) else _ABSENT
        sections = _sections(field, definitions)
        only_section = len(sections) == 1 and set(_kind(field).split(" or ")) <= {"section", "null"}
        kind = "section" if only_section else _kind(field)
        shown = "" if only_section or value is _ABSENT else _code(json.dumps(value, ensure_ascii=False))
        meaning = field.get("description") or next((section["description"] for section in sections), "")
        yield f"`{prefix}{name}`", _cell(kind), shown, _cell(meaning)
        for section in sections:
            yield from _rows(section, definitions, value, f"{prefix}{name}.")
        for section in _sections_of_any_name(field, definitions):
            yield from _rows(section, definitions, _ABSENT, f"{prefix}{name}.*.")


def _sections(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the sections that may stand under a key: several where the key can be filled in several ways."""
    options = (field, *field.get("anyOf", ()))
    return [definitions[option["$ref"].rsplit("/", 1)[-1]] for option in options if "$ref" in option]


def _sections_of_any_name(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the section that stands under each name of a map, if it holds sections."""
    return [found for values in field.get("patternProperties", {}).values() for found in _sections(values, definitions)]


def _kind(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(option) for option in field["anyOf"]))
    if "$ref" in field:
        return "section"
    if "const" in field or "enum" in field:
        return " or ".join(json.dumps(value) for value in field.get("enum", [field.get("const")]))
    if "prefixItems" in field:
        return f"[{', '.join(_kind(item) for item in field['prefixItems'])}]"
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}{', each once' if field.get('uniqueItems') else ''}"
    if field.get("type") == "object":
        values = [*field.get("patternProperties", {}).values(), field.get("additionalProperties")]
        return f"map to {_kind(next(value for value in values if isinstance(value, Mapping)))}"
    if "pattern" in field:
        return _NAMES.get(field["pattern"], f"string matching {field['pattern']}")
    bounds = [f"{sign} {field[key]}" for key, sign in _BOUNDS.items() if key in field]
    return " ".join([str(field["type"]), *bounds])


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
