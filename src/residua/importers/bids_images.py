"""The NIfTI files of a BIDS data set, as an index of it finds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.importers.tree import files_below, volume_name

_ELSEWHERE = ("sourcedata", "code")
"""Folders of a data set whose content BIDS does not describe."""


@dataclass(frozen=True)
class BidsImage:
    """One NIfTI file, as its name says: ``name`` is its path below the data set."""

    path: Path
    name: str
    entities: Mapping[str, str]
    suffix: str
    indexed: Any

    @property
    def is_derivative(self) -> bool:
        """Whether the file was made of others."""
        return self.name.startswith("derivatives/")

    def metadata(self) -> dict[str, Any]:
        """The JSON sidecars that hold for the file, the nearest first. Raises ``ResiduaError`` for a damaged one."""
        try:
            return dict(self.indexed.get_metadata())
        except Exception as error:
            raise ResiduaError(f"{self.name}: its JSON sidecar cannot be read ({error})") from None


def read_images(root: Path) -> list[BidsImage]:
    """All NIfTI files that are named as BIDS names files, by path. Raises ``ResiduaError`` when there is none."""
    import ancpbids

    try:
        # A pickled index in somebody's data set could run anything.
        dataset = ancpbids.load_dataset(str(root), ancpbids.DatasetOptions(ignore_pickle_file=True))
        found = dataset.query(extension=[".nii.gz", ".nii"])
    except Exception as error:
        raise ResiduaError(f"{root}: cannot be read as a BIDS data set ({error})") from None
    images = [_image(root, artifact) for artifact in found]
    inside = [image for image in images if "sub" in image.entities and image.name.split("/")[0] not in _ELSEWHERE]
    if not inside:
        raise ResiduaError(f"{root}: no image such as sub-01/ses-postop/anat/sub-01_ses-postop_ce-GD_T1w.nii.gz")
    return sorted(inside, key=lambda image: image.name)


def _image(root: Path, artifact: Any) -> BidsImage:
    name = str(artifact.get_relative_path())
    entities = {key: str(value) for key, value in artifact.get_entities().items()}
    return BidsImage(root / name, name, entities, str(artifact.suffix), artifact)


def unnamed(root: Path, images: Iterable[BidsImage]) -> list[str]:
    """NIfTI files of the data set that are none of ``images``."""
    named = {image.name for image in images}
    names = (file.relative_to(root).as_posix() for file in files_below(root) if volume_name(file) is not None)
    return [name for name in names if name not in named and name.split("/")[0] not in _ELSEWHERE]


def scanner(metadata: Mapping[str, Any]) -> dict[str, str]:
    """``field_strength_t`` and ``manufacturer`` where a sidecar says them."""
    strength, manufacturer = metadata.get("MagneticFieldStrength"), metadata.get("Manufacturer")
    known = {"field_strength_t": f"{strength:g}"} if isinstance(strength, int | float) else {}
    return known | ({"manufacturer": str(manufacturer)} if manufacturer else {})
