"""The rule files of the workflow as text: every rule's name and body, also of rules that a condition indents."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

HOUSE = Path(__file__).resolve().parent.parent
RULE_FILES = sorted((HOUSE / "rules").glob("*.smk"))
_RULE = re.compile(r"^( *)rule (\w+):\n((?:(?:\1 +.*)?\n)*)", re.MULTILINE)
_VARIANT = re.compile(r"^ *use rule (\w+) as (\w+) with:\n", re.MULTILINE)
_ANY = re.compile(r"^ *(?:use rule \w+ as (\w+)|(?:rule|checkpoint)\b *(\w*))", re.MULTILINE)


def rules_in(text: str, others: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """The body of every rule by name, without the indentation of the rule itself; a variant has that of its rule.

    ``others`` are the rules of other files, of which this one may have variants.
    """
    rules = {name: textwrap.dedent(body) for _, name, body in _RULE.findall(text)}
    rules = {name: textwrap.indent(body, " " * 4) for name, body in rules.items()}
    known = {**others, **rules}
    return rules | {variant: known[name] for name, variant in _VARIANT.findall(text)}


def names_in(text: str) -> list[str]:
    """Whatever begins a rule, read more loosely than ``rules_in`` does; an empty name for a rule without one."""
    return [variant or name for variant, name in _ANY.findall(text)]


_WRITTEN_OUT = {
    name: body for file in RULE_FILES for name, body in rules_in(_VARIANT.sub("", file.read_text())).items()
}
RULES = {name: body for file in RULE_FILES for name, body in rules_in(file.read_text(), _WRITTEN_OUT).items()}
