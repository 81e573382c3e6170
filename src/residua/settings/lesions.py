"""Settings of the matching of lesions."""

from __future__ import annotations

from pydantic import Field

from residua.settings.base import Frozen, Probability


class LesionMatching(Frozen):
    """When a lesion is found. A lesion has at least postprocessing.min_component_voxels, by faces, edges or corners."""

    min_overlap: Probability = Field(
        default=0.0,
        description="Share of a reference lesion that predicted lesions must cover for it to be found; 0: one shared "
        "voxel is enough.",
    )
