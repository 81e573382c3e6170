"""Word the errors that pydantic finds in a configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from residua.errors import ResiduaError
from residua.settings.together import Key, Settings, contradictions


def validated(model: type[Settings], found: dict[str, Any], explained_in: str, whole: str, refusal: str) -> Settings:
    """Return what a configuration says. Raises ``ResiduaError``: ``refusal``, and one line per problem."""
    try:
        return model.model_validate(found)
    except ValidationError as error:
        lines = problem_lines(error, explained_in, whole, contradictions(model, found))
        raise ResiduaError(f"{refusal}:\n{lines}") from None


def problem_lines(
    error: ValidationError, explained_in: str, whole: str, contradicting: Mapping[Key, str] | None = None
) -> str:
    """Return one indented line per problem: the key, what is wrong and what was found.

    ``explained_in`` names the document that lists the keys; ``whole`` stands for the key where a problem concerns
    several. ``contradicting`` is what ``contradictions`` found; ``error`` holds some of it.
    """
    sections = dict(contradicting or {})
    lines = [
        f"  {_key(problem['loc']) or whole}: {described}"
        for problem in error.errors()
        if (described := _described(problem, explained_in)) not in sections.get(problem["loc"], "")
    ]
    return "\n".join([*lines, *(f"  {_key(location) or whole}: {what}" for location, what in sections.items())])


def _key(location: Key) -> str:
    return ".".join(str(part) for part in location)


def _described(problem: Any, explained_in: str) -> str:
    kind, value = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return f"unknown key; see {explained_in} for the known keys"
    message = re.sub(r"^Value error, ", "", problem["msg"])
    if kind in ("missing", "value_error"):
        return message
    # YAML reads 0123 as the number 83.
    hint = ": put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""
    return f"{message} (found {value!r}){hint}"
