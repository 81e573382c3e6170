"""First import of every script: set up its search path, its log, its threads and what it says of an error.

The script imports from its environment and this checkout's library only. Its output goes into the rule's log.
Snakemake appends its own search path to a script's, so that the script can unpickle its job. By now it has; what is
left of that path would only lend packages that the environment lacks, silently and in other versions.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import __main__

_LIBRARY = Path(__main__.__file__).resolve().parent.parent / "src"
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
    """Return a hook that says an error of this project in one sentence, and prints any other with its traceback."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from residua.errors import ResiduaError

        if isinstance(error, ResiduaError):
            os.write(terminal, f"\n{rule}: {error}\n(log: {log})\n".encode())
            print(error, file=sys.stderr)
        else:
            sys.__excepthook__(kind, error, trace)

    return hook


_isolate()
job: Any = vars(__main__)["snakemake"]
"""What Snakemake says of this job: its input, output, params, wildcards."""
_limit_threads(job.threads)
if job.log:
    _log = str(job.log[0])
    sys.excepthook = _explain(_send_output_to(_log), job.rule, _log)
