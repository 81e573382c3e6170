"""Quality control of one patient in the core environment: python quality_check.py COHORT PATIENT OUT.

The moving image is the reference with a header that is 15 mm off, its registration is perfect. Prints one JSON record.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import lean_ants  # noqa: F401
import numpy as np
from PIL import Image as Picture

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.problems.problem import failed
from residua.publishing.publish import read_json, write_json
from residua.quality import pictures
from residua.quality.assess import assess
from residua.registration.transforms import resample

SHIFT_MM = 15.0
GRID = Grid((20, 30, 10), np.diag([2.0, 1.0, 3.0, 1.0]))


def shifted(image: Image) -> Image:
    affine = image.grid.affine.copy()
    affine[0, 3] += SHIFT_MM
    return Image(image.data, Grid(image.grid.shape, affine, image.grid.stored_as))


def case_of(patient: str, scans: Path, out: Path) -> dict[str, Any]:
    reference, residual = scans / "post_t1ce.nii.gz", scans / "residual.nii.gz"
    volumes.save(shifted(volumes.load(reference)), out / "moving.nii.gz")
    volumes.save(shifted(volumes.load_mask(residual)), out / "drawn.nii.gz")
    write_json(out / "quality.json", {"problem": None, "mutual_information": {"before": 0.2, "after": 0.9}})
    moved = {"moving": str(out / "moving.nii.gz"), "registered": str(reference), "quality": str(out / "quality.json")}
    labels = {
        "residual": {"drawn": str(residual), "warped": None},
        "pre_tumor": {"drawn": str(out / "drawn.nii.gz"), "warped": str(residual)},
    }
    seen = {"reference": str(reference), "column": "post_t1ce", "sequences": {"post_t1": moved}}
    return {"patient": patient, **seen, "labels": labels}


def differences(page: str) -> dict[str, float]:
    """Mean difference of grey values between the reference's pictures and those of the sequence."""
    shown = {}
    for source, text in re.findall(r'src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)"', page):
        with Picture.open(io.BytesIO(base64.b64decode(source))) as picture:
            shown[text] = np.asarray(picture.convert("L"), dtype=np.float64)
    of = {
        word: next(p for text, p in shown.items() if word in text) for word in ("reference beside", "before", "after")
    }
    of["board"] = next(p for text, p in shown.items() if "checkerboard" in text)
    outside = {word: float(np.abs(p - of["reference beside"]).mean()) for word, p in of.items()}
    return {word: outside[word] for word in ("before", "after", "board")}


def corner() -> dict[str, Any]:
    """Where the patient's right, anterior and upper corner is in each plane: row and column as shares."""
    volume = np.zeros(GRID.shape, dtype=np.uint8)
    volume[-4:, -6:, -3:] = 255
    found = {}
    for axis, name in ((pictures.AXIAL, "axial"), (pictures.CORONAL, "coronal"), (pictures.SAGITTAL, "sagittal")):
        level = GRID.shape[axis] - 1
        box = tuple(slice(0, size) for size in GRID.shape)
        strip = pictures.View(GRID, box, ((axis, level),)).strip(volume)  # type: ignore[arg-type]
        rows, columns = np.nonzero(strip > 127)
        found[name] = [rows.mean() / strip.shape[0], columns.mean() / strip.shape[1], strip.shape[1] / strip.shape[0]]
    return found


def refused(case: dict[str, Any], out: Path) -> str:
    volumes.save(Image(np.ones(GRID.shape, dtype=bool), GRID), out / "mask.nii.gz")
    write_json(out / "mask.json", {"problem": None})
    try:
        assess(case, out / "mask.json", out)
    except ResiduaError as error:
        return str(error)
    return ""


def page_of_failure(patient: str, case: dict[str, Any], out: Path) -> str:
    """The page of a patient who has no brain mask, and a sequence that shows no head."""
    headless = failed("extraction-empty", "no brain in it", "check it", patient, "brain mask")
    other = failed("registration-scaled", "another head", "check it", patient, "post_t1")
    write_json(out / "none.json", {"problem": headless.to_json()})
    numbers = {"before": 0.2, "after": 0.1}
    write_json(out / "quality.json", {"problem": other.to_json(), "mutual_information": numbers})
    assess(case, out / "none.json", out)
    assert read_json(out / f"{patient}.json")["problems"] == [headless.to_json(), other.to_json()]
    return (out / f"{patient}.html").read_text()


def main(cohort: str, patient: str, folder: str) -> None:
    scans, out = Path(cohort) / "images" / patient, Path(folder)
    out.mkdir(parents=True)
    case = case_of(patient, scans, out)
    brain = out / "brain_mask.json"
    shutil.copy(Path(cohort) / "truth" / patient / "brain_mask.nii.gz", out)
    write_json(brain, {"problem": None})
    assess(case, brain, out)
    record = json.loads((out / f"{patient}.json").read_text())
    first = (out / f"{patient}.html").read_bytes()
    assess(case, brain, out)
    moved = volumes.load(out / "moving.nii.gz")
    print(
        json.dumps(
            {
                "measures": record["measures"],
                "differences": differences(first.decode()),
                "same": (out / f"{patient}.html").read_bytes() == first,
                "corner": corner(),
                "failed": page_of_failure(patient, case, out),
                "refused": refused(case, out),
                "by_header": bool(np.allclose(resample(moved.grid, moved, None, "linear").data, moved.data, atol=1e-3)),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
