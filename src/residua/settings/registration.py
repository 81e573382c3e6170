"""Settings of the registration of moving sequences to the reference."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from residua.settings.base import Column, Frozen


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
    def modules(self) -> list[str]:
        """The library's modules that the engine adds; it is found by name."""
        return [] if self.engine == "none" else [f"residua.registration.{self.engine}_engine"]

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
