"""Where there is no conda, the checkout's stand-in builds the same environments with uv."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def provide_conda(house: Path) -> None:
    """Put the stand-in of the checkout ``house`` on this process's PATH, unless there is a conda.

    The folder of the running Python comes with it: the stand-in needs that one's uv.
    """
    if shutil.which("conda") is None:
        places = (str(house / "envs/standin/bin"), os.path.dirname(sys.executable), os.environ.get("PATH", ""))
        os.environ["PATH"] = os.pathsep.join(places)
