"""A folder for Snakemake's copies of its sources where the home of the user cannot be written to, as on some nodes."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import MutableMapping


def provide_cache_home(environment: MutableMapping[str, str] = os.environ) -> None:
    """Point ``XDG_CACHE_HOME`` to a folder for this run where the usual one cannot be written to, and say so.

    Snakemake shows a traceback otherwise. The default profile calls this, which Snakemake reads before it makes the
    folder; jobs inherit the variable.
    """
    usual = environment.get("XDG_CACHE_HOME") or os.path.join(environment.get("HOME", ""), ".cache")
    if _is_writable(os.path.join(usual, "snakemake")):
        return
    own = tempfile.mkdtemp(prefix="residua-cache-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    environment["XDG_CACHE_HOME"] = own
    print(f"{usual} cannot be written to: this run keeps Snakemake's cache in {own} ($XDG_CACHE_HOME)", file=sys.stderr)


def _is_writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
