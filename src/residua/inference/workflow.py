"""Run the workflow on an application's folder, as a user would, and follow its log."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from residua.cluster.workflow import Watch, reasons, run_followed, workflow_command
from residua.errors import ResiduaError
from residua.inference.folder import CONFIG, LOG
from residua.publishing.publish import HELD

_LOCK = ".residua-predict.lock"


def run_workflow(out: Path, cores: int, profile: str | None = None, watch: Watch = lambda text: None) -> None:
    """Run the workflow in ``out`` to its end; what is finished there is not repeated.

    Its output goes to the log in ``out``. Raises ``ResiduaError`` with what the failed jobs said, and when another call
    is at work there.
    """
    command = _command(out, cores, profile)
    with _alone(out) as lock:
        code, said = run_followed(command, out / LOG, watch, [lock])
    if code == 0:
        return
    raise ResiduaError(f"The workflow could not finish; the same command continues it.\n{reasons(said)}\n({out / LOG})")


def _command(out: Path, cores: int, profile: str | None) -> list[str]:
    more = ["--configfile", str((out / CONFIG).absolute()), *(["--profile", profile] if profile else [])]
    return workflow_command("Snakefile", out, cores, *more)


@contextmanager
def _alone(out: Path) -> Iterator[int]:
    out.mkdir(parents=True, exist_ok=True)
    with open(out / _LOCK, "w", encoding="utf-8") as stream:
        try:
            # The workflow inherits it, and may outlive this process where nothing ends it.
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Without locks the run's own record keeps two apart.
            if error.errno in HELD:
                raise ResiduaError(f"{out}: another call of residua predict is at work there; wait for it") from None
        yield stream.fileno()
