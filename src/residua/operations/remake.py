"""The commands that make damaged results of a study again, whether the study is finished or not."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from residua.errors import ResiduaError
from residua.operations.last_command import last_command
from residua.operations.status import require_run
from residua.operations.verify import OF_A_START


def remaking_commands(study: Path, files: Sequence[str]) -> list[str]:
    """Return shell commands that remove ``files``, relative to the folder ``study``, and make them again.

    Snakemake makes nothing again that nothing still to be done needs, unless it is asked for by name. The names come
    first: some options take all that follows them. The last command is that of the last run, for what was made of them.
    """
    if not files:
        return []
    place = study.resolve()
    removed = shlex.join(["rm", *(str(place / file) for file in files)])
    targets = shlex.join(file for file in files if file not in OF_A_START)
    try:
        log, run = require_run(study)
        last = last_command(study, log, run)
    except ResiduaError:
        made = [f"snakemake {targets} … (with the options of the last run)"] if targets else []
        return [removed, *made, "the command of the last run"]
    here = ("--directory", str(place))
    program, options = shlex.join(last.program), shlex.join([*last.options, *here])
    # Targets must stand together: those of the last run make way. One start a file: within one, Snakemake runs all that
    # lies between two files that it makes, trainings too, and between two starts it compares contents.
    made = [f'for file in {targets}; do {program} "$file" {options} || break; done'] if targets else []
    return [f"cd {shlex.quote(run.run_directory)}", removed, *made, last.shown(*here)]
