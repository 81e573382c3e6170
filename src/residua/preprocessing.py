"""Settings of what happens to images before any network: registration and brain masks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from residua.settings import Column, Frozen


class Deformation(Frozen):
    """How a deformation is estimated once the affine stage has found the scan."""

    metric: Literal["mattes", "CC"] = Field(
        description="Similarity: mattes, mutual information, which works across contrasts; CC, cross-correlation of "
        "neighbourhoods, for scans of one contrast."
    )
    radius_voxels: int = Field(default=2, ge=1, le=8, description="CC: half the width of a neighbourhood.")
    working_spacing_mm: float | None = Field(
        gt=0, description="Optimise on images of this spacing; null: on the images as they are."
    )
    iterations: tuple[int, ...] = Field(min_length=1, description="Iterations from coarse to fine.")
    update_field_variance: float = Field(ge=0, description="Smoothing of each step, as a variance in voxels squared.")
    total_field_variance: float = Field(
        ge=0, description="Smoothing of the whole field after each step, as a variance in voxels squared."
    )


class _AnyRegistration(Frozen):
    """What holds for a registration whenever the scan was taken."""

    engine: Literal["ants", "greedy", "none"] = Field(
        description="The registration software; greedy: faster; none: the images are aligned already."
    )
    transform: Literal["SyN", "diffeomorphic", "affine", "rigid"] = Field(
        description="SyN (ants) and diffeomorphic (greedy): rigid, affine, then a deformation without folds."
    )
    metric_bins: int = Field(
        ge=8, description="Histogram bins of mutual information, which the rigid and affine stages measure (ants)."
    )
    linear_spacing_mm: float | None = Field(
        gt=0, description="Optimise the rigid and affine stages on images of this spacing; null: as they are."
    )
    linear_sampling: float = Field(
        gt=0, le=1, description="Share of the voxels on which these stages measure similarity (ants)."
    )
    scale_tolerance: float = Field(
        gt=0, lt=1, description="A patient fails whose affine stage scales any axis by more: one head has one size."
    )
    interpolation: Literal["linear", "bSpline", "lanczosWindowedSinc"] = Field(
        description="Interpolation of images; labels always take a label interpolator."
    )
    reproducible: bool = Field(description="One thread and a fixed seed: two runs give the same bits.")
    seed: int = Field(ge=0, description="Seed of the metric's sampling.")


class SequenceRegistration(_AnyRegistration):
    """How one moving sequence is brought to the reference; the margin is None where everything is looked at."""

    deformation: Deformation
    resected_margin_mm: float | None = None


class Registration(_AnyRegistration):
    """How the moving sequences are brought to the reference."""

    within_session: Deformation = Field(description="The deformation of scans of the reference's own session.")
    across_surgery: Deformation | None = Field(
        default=None,
        description="That of sequences.before_surgery, as the brain has shifted since; null: as within the session.",
    )
    resected: Column | None = Field(
        default=None,
        description="The label of what surgery took, at which SyN does not look: the reference has no such thing.",
    )
    resected_margin_mm: float = Field(
        default=2.0, ge=0, description="How far around it the scan is not looked at either."
    )

    @property
    def ignored(self) -> str | None:
        """The label that is not looked at; none for Greedy, whose field draws together where nothing leads it."""
        return self.resected if self.engine == "ants" and self.transform == "SyN" else None

    def of(self, before_surgery: bool) -> SequenceRegistration:
        """How a sequence is registered that was scanned before surgery, or in the reference's own session."""
        shared = {name: getattr(self, name) for name in _AnyRegistration.model_fields}
        return SequenceRegistration(
            **shared,
            deformation=(self.across_surgery if before_surgery else None) or self.within_session,
            resected_margin_mm=self.resected_margin_mm if before_surgery and self.ignored else None,
        )

    @model_validator(mode="after")
    def _consistent(self) -> Registration:
        others = {"ants": "diffeomorphic", "greedy": "SyN"}
        if self.transform == others.get(self.engine):
            raise ValueError(f"transform {self.transform} is not one of the engine {self.engine}")
        return self


class BrainMask(Frozen):
    """Where the brain mask of the reference sequence comes from; docs/brain_masks.md compares the methods."""

    method: Literal["deepbet", "hd-bet", "agunet", "template", "given"] = Field(
        description="deepbet, hd-bet: pre-trained networks; agunet: the article's slab-wise one, with weights of your "
        "own; template: the MNI152 brain, registered; given: the column brain_mask of the cohort table."
    )
    hd_bet_mode: Literal["accurate", "fast"] = Field(
        default="accurate", description="hd-bet: five networks and mirrored views, or one network and one view."
    )
    weights: str | None = Field(
        default=None, min_length=1, description="agunet: weights (safetensors), relative to the working directory."
    )
    weights_sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="agunet: digest of the file, checked before it is read."
    )
    features: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        default=(16, 32, 128, 256, 256), min_length=3, description="agunet: filters of each level."
    )

    @property
    def environment(self) -> str:
        """The software stack of the method, a file in envs/."""
        return {"deepbet": "torch", "hd-bet": "hdbet", "agunet": "tensorflow"}.get(self.method, "core")

    @property
    def modules(self) -> list[str]:
        """The library's modules that the method adds, which it finds by its name."""
        return [] if self.method == "given" else [f"residua.brain.{self.method.replace('-', '_')}"]

    def extraction(self) -> dict[str, Any]:
        """What the masks depend on, as builtins: another method's settings change nothing."""
        used = {"hd-bet": {"hd_bet_mode"}, "agunet": {"weights", "weights_sha256", "features"}}
        return self.model_dump(mode="json", include={"method", *used.get(self.method, set())})

    @model_validator(mode="after")
    def _consistent(self) -> BrainMask:
        given = [name for name in ("weights", "weights_sha256") if getattr(self, name) is not None]
        if self.method == "agunet" and len(given) < 2:
            raise ValueError("method agunet needs weights and weights_sha256: the article's cannot be shipped")
        if self.method != "agunet" and given:
            raise ValueError(f"{' and '.join(given)} are for method agunet, not {self.method}")
        return self
