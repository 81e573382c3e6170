"""Dry runs: Snakemake's command in a process forked from one that has imported it, which is half of their time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

SERVER = """
import json, os, sys
from snakemake.cli import get_argument_parser, main
# The plugins and what else a dry run imports late; nothing of residua, which is each checkout's own.
import jsonschema, nbformat, requests, smart_open, snakemake.storage
get_argument_parser()
for line in sys.stdin:
    sys.argv, folder, variables, printed = json.loads(line)
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.chdir(folder)
os.environ.clear()
os.environ.update(variables)
sys.path[0] = os.path.dirname(sys.argv[0])
for number, file in enumerate([os.devnull, *printed]):
    os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
sys.exit(main())
"""


def dry_run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of Snakemake in a folder as ``subprocess.run`` would, and return what it printed."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with TemporaryDirectory() as beside:
        printed = [Path(beside, name) for name in ("stdout", "stderr")]
        request = [list(command), str(folder), dict(os.environ), list(map(str, printed))]
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        stdout, stderr = (file.read_text(encoding="utf-8") for file in printed)
    return subprocess.CompletedProcess(list(command), code, stdout, stderr)


@cache
def _server() -> subprocess.Popen[str]:
    """The process that has imported Snakemake; it ends with this one, which closes its input."""
    return subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
