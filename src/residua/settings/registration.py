"""Settings of the registration of moving sequences to the reference."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from residua.settings.base import Column, Frozen


class Deformation(Frozen):
    """Estimation of a deformation after the affine stage."""

    metric: Literal["mattes", "CC"] = Field(
        description="Similarity measure. mattes: mutual information, also between contrasts; CC: cross-correlation of "
        "neighbourhoods, for scans of one contrast."
    )
    radius_voxels: int = Field(default=2, ge=1, le=8, description="CC: half the width of a neighbourhood.")
    working_spacing_mm: float | None = Field(
        gt=0, description="Spacing of the images on which to optimise; null: their own."
    )
    iterations: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        min_length=1, description="Iterations from coarse to fine."
    )
    update_field_variance: float = Field(ge=0, description="Smoothing of each step: variance in voxels squared.")
    total_field_variance: float = Field(
        ge=0, description="Smoothing of the whole field after each step: variance in voxels squared."
    )


class _AnyRegistration(Frozen):
    """Settings of a registration, whenever the scan was taken."""

    engine: Literal["ants", "greedy", "none"] = Field(
        description="Registration software. greedy: faster than ants; none: the images are aligned already."
    )
    transform: Literal["SyN", "diffeomorphic", "affine", "rigid"] = Field(
        description="SyN (ants), diffeomorphic (greedy): rigid, affine, then a deformation without folds."
    )
    metric_bins: int = Field(
        ge=8, description="Histogram bins of mutual information in the rigid and affine stages (ants)."
    )
    linear_spacing_mm: float | None = Field(
        gt=0, description="Spacing of the images in the rigid and affine stages; null: their own."
    )
    linear_sampling: float = Field(
        gt=0, le=1, description="Share of the voxels on which the rigid and affine stages measure similarity (ants)."
    )
    scale_tolerance: float = Field(
        gt=0,
        lt=1,
        description="Largest scaling by the affine stage along any axis; beyond it the patient fails.",
    )
    interpolation: Literal["linear", "bSpline", "lanczosWindowedSinc"] = Field(
        description="Interpolation of images; labels always use a label interpolator."
    )
    reproducible: bool = Field(description="One thread and a fixed seed, so that two runs are equal to the bit.")
    seed: int = Field(ge=0, description="Seed of the random samples of the similarity measure.")


class SequenceRegistration(_AnyRegistration):
    """Registration of one moving sequence to the reference; the margin is None where no label is masked out."""

    deformation: Deformation
    resected_margin_mm: float | None = None


class Registration(_AnyRegistration):
    """Registration of the moving sequences to the reference."""

    within_session: Deformation = Field(description="Deformation of scans from the session of the reference.")
    across_surgery: Deformation | None = Field(
        default=None,
        description="Deformation of sequences.before_surgery, as surgery shifts the brain; null: as within_session.",
    )
    resected: Column | None = Field(
        default=None,
        description="Label of the resected tumour. SyN masks it out, because the post-operative reference lacks it.",
    )
    resected_margin_mm: float = Field(
        default=2.0, ge=0, description="Margin around the resected tumour that SyN masks out, too."
    )

    @property
    def modules(self) -> list[str]:
        """Return the modules of the library that the engine adds; they are found by its name."""
        return [] if self.engine == "none" else [f"residua.registration.{self.engine}_engine"]

    @property
    def ignored(self) -> str | None:
        """Return the label that is masked out; None for Greedy: its field contracts in a masked region."""
        return self.resected if self.engine == "ants" and self.transform == "SyN" else None

    def of(self, before_surgery: bool) -> SequenceRegistration:
        """Return the registration of a sequence that was scanned before surgery, or in the session of the reference."""
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
