"""How each measure is printed, and its limits that hold for every patient.

A measure that is in ``RECORDED`` is printed but not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from residua.quality.measures import BRAIN


@dataclass(frozen=True)
class Measure:
    """One measure: its name in the records, its title, the digits to print, its limits and its unit."""

    name: str
    title: str
    digits: int
    low: float | None = None
    high: float | None = None
    unit: str = ""

    def shown(self, value: float) -> str:
        """Print a value with its unit."""
        number = f"{value:.{self.digits}f}".replace("-", "−")
        return f"{number}\u00a0{self.unit}" if self.unit else number

    def limit_broken(self, value: float) -> float | None:
        """Return the limit that the value is beyond; None for a value within the limits."""
        if self.low is not None and value < self.low:
            return self.low
        return self.high if self.high is not None and value > self.high else None

    @property
    def limits(self) -> str:
        """Describe the limits."""
        low = None if self.low is None else self.shown(self.low)
        high = None if self.high is None else self.shown(self.high)
        if low and high:
            return f"{low} to {high}"
        return f"{low} or more" if low else f"at most {high}" if high else "none"


CATALOGUE = (
    Measure("similarity_gain", "gain of similarity by registration", 3, low=-0.005),
    Measure("similarity_after", "similarity after registration", 3),
    Measure("brain_similarity", "similarity within the brain after registration", 3, low=0.25),
    Measure("mirrored_gain", "gain of similarity by mirroring left to right", 3, high=0.005),
    Measure("folded_percent", "share of voxels where the warp folds", 3, high=0.0, unit="%"),
    Measure("jacobian_p01", "1st percentile of the warp's Jacobian", 2),
    Measure("jacobian_p99", "99th percentile of the warp's Jacobian", 2),
    Measure("affine_scale", "scale of the affine part that is farthest from 1", 3, low=0.96, high=1.04),
    Measure("rotation_degrees", "rotation of the affine part", 1, unit="degrees"),
    Measure("translation_mm", "shift of the affine part", 1, unit="mm"),
    Measure("volume_ml", "volume of the brain mask", 0, low=900.0, high=2000.0, unit="ml"),
    Measure("border_percent", "share of a face of the image that the mask reaches over", 2, high=5.0, unit="%"),
    Measure("largest_percent", "share of the mask in its largest piece", 2, unit="%"),
    Measure("template_dice", "overlap (Dice) with the shape of the template's brain", 3, low=0.9),
    Measure("template_distance_mm", "distance between the surfaces of mask and template", 1, high=10.0, unit="mm"),
    Measure("inside_brain_percent", "share of the label inside the brain mask", 2, low=99.5, unit="%"),
    Measure("volume_ratio", "volume on the reference grid against the native one", 2, low=0.5, high=2.0),
)
"""In the order in which they are shown."""

RECORDED = (
    Measure("similarity_before", "similarity before registration", 3),
    Measure("jacobian_min", "smallest Jacobian of the warp", 2),
    Measure("jacobian_max", "largest Jacobian of the warp", 2),
    Measure("components", "pieces of the brain mask", 0),
    Measure("holes_ml", "volume of the holes in the brain mask", 1, unit="ml"),
    Measure("volume_ml", "volume on the grid of the reference", 2, unit="ml"),
    Measure("native_ml", "volume as drawn", 2, unit="ml"),
    Measure("outside_region_ml", "volume outside of the region that a network sees", 2, unit="ml"),
    Measure("outside_region_percent", "share outside of the region that a network sees", 1, unit="%"),
    Measure("cut_percent", "outermost section of the brain mask, of the largest", 0, unit="%"),
    Measure("finest_mm", "smallest voxel size", 2, unit="mm"),
    Measure("coarsest_mm", "largest voxel size", 2, unit="mm"),
    Measure("extent_x_mm", "field of view from left to right", 0, unit="mm"),
    Measure("extent_y_mm", "field of view from back to front", 0, unit="mm"),
    Measure("extent_z_mm", "field of view from bottom to top", 0, unit="mm"),
    Measure("grey_p01", "1st percentile of the normalised grey values in the brain", 2),
    Measure("grey_p50", "median of the normalised grey values in the brain", 2),
    Measure("grey_p99", "99th percentile of the normalised grey values in the brain", 2),
    Measure("missing_percent", "share of the brain without values", 1, unit="%"),
)
"""Beside the catalogue; a volume that is not the brain mask's is here."""

_BY_NAME, _RECORDED = ({measure.name: measure for measure in measures} for measures in (CATALOGUE, RECORDED))


def judged(subject: str, measure: str) -> Measure | None:
    """Return how a measure of a subject is judged; None for a measure that is recorded but not judged.

    A volume is judged for the brain mask only.
    """
    return None if measure == "volume_ml" and subject != BRAIN else _BY_NAME.get(measure)


def printed(subject: str, measure: str) -> Measure:
    """Return how a measure of a subject is printed, judged or not."""
    return judged(subject, measure) or _RECORDED[measure]
