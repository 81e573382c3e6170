"""ANTs as every script of a stage imports it: without its figures and learners, which cost more than all the rest."""

from __future__ import annotations

from residua.cluster.unused_imports import skip_unused_imports

skip_unused_imports()

import ants  # noqa: E402

__all__ = ["ants"]
