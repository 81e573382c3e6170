"""Measurements of the voxels of one file, the same for an image and a mask."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.cohort.checks.likeness import fingerprint
from residua.images.rounding import ROUNDING
from residua.images.volumes import Image

MANY_VALUES = 64
"""Values beyond this number are not listed: no label map has as many, every image has more."""
_SAMPLED_VOXELS = 1 << 16


@dataclass(frozen=True)
class Facts:
    """Numbers about the voxels of one file, in RAS+ order.

    ``values`` are all distinct finite values where there are at most ``MANY_VALUES``; of more, some. ``marked``,
    ``zeros``, ``ones`` and ``fractional`` count voxels as a mask has them: above 0.5, 0, 1, and between these (give or
    take ``ROUNDING``); ``traces`` those that are above 0 by no more than ``ROUNDING``. ``rim_marked`` is the marked
    share of the outermost voxels. ``digest`` is that of shape, spacing and voxels, whatever their stored order;
    ``fingerprint`` is that of ``likeness``.
    """

    digest: str
    fingerprint: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    voxel_ml: float
    voxels: int
    nan: int
    infinite: int
    minimum: float
    maximum: float
    integral: bool
    values: tuple[float, ...]
    commonest: float
    commonest_voxels: int
    marked: int
    zeros: int
    ones: int
    fractional: int
    traces: int
    rim_marked: float

    @property
    def few_values(self) -> bool:
        """Return whether ``values`` are all distinct values."""
        return len(self.values) <= MANY_VALUES

    @property
    def volume_ml(self) -> float:
        """Return the volume of the marked voxels in ml."""
        return self.marked * self.voxel_ml

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which ``from_json`` makes the same facts."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Facts:
        """Return the facts that ``to_json`` described."""
        facts: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in record.items()}
        return cls(**facts)


def facts_of(image: Image) -> Facts:
    """Measure an image of any content."""
    data = image.data
    finite = np.isfinite(data)
    nan = int(np.count_nonzero(np.isnan(data)))
    infinite = int(data.size - np.count_nonzero(finite)) - nan
    known = data if nan + infinite == 0 else data[finite]
    values = _values(known)
    commonest, commonest_voxels = _commonest(known)
    return Facts(
        digest=voxel_digest(image),
        fingerprint=fingerprint(image),
        shape=image.grid.shape,
        spacing_mm=image.grid.spacing_mm,
        voxel_ml=image.grid.voxel_ml,
        voxels=int(data.size),
        nan=nan,
        infinite=infinite,
        minimum=float(known.min()) if known.size else 0.0,
        maximum=float(known.max()) if known.size else 0.0,
        integral=bool((known == np.rint(known)).all()),
        values=values,
        commonest=commonest,
        commonest_voxels=commonest_voxels,
        marked=int(np.count_nonzero(data > 0.5)),
        zeros=int(np.count_nonzero(np.abs(known) <= ROUNDING)),
        ones=int(np.count_nonzero(np.abs(known - 1) <= ROUNDING)),
        fractional=int(np.count_nonzero((known > ROUNDING) & (known < 1 - ROUNDING))),
        traces=int(np.count_nonzero((known > 0) & (known <= ROUNDING))),
        rim_marked=_rim_marked(data),
    )


def voxel_digest(image: Image) -> str:
    """Return the SHA-256 of shape, spacing (µm) and voxels (float32, RAS+ order), as hex."""
    found = hashlib.sha256(repr((image.grid.shape, [round(mm * 1000) for mm in image.grid.spacing_mm])).encode())
    for plane in image.data:
        # Adding zero makes one of the two zeros.
        found.update(np.ascontiguousarray(plane + np.float32(0), dtype="<f4").tobytes())
    return found.hexdigest()


def _sample(known: NDArray[Any]) -> NDArray[Any]:
    # An odd step does not walk along one face of a volume of even size.
    return known.ravel(order="K")[:: (known.size // _SAMPLED_VOXELS) | 1]


def _values(known: NDArray[Any]) -> tuple[float, ...]:
    found = np.unique(_sample(known))
    if len(found) <= MANY_VALUES:
        others = known[~np.isin(known, found)]
        found = np.union1d(found, np.unique(others))
    shown = found if len(found) <= MANY_VALUES else found[np.linspace(0, len(found) - 1, MANY_VALUES + 1).astype(int)]
    return tuple(float(value) for value in shown)


def _commonest(known: NDArray[Any]) -> tuple[float, int]:
    if not known.size:
        return 0.0, 0
    values, counts = np.unique(_sample(known), return_counts=True)
    value = values[counts.argmax()]
    return float(value), int(np.count_nonzero(known == value))


def _rim_marked(data: NDArray[Any]) -> float:
    faces = [np.take(data, index, axis).ravel() for axis in range(3) for index in (0, -1)]
    return float(np.mean(np.concatenate(faces) > 0.5))
