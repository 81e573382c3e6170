"""Render pages of one style from templates; a page loads no other file."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def rendered(package: str, template: str, **contents: Any) -> str:
    """Render a template of ``package``. Texts are escaped; ``head`` and ``style`` are those of all pages."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["typeset"] = typeset
    head, style = (Markup(_text("residua.pages", name)) for name in ("head.html", "style.css"))
    return environment.from_string(_text(package, template)).render(head=head.rstrip(), style=style, **contents)


def typeset(text: str) -> str:
    """Keep numbers and units on one line: ``59 %`` and ``n = 51`` are not broken."""
    return text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
