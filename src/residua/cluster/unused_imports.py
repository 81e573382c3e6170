"""Import ants without its figures, statistics and learners, which no stage uses.

They bring matplotlib, scipy.stats, statsmodels and scikit-learn: three quarters of what importing ants costs, and
1,700 files that every job reads from the disk of a cluster.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, NoReturn

UNUSED = ("ants.deeplearn", "ants.learn", "ants.math.quantile", "ants.plotting")


def skip_unused_imports() -> None:
    """Let these modules of ants be empty in this process; what they offer raises ``ImportError`` when it is called."""
    for name in UNUSED:
        sys.modules.setdefault(name, _Skipped(name))


class _Skipped(ModuleType):
    __all__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*arguments: object, **named: object) -> NoReturn:
            raise ImportError(f"{self.__name__}.{name} is left out: see {__name__}")

        return missing
