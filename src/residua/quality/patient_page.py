"""The page of one patient's preprocessing: outlines, flickers, checkerboards, numbers. It loads no other file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.images.display import window
from residua.images.places import busiest, center_of
from residua.images.volumes import Image
from residua.pages.layout import rendered
from residua.quality import pictures
from residua.quality.catalogue import printed
from residua.quality.measures import Measures, name_of_subject, subject_name
from residua.quality.pictures import Color, View
from residua.settings.base import REFERENCE_STANDARD
from residua.words import listed

_BRAIN: Color = (255, 176, 32)
_LABELS: tuple[tuple[Color, str], ...] = (((255, 70, 90), "red"), ((80, 200, 255), "blue"), ((120, 230, 90), "green"))


@dataclass(frozen=True)
class Embedded:
    """A picture of the page, and its alternative text."""

    source: str
    text: str


@dataclass(frozen=True)
class Registered:
    """The pictures of one registered sequence."""

    subject: str
    name: str
    reference: Embedded
    before: Embedded
    after: Embedded
    board: Embedded


@dataclass(frozen=True)
class PictureRow:
    """A measure as printed on the page."""

    subject: str
    measure: str
    value: str
    limits: str
    broken: bool


class Pictures:
    """Makes the pictures of one patient. Keeps slices of the reference, not its volume.

    ``reference`` is the reference image, ``brain`` its mask and ``labels`` masks on its grid (x, y, z booleans), by
    name. Views go through the centre of the brain and, if there is residual tumour, through the slices with most of it.
    """

    def __init__(self, patient: str, reference: Image, brain: Image, labels: Mapping[str, Image]) -> None:
        """Make the pictures of the reference, its mask and its labels."""
        self._patient = patient
        box = pictures.around(reference.grid, brain.data)
        centers = [center_of(brain.data)]
        self.places = ["the centre of the brain"]
        residual = labels.get(REFERENCE_STANDARD)
        if residual is not None and residual.data.any():
            centers.append(busiest(residual.data))
            self.places.append("the residual tumour")
        self._views = [pictures.view_of(reference.grid, box, center) for center in centers]
        self._inside = brain.data
        grey = pictures.windowed(reference.data, window(reference.data, brain.data))
        self._reference = [view.strip(grey) for view in self._views]
        self._brain = [view.strip(brain.data) for view in self._views]
        self.mask = self._embed(_series(grey, brain), "brain mask outlined on the reference, five slices of each plane")
        self.labels = self._outlined_labels(labels)

    @property
    def where(self) -> str:
        """Describe the places of the slices."""
        return f"axial, coronal and sagittal slices through {listed(self.places)}"

    def registered(self, sequence: str, before: NDArray[np.float32], after: NDArray[np.float32]) -> Registered:
        """Make the pictures of a sequence (x, y, z on the reference grid) before and after registration."""
        name = name_of_subject(sequence)
        # One scale for both: before registration the mask lies beside the brain.
        limits = window(after, self._inside)
        strips = self._strips(after, limits)
        board = pictures.stacked(*map(pictures.checkerboard, self._reference, strips))
        return Registered(
            subject=sequence,
            name=subject_name(sequence),
            reference=self._outlined(self._reference, f"reference beside {name}"),
            before=self._outlined(self._strips(before, limits), f"{name} before registration"),
            after=self._outlined(strips, f"{name} after registration"),
            board=self._embed(board, f"checkerboard of the reference and {name} after registration, {self.where}"),
        )

    def _strips(self, volume: NDArray[np.float32], limits: tuple[float, float]) -> list[pictures.Strip]:
        grey = pictures.windowed(volume, limits)
        return [view.strip(grey) for view in self._views]

    def _outlined(self, strips: list[pictures.Strip], what: str) -> Embedded:
        rows = [pictures.outlined(row, {_BRAIN: mask}) for row, mask in zip(strips, self._brain, strict=True)]
        return self._embed(pictures.stacked(*rows), f"{what}, {self.where}")

    def _outlined_labels(self, labels: Mapping[str, Image]) -> Embedded | None:
        if not labels:
            return None
        colors = dict(zip(labels, _LABELS, strict=False))
        rows = [
            pictures.outlined(
                strip,
                {_BRAIN: brain} | {color: view.strip(labels[label].data) for label, (color, _) in colors.items()},
            )
            for view, strip, brain in zip(self._views, self._reference, self._brain, strict=True)
        ]
        outlines = listed([f"{name_of_subject(label)} in {word}" for label, (_, word) in colors.items()])
        return self._embed(pictures.stacked(*rows), f"{outlines}, brain mask in orange, on the reference, {self.where}")

    def _embed(self, picture: NDArray[np.uint8], text: str) -> Embedded:
        return Embedded(pictures.embedded(picture), f"Patient {self._patient}: {text}")


def _series(grey: NDArray[np.uint8], brain: Image) -> NDArray[np.uint8]:
    views: list[View] = [pictures.series_of(brain.grid, brain.data, axis) for axis in pictures.PLANES]
    return pictures.stacked(*(pictures.outlined(v.strip(grey), {_BRAIN: v.strip(brain.data)}) for v in views))


def patient_page(
    patient: str, measures: Measures, shown: Pictures, registered: Sequence[Registered], failures: Sequence[str]
) -> str:
    """Render the page; ``failures`` are the reasons why the patient failed."""
    return rendered(
        "residua.quality",
        "patient.html",
        patient=patient,
        rows=list(_rows(measures)),
        mask=shown.mask,
        labels=shown.labels,
        where=shown.where,
        sequences=registered,
        failures=failures,
    )


def _rows(measures: Measures) -> Iterator[PictureRow]:
    for subject, values in measures.items():
        for name, value in values.items():
            how = printed(subject, name)
            shown = "not defined" if value is None else how.shown(value)
            broken = value is not None and how.limit_broken(value) is not None
            yield PictureRow(subject_name(subject), how.title, shown, how.limits, broken)
