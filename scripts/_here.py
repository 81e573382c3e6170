"""First import of every script: set up its search path, its log, its threads and what it says of an error.

What libraries import and no stage uses is left out, because many jobs cost more to start than to do.
Files that earlier jobs made are compared with their seals before the script reads them, and what it makes is sealed.
A script sees no graphics card unless it takes one here.
The script imports from its environment and this checkout's library only. Its output goes into the rule's log.
Snakemake appends its own search path to a script's, so that the script can unpickle its job. By now it has; what is
left of that path would only lend packages that the environment lacks, silently and in other versions.
"""

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import __main__

_LIBRARY = Path(__main__.__file__).resolve().parent.parent / "src"
_CARDS = "CUDA_VISIBLE_DEVICES"
Found = TypeVar("Found")
_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def _isolate() -> None:
    """Leave the library, this environment's packages and the standard library on the search path, nothing else."""
    environment, base = Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()

    def own(entry: str) -> bool:
        path = Path(entry).resolve()
        return environment in path.parents or (base in path.parents and "site-packages" not in path.parts)

    sys.path[:] = [str(_LIBRARY), *(entry for entry in sys.path if entry and own(entry))]


def _limit_threads(threads: int) -> None:
    for name in _LIMITS:
        os.environ[name] = str(threads)


def _send_output_to(log: str) -> int:
    """Send all that is printed, by Python or below it, to the log; return a descriptor of the terminal."""
    terminal = os.dup(2)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    return terminal


def _explain(
    terminal: int, rule: str, log: str
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """Return a hook that says an error in one sentence in the terminal; the log has the traceback of an unknown one."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from residua.errors import ResiduaError
        from residua.publishing.unwritable import want_of_disk

        _seal.forget()
        if isinstance(error, KeyboardInterrupt):
            print("asked to leave (Ctrl-C, SIGTERM, or the main process has ended)", file=sys.stderr)
            return
        known = isinstance(error, ResiduaError)
        # An unknown error does not name the patient; whoever predicts notes it.
        said = str(error) if known else "; ".join([f"{kind.__name__}: {error}", *getattr(error, "__notes__", ())])
        disks = (os.path.dirname(log), os.environ.get("TMPDIR", "/tmp"))
        if not known and (want := want_of_disk(error, disks)):
            said = f"{want}. Then give the same command again"
        os.write(terminal, f"\n{rule}: {said}\n(log: {log})\n".encode())
        if known:
            print(error, file=sys.stderr)
        else:
            sys.__excepthook__(kind, error, trace)

    return hook


class _Seal:
    """Seals the outputs when the script ends, unless it failed, and keeps from which models they come."""

    def __init__(self, files: list[str]) -> None:
        self._files, self._process = files, os.getpid()
        self.origins: dict[str, list[str]] = {}

    def forget(self) -> None:
        self._files = []

    def at_end(self) -> None:
        from residua.publishing.origins import keep_origins
        from residua.publishing.seals import seal

        # Not in a process that the script forked.
        if os.getpid() == self._process:
            keep_origins(self._files, self.origins)
            seal(self._files)


def _hide_cards() -> str | None:
    """Hide all graphics cards, which other jobs may hold; return what the variable said before."""
    before = os.environ.get(_CARDS)
    os.environ[_CARDS] = ""
    return before


def say(line: str) -> None:
    """Write a line into the log at once."""
    print(line, flush=True)


def _tell(line: str) -> None:
    """Write a line into the terminal of the run, in the form that ``residua predict`` looks for."""
    # Not "rule: line", which begins an error.
    with suppress(OSError):
        os.write(_terminal, f"\n{job.rule} says: {line}\n".encode())


def on_card(find: Callable[[str], Found], arch: str) -> Found:
    """Take a graphics card if there is any, and find a function of a network, which imports its framework.

    Raises ``ResiduaError`` where the configuration demands a card and the framework would not use one, and where the
    framework has no kernels for the card.
    """
    from residua.cluster.cards import take_card
    from residua.cluster.framework import require_seen
    from residua.settings.machine import machine_of

    machine = machine_of(job.config)
    card = take_card(machine, _given_cards, say, _tell)
    found = find(arch)
    require_seen(card, machine, say)
    return found


def take_card_if_free() -> None:
    """Take a graphics card that no job holds; without one, the script uses processors."""
    from residua.cluster.cards import take_free_card
    from residua.settings.machine import machine_of

    take_free_card(machine_of(job.config), _given_cards)


def _start_without_the_unused() -> None:
    from residua.cluster.unused_imports import skip_unused_imports

    skip_unused_imports()


def _end_with_run() -> None:
    """Let the script end when it is asked to, and with the run that started it."""
    from residua.cluster.with_run import leave_when_asked, leave_with_run

    leave_when_asked(_seal.forget)
    leave_with_run()


def _verify() -> None:
    from residua.publishing.origins import forget_origins, origins_of
    from residua.publishing.seals import break_seals, require_sealed

    require_sealed(map(str, job.input))
    break_seals(map(str, job.output))
    forget_origins(map(str, job.output))
    _seal.origins = origins_of(map(str, job.input))


_isolate()
job: Any = vars(__main__)["snakemake"]
"""What Snakemake says of this job: its input, output, params, wildcards."""
_limit_threads(job.threads)
_given_cards = _hide_cards()
_seal = _Seal([str(file) for file in job.output])
_terminal = 2
if job.log:
    _log = str(job.log[0])
    _terminal = _send_output_to(_log)
    sys.excepthook = _explain(_terminal, job.rule, _log)
_end_with_run()
_start_without_the_unused()
_verify()
atexit.register(_seal.at_end)
