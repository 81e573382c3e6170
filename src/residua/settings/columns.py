"""Name the columns of the cohort table that have a meaning in every study."""

from __future__ import annotations

REQUIRED = ("patient", "hospital", "role")
FILES = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "residual", "pre_tumor", "brain_mask")
GRADED = ("annotation_quality", "image_quality")
"""Columns of grades: of the reference standard, and of the scans on which it was drawn."""
SURVIVAL = ("survival_days", "death")
"""Days from surgery to death or to the end of the follow-up, and which of the two it was."""
CLINICAL = ("hours_since_surgery", "age", "sex", "field_strength_t", "manufacturer", *GRADED, *SURVIVAL)
CONTRACT = (*REQUIRED, "exclusion_reason", "source_id", "person", *FILES, *CLINICAL)
COVARIATES = {"field_strength": "field_strength_t"}
"""The column of a covariate that has another name."""
