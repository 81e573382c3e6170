"""Settings of the brain mask of the reference sequence."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from residua.settings.base import Frozen


class BrainMask(Frozen):
    """Source of the reference sequence's brain mask; docs/explanation/brain_masks.md compares the methods."""

    method: Literal["deepbet", "hd-bet", "agunet", "raidionics", "template", "stripped", "given"] = Field(
        description="deepbet, hd-bet: pre-trained networks; agunet: the article's slab-wise network, with your own "
        "weights; raidionics: a model of its authors (ONNX), which you give; template: the MNI152 brain, registered; "
        "stripped: what the background of scans surrounds that were stripped elsewhere; given: the column brain_mask "
        "of the cohort table."
    )
    hd_bet_mode: Literal["accurate", "fast"] = Field(
        default="accurate", description="hd-bet: five networks and mirrored views, or one network and one view."
    )
    weights: str | None = Field(
        default=None,
        min_length=1,
        description="agunet: weights (safetensors); raidionics: the model (zip), as it was downloaded. Relative to the "
        "working directory.",
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="agunet, raidionics: digest of the file, checked before it is read.",
    )
    features: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        default=(16, 32, 128, 256, 256), min_length=3, description="agunet: filters of each level."
    )

    @property
    def environment(self) -> str:
        """Return the software stack of the method, a file in envs/."""
        stacks = {"deepbet": "torch", "hd-bet": "hdbet", "agunet": "tensorflow", "raidionics": "raidionics"}
        return stacks.get(self.method, "core")

    @property
    def modules(self) -> list[str]:
        """Return the modules of the library that the method adds; they are found by its name."""
        return [] if self.method == "given" else [f"residua.brain.{self.method.replace('-', '_')}"]

    def extraction(self) -> dict[str, Any]:
        """Return the settings that the masks depend on, as builtins, without the settings of other methods."""
        weights = {"weights", "weights_sha256"}
        used = {"hd-bet": {"hd_bet_mode"}, "agunet": {*weights, "features"}, "raidionics": weights}
        return self.model_dump(mode="json", include={"method", *used.get(self.method, set())})

    @model_validator(mode="after")
    def _consistent(self) -> BrainMask:
        given = [name for name in ("weights", "weights_sha256") if getattr(self, name) is not None]
        needed = {"agunet": "your own weights", "raidionics": "the authors' model under weights"}
        if self.method in needed and len(given) < 2:
            what = f"method {self.method} needs {needed[self.method]}, and weights_sha256"
            raise ValueError(f"{what}: the article's are not part of Residua")
        if self.method not in needed and given:
            raise ValueError(f"{' and '.join(given)} are for method {' and '.join(needed)}, not {self.method}")
        return self
