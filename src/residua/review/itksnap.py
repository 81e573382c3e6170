"""The workspace of ITK-SNAP: main image, overlays, segmentations and their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

_VERSION = "20190612"
"""The format of ITK-SNAP 3.8, which later versions read; earlier ones know one segmentation only."""
_HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!--ITK-SNAP (itksnap.org) Project File

This file can be moved/copied along with the images that it references
as long as the relative location of the images to the project file is
the same. Do not modify the SaveLocation entry, or this will not work.
-->
<!DOCTYPE registry [
<!ELEMENT registry (entry*,folder*)>
<!ELEMENT folder (entry*,folder*)>
<!ELEMENT entry EMPTY>
<!ATTLIST folder key CDATA #REQUIRED>
<!ATTLIST entry key CDATA #REQUIRED>
<!ATTLIST entry value CDATA #REQUIRED>
]>
"""
_POINTS = {f"ControlPoint[{number}]": {"tValue": at, "xValue": at} for number, at in enumerate(("0", "0.5", "1"))}
_HEAT = {"ColorMap": {"Preset": "Jet"}, "Curve": {"NumberOfControlPoints": "3", **_POINTS}}


@dataclass(frozen=True)
class ViewerLabel:
    """A label of the segmentations: its value, its name and its colour (0–255)."""

    value: int
    name: str
    color: tuple[int, int, int]


def itksnap_workspace(
    images: Mapping[str, Path],
    probability: Path | None,
    segmentations: Mapping[str, Path],
    labels: tuple[ViewerLabel, ...],
    folder: Path,
) -> str:
    """Return the workspace that lies in ``folder``: the first image is the main one, the first segmentation is edited.

    ITK-SNAP writes absolute paths and the folder, by which it finds the files when all are moved together.
    """
    (main, file), *others = images.items()
    layers = [_layer(file, "MainRole", main) | {"ProjectMetaData": {"IRIS": _project(labels)}}]
    layers += [_layer(other, "OverlayRole", name) for name, other in others]
    if probability is not None:
        layers.append(_layer(probability, "OverlayRole", "probability", _HEAT))
    layers += [_layer(other, "SegmentationRole", name) for name, other in segmentations.items()]
    registry = {
        "SaveLocation": str(folder),
        "Version": _VERSION,
        "Annotations": {"Format": "ITK-SNAP Annotation File", "FormatDate": "20150624"},
        "Layers": {f"Layer[{number:03d}]": layer for number, layer in enumerate(layers)},
    }
    return "\n".join([f"{_HEAD}<registry>", *_lines(registry, "  "), "</registry>", ""])


def label_descriptions(labels: tuple[ViewerLabel, ...]) -> str:
    """Return the label descriptions that ITK-SNAP imports: index, colour, opacity, visible, visible in 3D, name."""
    rows = [(0, 0, 0, 0, 0, 0, 0, "Clear Label"), *((x.value, *x.color, 1, 1, 1, x.name) for x in labels)]
    head = "# ITK-SnAP Label Description File: IDX -R- -G- -B- -A-- VIS MSH LABEL"
    return "\n".join([head, *("\t".join([*map(str, row[:-1]), f'"{row[-1]}"']) for row in rows), ""])


def _layer(file: Path, role: str, name: str, colors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "AbsolutePath": str(file),
        "Role": role,
        "Tags": "",
        "LayerMetaData": {
            "Alpha": "255" if role == "MainRole" else "0.5",
            "CustomNickName": name,
            "Sticky": "1" if role == "SegmentationRole" else "0",
            "Tags": "",
            **({"DisplayMapping": colors} if colors else {}),
        },
    }


def _project(labels: tuple[ViewerLabel, ...]) -> dict[str, Any]:
    elements = {
        f"Element[{number}]": {
            "Alpha": "255",
            "Color": " ".join(map(str, label.color)),
            "Flags": "1 1",
            "Index": str(label.value),
            "Label": label.name,
        }
        for number, label in enumerate(labels)
    }
    return {
        "LabelState": {
            "CoverageMode": "OverAll",
            "DrawingLabel": "1",
            "OverwriteLabel": "0",
            "PolygonInvert": "0",
            "SegmentationAlpha": "0.5",
        },
        "LabelTable": {"NumberOfElements": str(len(labels)), **elements},
    }


def _lines(registry: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Write entries before folders, as the document type says."""
    for key, value in sorted(registry.items(), key=lambda item: isinstance(item[1], Mapping)):
        if isinstance(value, Mapping):
            yield f"{indent}<folder key={quoteattr(key)} >"
            yield from _lines(value, indent + "  ")
            yield f"{indent}</folder>"
        else:
            yield f"{indent}<entry key={quoteattr(key)} value={quoteattr(value)} />"
