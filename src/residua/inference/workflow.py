"""Run the workflow on an application's folder, as a user would, and follow its log."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from residua.cluster.parent_death import end_with_parent
from residua.errors import ResiduaError
from residua.inference.folder import CONFIG, LOG

HOUSE = Path(__file__).resolve().parents[3]
_LOCK = ".residua-predict.lock"
_POLL_S = 0.2
_STILL_BUILDING = "another process is still building this folder"
_WAIT_S, _TRIES = 10.0, 60
"""A job that outlived a killed call is waited for; it ends with what it was doing."""
_SAID = re.compile(r"^(\w+): (.*?)^\(log: (\S+)\)$", re.MULTILINE | re.DOTALL)

Watch = Callable[[str], None]
"""Gets what is new in the workflow's log, again and again."""


def run_workflow(out: Path, cores: int, profile: str | None = None, watch: Watch = lambda text: None) -> None:
    """Run the workflow in ``out`` to its end; what is finished there is not repeated.

    Its output goes to the log in ``out``. Raises ``ResiduaError`` with what the failed jobs said, and when another call
    is at work there.
    """
    if not (HOUSE / "Snakefile").is_file():
        raise ResiduaError(f"{HOUSE}: holds no Snakefile; install Residua from its checkout (make env)")
    with _alone(out) as lock:
        for _ in range(_TRIES):
            code, said = _run(_command(out, cores, profile), out / LOG, lock, watch)
            if code == 0:
                return
            if _STILL_BUILDING not in said:
                break
            time.sleep(_WAIT_S)
    raise ResiduaError(
        f"The workflow could not finish; the same command continues it.\n{_reasons(said)}\n({out / LOG})"
    )


def _command(out: Path, cores: int, profile: str | None) -> list[str]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(HOUSE / "Snakefile")]
    command += ["--configfile", str((out / CONFIG).absolute()), "--directory", str(out.absolute())]
    command += ["--workflow-profile", str(HOUSE / "profiles" / "default"), "--cores", str(cores)]
    # The lock of this module is given up by a killed process; Snakemake's own is not.
    return [*command, "--nolock", *(["--profile", profile] if profile else [])]


@contextmanager
def _alone(out: Path) -> Iterator[int]:
    out.mkdir(parents=True, exist_ok=True)
    with open(out / _LOCK, "w", encoding="utf-8") as stream:
        try:
            # The workflow inherits it, and may outlive this process where nothing ends it.
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ResiduaError(f"{out}: another call of residua predict is at work there; wait for it") from None
        yield stream.fileno()


def _run(command: Sequence[str], log: Path, lock: int, watch: Watch) -> tuple[int, str]:
    """Return the exit status and the text of the log."""
    with open(log, "w", encoding="utf-8") as sink, open(log, encoding="utf-8", errors="replace") as source:
        # A group of its own: an interruption is passed on once, and to all jobs.
        workflow = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=HOUSE, pass_fds=[lock],
            start_new_session=True, preexec_fn=end_with_parent,
        )  # fmt: skip
        read = ""
        try:
            while workflow.poll() is None:
                read += _pass_on(source.read(), watch)
                time.sleep(_POLL_S)
        except BaseException:
            _interrupt(workflow)
            raise
        return workflow.returncode, read + _pass_on(source.read(), watch)


def _pass_on(text: str, watch: Watch) -> str:
    if text:
        watch(text)
    return text


def _interrupt(workflow: subprocess.Popen[bytes]) -> None:
    if workflow.poll() is None:
        os.killpg(workflow.pid, signal.SIGINT)
        workflow.wait()


def _reasons(log: str) -> str:
    """Return what the failed jobs said, each once; else the end of the log."""
    said = dict.fromkeys(match[2].strip() for match in _SAID.finditer(log))
    return "\n".join(said) or "\n".join(log.strip().splitlines()[-15:])
