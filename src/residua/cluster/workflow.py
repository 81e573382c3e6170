"""Run a workflow of this checkout as a command of Residua, follow its log, and tell what its failed jobs said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from residua.cluster.parent_death import end_with_parent
from residua.cluster.with_run import ASKING
from residua.errors import ResiduaError

HOUSE = Path(__file__).resolve().parents[3]
_POLL_S = 0.2
_SAID = re.compile(r"^(\w+): (.*?)^\(log: (\S+)\)$", re.MULTILINE | re.DOTALL)

Watch = Callable[[str], None]
"""Gets what is new in the workflow's log, again and again."""


def workflow_command(snakefile: str, folder: Path, cores: int | str, *more: str) -> list[str]:
    """Return the command that runs a Snakefile of the checkout in a folder.

    Raises ``ResiduaError`` where Residua was installed without its rules.
    """
    file = HOUSE / snakefile
    if not file.is_file():
        raise ResiduaError(f"{HOUSE}: holds no {snakefile}; install Residua from its checkout (make env)")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(file), "--directory", str(folder.absolute())]
    return [*command, "--workflow-profile", str(HOUSE / "profiles" / "default"), "--cores", str(cores), *more]


def run_followed(
    command: Sequence[str], log: Path, watch: Watch = lambda text: None, inherited: Sequence[int] = ()
) -> tuple[int, str]:
    """Run a command to its end, which comes with this process's at the latest; return its exit status and its log.

    ``inherited`` are open files that it holds too.
    """
    with open(log, "w", encoding="utf-8") as sink, open(log, encoding="utf-8", errors="replace") as source:
        # A group of its own: an interruption is passed on once, and to all jobs.
        workflow = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=HOUSE, pass_fds=inherited,
            start_new_session=True, preexec_fn=end_with_parent,
        )  # fmt: skip
        read = ""
        with _ending_on_any_signal():
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


@contextmanager
def _ending_on_any_signal() -> Iterator[None]:
    """Take a closed terminal and ``kill`` like Ctrl-C, unless they are ignored (``nohup``)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ASKING}
    for number in ASKING:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(workflow: subprocess.Popen[bytes]) -> None:
    if workflow.poll() is not None:
        return
    # A command in the background of a shell script hears no Ctrl-C, nor does what it starts.
    asking = signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT

    def ask(*_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(workflow.pid, asking)

    if threading.current_thread() is threading.main_thread():
        # Once more: the workflow knows what to do.
        for number in ASKING:
            signal.signal(number, ask)
    ask()
    workflow.wait()


def reasons(log: str) -> str:
    r"""Return what the failed jobs said, each once; else the end of the log.

    >>> reasons("noise\nregister: disk full\nremove something\n(log: a.log)\n")
    'disk full\nremove something'
    """
    said = dict.fromkeys(match[2].strip() for match in _SAID.finditer(log))
    return "\n".join(said) or "\n".join(log.strip().splitlines()[-15:])
