"""Name the kinds of human raters and the groups that a model is compared with."""

from __future__ import annotations

from typing import Literal, get_args

Expertise = Literal["novice", "expert"]
EXPERTISES: tuple[Expertise, ...] = get_args(Expertise)
GROUPS: dict[str, tuple[Expertise, ...]] = {"novices": ("novice",), "experts": ("expert",), "all": EXPERTISES}
"""The kinds of raters in each group."""
