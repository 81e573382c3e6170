"""Use the checkout's stand-in for conda, which builds the same environments with uv."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def provide_conda(house: Path) -> None:
    """Put the stand-in of the checkout ``house`` on this process's PATH, unless conda is installed.

    The folder of the running Python is added too, because the stand-in needs its uv.
    """
    if shutil.which("conda") is None:
        places = (str(house / "envs/standin/bin"), os.path.dirname(sys.executable), os.environ.get("PATH", ""))
        os.environ["PATH"] = os.pathsep.join(places)
