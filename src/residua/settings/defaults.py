"""Leave settings that have their default out of what describes a study."""

from __future__ import annotations

from collections.abc import Callable


def is_default(default: object) -> Callable[[object], bool]:
    """Return whether a value is the default, as pydantic asks of a field (``exclude_if``).

    A study that does not use a newer setting is then described, and its results carry digests, as before the setting.

    >>> is_default("stop")("stop"), is_default(())(("authors-code-2023",))
    (True, False)
    """
    return lambda value: value == default
