"""The scene of 3D Slicer (MRML): volumes by reference, and segmentations with a colour each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

_GREY, _HEAT = "vtkMRMLColorTableNodeGrey", "vtkMRMLColorTableNodeFileColdToHotRainbow.txt"
_SIGNS = {"%": "%25", " ": "%20", "'": "%27", ">": "%3E", "<": "%3C", '"': "%22"}
"""What 3D Slicer writes in names of files; it decodes these alone."""
Attributes = Mapping[str, str]


def slicer_scene(
    images: Mapping[str, Path], probability: Path | None, segmentations: Mapping[str, Path], folder: Path
) -> str:
    """Return the scene that lies in ``folder``; files are named relative to it.

    The first of ``images`` is the background and the geometry of ``segmentations``, the probability lies over it,
    invisible until its opacity is raised.
    """
    volumes = {name: (file, False) for name, file in images.items()}
    if probability is not None:
        volumes["probability"] = (probability, True)
    nodes: list[tuple[str, Attributes]] = []
    for number, (name, (file, is_map)) in enumerate(volumes.items(), start=1):
        nodes += _volume(number, name, _relative(file, folder), is_map)
    for number, (name, file) in enumerate(segmentations.items(), start=1):
        nodes += _segmentation(number, name, _relative(file, folder))
    nodes += _views(_volume_id(len(volumes)) if probability is not None else "")
    lines = [f" <{tag}{_written(attributes)}></{tag}>" for tag, attributes in nodes]
    return "\n".join(['<MRML version="Slicer4.4.0" userTags="">', *lines, "</MRML>", ""])


def _volume(number: int, name: str, file: str, is_map: bool) -> Iterator[tuple[str, Attributes]]:
    storage, display = f"vtkMRMLVolumeArchetypeStorageNode{number}", f"vtkMRMLScalarVolumeDisplayNode{number}"
    window = {"autoWindowLevel": "0", "window": "1", "level": "0.5"} if is_map else {"autoWindowLevel": "1"}
    yield "VolumeArchetypeStorage", {"id": storage, "fileName": file, "UseOrientationFromFile": "1", "centerImage": "0"}
    yield (
        "VolumeDisplay",
        {"id": display, "colorNodeID": _HEAT if is_map else _GREY, "interpolate": "1", **window},
    )
    yield "Volume", {"id": _volume_id(number), "name": name, **_references(display, storage)}


def _segmentation(number: int, name: str, file: str) -> Iterator[tuple[str, Attributes]]:
    storage, display = f"vtkMRMLSegmentationStorageNode{number}", f"vtkMRMLSegmentationDisplayNode{number}"
    geometry = f"referenceImageGeometryRef:{_volume_id(1)};"
    yield "SegmentationStorage", {"id": storage, "fileName": file}
    yield "SegmentationDisplay", {"id": display, "visibility": "true"}
    yield (
        "Segmentation",
        {"id": f"vtkMRMLSegmentationNode{number}", "name": name, **_references(display, storage, geometry)},
    )


def _views(over: str) -> Iterator[tuple[str, Attributes]]:
    both = f"backgroundVolume:{_volume_id(1)};" + (f"foregroundVolume:{over};" if over else "")
    # Versions before 5 know the first two attributes, later ones the references.
    shown = {"backgroundVolumeID": _volume_id(1), "foregroundVolumeID": over, "references": both}
    for view in ("Red", "Yellow", "Green"):
        named = {"id": f"vtkMRMLSliceCompositeNode{view}", "singletonTag": view, "layoutName": view}
        yield "SliceComposite", {**named, **shown, "foregroundOpacity": "0", "linkedControl": "1"}


def _volume_id(number: int) -> str:
    return f"vtkMRMLScalarVolumeNode{number}"


def _references(display: str, storage: str, more: str = "") -> Attributes:
    return {
        "displayNodeRef": display,
        "storageNodeRef": storage,
        "references": f"display:{display};{more}storage:{storage};",
    }


def _relative(file: Path, folder: Path) -> str:
    path = Path(os.path.relpath(file, folder)).as_posix()
    return "".join(_SIGNS.get(letter, letter) for letter in path)


def _written(attributes: Attributes) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
