"""What commands show in a terminal: texts as they are, whatever a person or a file called something."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def plain_console(*, stderr: bool = False, soft_wrap: bool = False, highlight: bool = True) -> Console:
    """Return a console that takes no ``[old]`` for markup and no ``:x:`` for an emoji: paths may hold both."""
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=soft_wrap, highlight=highlight, markup=False, emoji=False)
