"""Pages of one look: a template filled in, with the style of the report, that needs nothing beside it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def rendered(package: str, template: str, **contents: Any) -> str:
    """The page of a template that lies in ``package``; texts are escaped, ``head`` and ``style`` are common to all."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["typeset"] = typeset
    head, style = (Markup(_text("residua.pages", name)) for name in ("head.html", "style.css"))
    return environment.from_string(_text(package, template)).render(head=head.rstrip(), style=style, **contents)


def typeset(text: str) -> str:
    """Text whose numbers stay on one line with their unit: ``59 %`` and ``n = 51`` are not broken."""
    return text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
