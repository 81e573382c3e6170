"""Settings of the sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from residua.settings.base import Column, Distinct, Frozen


class Sequences(Frozen):
    """Columns of the cohort table that hold images."""

    reference: Column = Field(description="Sequence whose grid is the reference space of the study.")
    moving: Distinct[Column] = Field(description="Sequences registered to the reference.")
    before_surgery: Distinct[Column] = Field(
        default=(), description="Moving sequences that were scanned before surgery, which shifts the brain."
    )


def misnamed(images: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the names of images, the reference first, and with what labels were drawn on.

    >>> misnamed(["post_t1ce", "post_t1", "post_t1_warp"], {"residual": "post_t1ce"})
    ['post_t1_warp is the name of the file that holds the deformation of post_t1; give that column another name']
    """
    problems = [
        f"label {label} is drawn on {on}, which is not a sequence" for label, on in labels.items() if on not in images
    ]
    deformed = {f"{sequence}_warp": sequence for sequence in images[1:]}
    return problems + [
        f"{name} is the name of the file that holds the deformation of {deformed[name]}; give that column another name"
        for name in (*images, *labels)
        if name in deformed
    ]
