"""Show in the terminal why jobs would start, and what is damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from residua.operations.spans import span
from residua.operations.verify import Verification
from residua.operations.why import Explanation
from residua.problems.first_few import first_few

_SHOWN = 5


def cause_table(explanation: Explanation) -> RenderableType:
    """Return the table of the causes, stage by stage, and the command that was asked."""
    asked = Text(f"Asked: {explanation.command}", style="dim")
    if not explanation.causes:
        return Group(Text("Nothing is to be done."), asked)
    table = Table("stage", "why")
    table.add_column("jobs", justify="right")
    table.add_column("computing, about", justify="right")
    for cause in explanation.causes:
        why = cause.reason + (f": {first_few(cause.changed, _SHOWN)}" if cause.changed else "")
        table.add_row(cause.stage, Text(why), str(cause.jobs), span(cause.seconds) or "not known")
    jobs, seconds = sum(cause.jobs for cause in explanation.causes), [cause.seconds for cause in explanation.causes]
    known = sum(each for each in seconds if each is not None)
    table.add_row("in all", "", str(jobs), span(known) + (" and more" if None in seconds else ""), style="bold")
    return Group(table, Text("Times are means of this study's earlier jobs, one after the other."), asked)


def verification_lines(found: Verification, commands: Sequence[str]) -> Iterator[str]:
    """Yield what the terminal says of a verification; ``commands`` make again what is damaged."""
    yield f"{found.files} files and {found.folders} folders of results were compared with their digests."
    if found.missing:
        deleted = first_few(found.missing, _SHOWN)
        yield f"{len(found.missing)} were deleted; the next run makes again those it needs: {deleted}"
    yield from found.damaged
    if commands:
        yield "These commands make again what is damaged, and then what was made of it:"
        yield from (f"  {command}" for command in commands)
    yield f"Damaged: {len(found.damaged)}." if found.damaged else "Nothing is damaged."
