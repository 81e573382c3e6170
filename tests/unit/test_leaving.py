"""A run that is asked to leave: what it says last."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from residua.cluster.leaving import STOPPED

RUN = """
import os, signal
from residua.cluster.leaving import Leaving
leaving = Leaving("no run")
leaving.say_stopped()
leaving.hear()
print("said before")
try:
    os.kill(os.getpid(), signal.SIGTERM)
except SystemExit:
    pass
leaving.see_off()
leaving.say_stopped()
"""


def test_how_it_goes_on_is_the_last_line_also_in_a_file(tmp_path: Path) -> None:
    with (tmp_path / "said").open("w") as output:
        subprocess.run([sys.executable, "-c", RUN], stdout=output, stderr=output, check=True)
    said = (tmp_path / "said").read_text()
    assert "said before" in said
    assert said.rstrip().endswith(STOPPED)
    assert said.count(STOPPED) == 1
