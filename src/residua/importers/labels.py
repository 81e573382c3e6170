"""Derive labels by declared rules from files with several structures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from residua.errors import ResiduaError
from residua.importers.found import Label
from residua.publishing.publish import writing
from residua.settings.base import COLUMN

Rules = Mapping[str, tuple[int, ...]]
"""The values that together form each label."""
_RULE = re.compile(rf"({COLUMN[1:-1]})=(\d+(?:,\d+)*)")
_FREE_TEXT = {"descrip", "aux_file", "db_name", "intent_name", "data_type"}


def parse_rules(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Parse rules such as ``residual=1,4``, one per label. Raises ``ResiduaError`` that quotes an invalid rule."""
    rules: dict[str, tuple[int, ...]] = {}
    for text in texts:
        match = _RULE.fullmatch(text.replace(" ", ""))
        values = tuple(sorted({int(value) for value in match[2].split(",")})) if match else ()
        if not match or 0 in values:
            raise ResiduaError(f"--label {text}: write the label and its values, without 0, such as residual=1,4")
        if match[1] in rules:
            raise ResiduaError(f"--label {text}: {match[1]} already has a rule; give all its values in one --label")
        rules[match[1]] = values
    return rules


def in_words(values: Iterable[int]) -> str:
    """Format values for remarks: ``1, 4``."""
    return ", ".join(map(str, values))


def derive(label: Label, path: Path) -> tuple[str, ...]:
    """Write the binary mask (uint8) of a label's values to ``path``, in the geometry of its file; return remarks.

    Shape, sform and qform with their codes and the units are copied. Free text of the header, which may contain names
    and dates, is not. Remarks name values that neither the rule nor the documentation defines.
    Raises ``ResiduaError`` if the file cannot be read, contains values that are not whole numbers, or voxels that
    nobody annotated.
    """
    import nibabel as nib
    import numpy as np

    source, voxels = _read(label.file)
    values = label.values or ()
    present = {int(value) for value in np.unique(voxels)}
    if ignored := sorted(present & set(label.ignored)):
        many = int(np.isin(voxels, ignored).sum())
        raise ResiduaError(
            f"{label.file.name}: {many} voxels are marked as ignored (value {in_words(ignored)}): nobody annotated "
            "them, so the patient counts as not annotated"
        )
    with writing(path, suffix=".nii.gz") as beside:
        nib.save(_mask(source, np.isin(voxels, values).astype(np.uint8)), beside)
    unknown = () if label.known is None else tuple(sorted(present - {0, *values, *label.known}))
    if not unknown:
        return ()
    return (f"{label.file.name} also contains {in_words(unknown)}, not defined by the rule or the documentation",)


def structures(file: Path) -> tuple[int, ...]:
    """Return the values of a file that is used as a binary label if they are not 0 and 1 alone; else nothing.

    A file that cannot be read, or that holds no whole numbers, is left to the check of the cohort.
    """
    import numpy as np

    try:
        values = {int(value) for value in np.unique(_read(file)[1])}
    except ResiduaError:
        return ()
    return tuple(sorted(values - {0})) if values - {0, 1} else ()


def without_words(header: Any) -> Any:
    """Copy a NIfTI header without extensions and free text, where converters leave names and dates."""
    bare = header.copy()
    bare.extensions.clear()
    # NIfTI-2 lacks some of these fields.
    for name in _FREE_TEXT & set(bare.keys()):
        bare[name] = b""
    return bare


def _read(file: Path) -> tuple[Any, Any]:
    """Return the opened file and its voxels as whole numbers."""
    import nibabel as nib
    import numpy as np

    from residua.images.opening import open_image
    from residua.images.rounding import ROUNDING
    from residua.images.whole import whole_voxels

    if not os.path.isfile(file):
        raise ResiduaError(f"{file.name}: the file does not exist")
    try:
        source: Any = open_image(file)
        voxels = whole_voxels(file, source)
    except Exception as error:
        raise ResiduaError(f"{file.name}: cannot be read as NIfTI ({error})".replace(str(file), file.name)) from None
    if not isinstance(source, nib.Nifti1Image):
        raise ResiduaError(f"{file.name}: not a NIfTI image")
    whole = np.rint(np.nan_to_num(voxels.real, nan=-1, posinf=-1, neginf=-1)).astype(np.int64)
    if not np.allclose(voxels, whole, rtol=0, atol=ROUNDING):
        raise ResiduaError(f"{file.name}: contains values that are not whole numbers, so it is not a segmentation")
    return source, whole


def _mask(source: Any, voxels: Any) -> Any:
    """Return ``voxels`` as an image of the source's NIfTI version."""
    import numpy as np

    header = without_words(source.header)
    header["cal_max"] = header["cal_min"] = 0
    header.set_slope_inter(1, 0)
    header.set_data_dtype(np.uint8)
    return type(source)(voxels, source.affine, header)
