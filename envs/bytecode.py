"""Compile the packages of the environment whose Python runs this, instead of `uv pip install --compile-bytecode`.

    ENVIRONMENT/bin/python envs/bytecode.py [OTHER_ENVIRONMENT ...]

Folders of tests, a quarter of all code, are left out, because no job imports them. uv links one file of its cache into
every environment: what another one has compiled from the same file is linked as well, and all else is compiled.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import warnings
from compileall import compile_file
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode


def modules(packages: Path) -> list[str]:
    """Return the Python files below the folder ``packages`` without those of tests, relative to it."""
    found = []
    for folder, subfolders, files in os.walk(packages):
        subfolders[:] = [name for name in subfolders if name != "tests"]
        found += [os.path.relpath(os.path.join(folder, file), packages) for file in files if file.endswith(".py")]
    return found


def linked(source: str, other: str) -> bool:
    """Link the bytecode of ``other`` to ``source``, if both are one file, and return whether it was done."""
    compiled = cache_from_source(source)
    # What another environment lacks, also because it is half built or deleted just now, is compiled here.
    with suppress(OSError):
        # Not equal names, sizes and times: many packages give all files of all their versions one time.
        if os.path.samefile(other, source):
            os.makedirs(os.path.dirname(compiled), exist_ok=True)
            os.link(cache_from_source(other), compiled)
            return True
    return False


def compile_packages(packages: Path, others: list[Path]) -> None:
    """Compile the packages in the folder ``packages`` with what the same folders of other environments hold."""
    found = modules(packages)
    missing = found
    for other in others:
        missing = [module for module in missing if not linked(f"{packages}/{module}", f"{other}/{module}")]
    # What is linked is looked at, too: a source that was changed later has bytecode of another time. What this Python
    # cannot compile is passed over, as by uv.
    compiled = partial(compile_file, quiet=2, invalidation_mode=PycInvalidationMode.TIMESTAMP)
    processes = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(processes, initializer=warnings.simplefilter, initargs=("ignore",)) as pool:
        list(pool.map(compiled, [f"{packages}/{module}" for module in found], chunksize=32))


if __name__ == "__main__":
    own = Path(sysconfig.get_path("purelib"))
    compile_packages(own, [Path(other) / own.relative_to(sys.prefix) for other in sys.argv[1:]])
