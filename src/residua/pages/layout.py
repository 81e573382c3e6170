"""Render pages of one style from templates; a page loads no other file."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def rendered(package: str, template: str, **contents: Any) -> str:
    """Render a template of ``package``. Texts are escaped; ``head`` and ``style`` are those of all pages.

    The page's policy allows the script of the template, if it has one, and no other.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["typeset"] = typeset
    source, style = _text(package, template), Markup(_text("residua.pages", "style.css"))
    head = environment.from_string(_text("residua.pages", "head.html")).render(script=_script_digest(source))
    return environment.from_string(source).render(head=Markup(head), style=style, **contents)


def typeset(text: str) -> str:
    """Keep numbers and units on one line: ``59 %`` and ``n = 51`` are not broken."""
    return text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0")


def _script_digest(source: str) -> str:
    script = re.search("<script>(.*?)</script>", source, re.DOTALL)
    return base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode() if script else ""


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
