"""List the NIfTI files of a BIDS data set from its index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.importers.tree import files_below, instead, volume_name
from residua.publishing.publish import read_json

_ELSEWHERE = ("sourcedata", "code")
"""Folders of a data set whose content BIDS does not describe."""


@dataclass(frozen=True)
class BidsImage:
    """One NIfTI file and the parts of its name; ``name`` is its path below the data set."""

    path: Path
    name: str
    entities: Mapping[str, str]
    suffix: str
    indexed: Any

    @property
    def is_derivative(self) -> bool:
        """Whether the file is derived from others."""
        return self.name.startswith("derivatives/")

    def metadata(self) -> dict[str, Any]:
        """Return the merged JSON sidecars of the file; its own wins. Raises ``ResiduaError`` for a damaged one."""
        return self._read(lambda: dict(self.indexed.get_metadata())) | self.own_metadata()

    def own_metadata(self) -> dict[str, Any]:
        """Return the JSON sidecar that has the file's own name, without those that it inherits.

        Raises ``ResiduaError`` if it is damaged.
        """
        beside = self.path.with_name(self.path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
        return self._read(lambda: dict(read_json(beside))) if os.path.lexists(beside) else {}

    def _read(self, sidecars: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return sidecars()
        except Exception as error:
            raise ResiduaError(
                f"{self.name}: its JSON sidecar cannot be read ({error}); correct or remove it"
            ) from None


def read_images(root: Path) -> list[BidsImage]:
    """List all NIfTI files with BIDS names, sorted by path. Raises ``ResiduaError`` if there is none."""
    import ancpbids

    files = files_below(root)
    try:
        # Loading a pickled index from an unknown data set could run any code; links back into it would never end.
        options = ancpbids.DatasetOptions(ignore_pickle_file=True)
        dataset = ancpbids.load_dataset(str(root), options, paths=[str(file.relative_to(root)) for file in files])
        artifacts = dataset.query(extension=[".nii.gz", ".nii"])
    except Exception as error:
        raise ResiduaError(f"{root}: cannot be read as a BIDS data set ({error})") from None
    images = [_image(root, artifact) for artifact in artifacts]
    inside = [image for image in images if "sub" in image.entities and image.name.split("/")[0] not in _ELSEWHERE]
    if not inside:
        what = f"{root}: no image such as sub-01/ses-postop/anat/sub-01_ses-postop_ce-GD_T1w.nii.gz"
        raise ResiduaError(what + instead(files))
    return sorted(inside, key=lambda image: image.name)


def _image(root: Path, artifact: Any) -> BidsImage:
    name = str(artifact.get_relative_path())
    entities = {key: str(value) for key, value in artifact.get_entities().items()}
    return BidsImage(root / name, name, entities, str(artifact.suffix), artifact)


def unnamed(root: Path, images: Iterable[BidsImage]) -> list[str]:
    """List the NIfTI files of the data set that are not among ``images``."""
    named = {image.name for image in images}
    names = (file.relative_to(root).as_posix() for file in files_below(root) if volume_name(file) is not None)
    return [name for name in names if name not in named and name.split("/")[0] not in _ELSEWHERE]


def scanner(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return ``field_strength_t`` and ``manufacturer`` if a sidecar gives them."""
    strength, manufacturer = metadata.get("MagneticFieldStrength"), metadata.get("Manufacturer")
    known = {"field_strength_t": f"{strength:g}"} if isinstance(strength, int | float) else {}
    return known | ({"manufacturer": str(manufacturer)} if manufacturer else {})
