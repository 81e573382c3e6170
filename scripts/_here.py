"""First import of every script: this checkout's library first, output into the rule's log, errors in one sentence."""

import os
import sys
from pathlib import Path

import __main__

_LIBRARY = Path(__main__.__file__).resolve().parent.parent / "src"
_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def _limit_threads(threads: int) -> None:
    for name in _LIMITS:
        os.environ[name] = str(threads)


def _send_output_to(log: str) -> int:
    """Everything printed, by Python or below it, goes to the log; gives back where the terminal is."""
    terminal = os.dup(2)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    return terminal


def _explain(terminal: int, rule: str, log: str):
    def hook(kind, error, trace):
        from residua.errors import ResiduaError

        if isinstance(error, ResiduaError):
            os.write(terminal, f"\n{rule}: {error}\n(log: {log})\n".encode())
            print(error, file=sys.stderr)
        else:
            sys.__excepthook__(kind, error, trace)

    return hook


sys.path.insert(0, str(_LIBRARY))
_job = __main__.snakemake
_limit_threads(_job.threads)
if _job.log:
    _log = str(_job.log[0])
    sys.excepthook = _explain(_send_output_to(_log), _job.rule, _log)
