"""Settings of the brain mask of the reference sequence."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from residua.settings.base import Frozen


class BrainMask(Frozen):
    """Source of the reference sequence's brain mask; docs/explanation/brain_masks.md compares the methods."""

    method: Literal["deepbet", "hd-bet", "agunet", "raidionics", "template", "stripped", "given"] = Field(
        description="deepbet, hd-bet: pre-trained networks; agunet: the article's slab-wise network, with the "
        "package's weights or your own; raidionics: a model of its authors (ONNX), which you give; template: the "
        "MNI152 brain, registered; stripped: what the background of scans surrounds that were stripped elsewhere; "
        "given: the column brain_mask of the cohort table."
    )
    hd_bet_mode: Literal["accurate", "fast"] = Field(
        default="accurate", description="hd-bet: five networks and mirrored views, or one network and one view."
    )
    weights: str | None = Field(
        default=None,
        min_length=1,
        description="agunet: weights (safetensors), null for the package's; raidionics: the model (zip), as it was "
        "downloaded. Relative to the working directory.",
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="agunet, raidionics: digest of the file, checked before it is read.",
    )
    features: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        default=(16, 32, 128, 256, 256),
        min_length=3,
        description="agunet: filters of each level, for weights of your own.",
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

    @property
    def has_own_network(self) -> bool:
        """Return whether masks are made by AGU-Net with weights that the study brings."""
        return self.method == "agunet" and self.weights is not None

    @property
    def has_packaged_network(self) -> bool:
        """Return whether masks are made by AGU-Net with the weights that come with the package."""
        return self.method == "agunet" and self.weights is None

    @property
    def weights_in_words(self) -> str:
        """Return which weights AGU-Net's masks are made with."""
        if self.has_own_network:
            return f"weights with SHA-256 {self.weights_sha256}"
        return "trained on simulated heads; its weights come with Residua"

    def extraction(self) -> dict[str, Any]:
        """Return the settings that the masks depend on, as builtins, without the settings of other methods."""
        weights = {"weights", "weights_sha256"}
        agunet = {*weights, "features"} if self.has_own_network else set()
        used = {"hd-bet": {"hd_bet_mode"}, "agunet": agunet, "raidionics": weights}
        return self.model_dump(mode="json", include={"method", *used.get(self.method, set())})

    @model_validator(mode="after")
    def _consistent(self) -> BrainMask:
        given = [name for name in ("weights", "weights_sha256") if getattr(self, name) is not None]
        if self.method == "raidionics" and len(given) < 2:
            what = "method raidionics needs the authors' model under weights, and weights_sha256"
            raise ValueError(f"{what}: the article's are not part of Residua")
        if self.method == "agunet" and len(given) == 1:
            raise ValueError("method agunet needs both weights and weights_sha256, or neither for the package's")
        if self.method not in ("agunet", "raidionics") and given:
            raise ValueError(f"{' and '.join(given)} are for method agunet and raidionics, not {self.method}")
        return self
