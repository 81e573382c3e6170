"""Name covariates of patients and their groups, alike in tables, figures and report."""

from __future__ import annotations

TITLES = {
    "hospital": "Hospital",
    "manufacturer": "Manufacturer",
    "field_strength": "Field strength",
    "slice_thickness": "Slice thickness",
    "residual_volume": "Residual volume",
    "sex": "Sex",
    "age": "Age",
    "annotation_quality": "Annotation quality",
    "image_quality": "Image quality",
}
_UNITS = {"field_strength": "T", "slice_thickness": "mm", "residual_volume": "ml", "age": "years"}
_SEXES = {"F": "female", "M": "male", "O": "other"}


def group_name(covariate: str, group: str) -> str:
    """Name a group with its unit.

    >>> group_name("sex", "F"), group_name("age", "above 65"), group_name("age", "unknown")
    ('female', 'above 65 years', 'unknown')
    """
    if covariate == "sex":
        return _SEXES.get(group, group)
    has_number = any(character.isdigit() for character in group)
    return f"{group} {_UNITS[covariate]}" if has_number and covariate in _UNITS else group
