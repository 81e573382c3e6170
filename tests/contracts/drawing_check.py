"""Draw all figures of small made-up studies, in the core environment: python drawing_check.py OUT.

Prints one JSON record of what the files and the meshes look like.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from matplotlib.patches import Rectangle

from residua.cohort.flow import participant_flow
from residua.cohort.split.split import Split
from residua.cohort.table.patient import Patient
from residua.figures.figure1 import figure1
from residua.figures.figure3 import figure3
from residua.figures.figure4 import figure4
from residua.figures.flow import drawn as drawn_flow
from residua.figures.flow import flow_figure
from residua.figures.panels import scale_bar
from residua.figures.resection import resection_figure
from residua.figures.slices import FieldOfView
from residua.figures.style import ANNOTATION, DPI, PREDICTION, REFERENCE, FigureFiles, new_figure
from residua.figures.surfaces import Layer, composed, frame_of, layer, surface
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.inference.contents import Contents, FirstNumber
from residua.inference.drawing import draw
from residua.inference.panels import Panel, Shown
from residua.inference.sheet import sheet_of
from residua.publishing.publish import digest, stage
from residua.resection.patients import judged
from residua.resection.summary import resections
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics

GRID = Grid((30, 40, 12), np.diag([2.0, 1.5, 4.0, 1.0]))
CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
PATIENT = "SECRET7"


def head_and_mask(folder: Path, name: str, right: bool = True) -> tuple[str, str, str]:
    """A bright box for a head, a mask in the patient's right (or left) half of it, and a mask of the box."""
    rng = np.random.default_rng(3)
    head = np.zeros(GRID.shape, dtype=np.float32)
    head[3:27, 4:36, 1:11] = 100 + 10 * rng.random((24, 32, 10))
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[slice(20, 24) if right else slice(6, 10), 18:24, 5:8] = True
    image, drawn, brain = (str(folder / f"{name}{part}.nii.gz") for part in ("", "_mask", "_brain"))
    volumes.save(Image(head, GRID), image)
    volumes.save(Image(mask, GRID), drawn)
    volumes.save(Image(head > 0, GRID), brain)
    return image, drawn, brain


def outputs(folder: Path, name: str) -> FigureFiles:
    return folder / f"{name}.pdf", folder / f"{name}.png", folder / f"{name}.txt"


def columns_of(png: str | Path, colour: str) -> list[float]:
    """Where pixels of a colour are, as fractions of the width: the least, the mean and the greatest."""
    pixels = imread(png)[..., :3]
    found = np.argwhere(np.abs(pixels - np.array(to_rgb(colour))).max(axis=-1) < 0.02)[:, 1]
    width = pixels.shape[1]
    return [float(part) / width for part in (found.min(), found.mean(), found.max())] if found.size else []


def file_facts(files: FigureFiles) -> dict[str, Any]:
    pdf = Path(files[0]).read_bytes()
    return {
        "true_type": b"/FontFile2" in pdf and b"/Type3" not in pdf,
        "dated": b"CreationDate" in pdf or b"ModDate" in pdf,
        "named": PATIENT.encode() in pdf + Path(files[1]).read_bytes() + Path(files[2]).read_bytes(),
        "size": list(imread(files[1]).shape[1::-1]),
        "words": Path(files[2]).read_text(encoding="utf-8"),
    }


def check_figure1(out: Path) -> dict[str, Any]:
    """One hospital, two sequences, the second without an outline; drawn twice."""
    image, mask, brain = head_and_mask(out, PATIENT)
    columns = ("post_t1ce", "post_t2")
    shown = {"hospital": "STO", "images": dict.fromkeys(columns, image), "residual": mask, "brain": brain}
    runs = [outputs(out, f"{run}-figure1") for run in ("first", "second")]
    for files in runs:
        figure1([{**shown, "outlines": {"post_t1ce": mask}}], columns, {"post_t1ce": "residual"}, files)
    same = all(digest(one) == digest(other) for one, other in zip(*runs, strict=True))
    return {**file_facts(runs[0]), "same": same, "green": columns_of(runs[0][1], ANNOTATION)}


def check_figure1_without_a_patient(out: Path) -> dict[str, Any]:
    """Two sequences, and no patient who has both."""
    files = outputs(out, "none-figure1")
    figure1([], ("post_t1ce", "post_t2"), {"post_t1ce": "residual"}, files)
    return file_facts(files)


def check_figure3(out: Path, reference_ml: float) -> dict[str, Any]:
    """Two networks: the first segments the mask, the second nothing."""
    files = head_and_mask(out, PATIENT)
    mask = volumes.load_mask(files[1])
    manifests, rows = {}, []
    for arch, found in (("one", mask.data), ("two", np.zeros_like(mask.data))):
        manifests[arch, "B"] = str(out / f"{arch}-{reference_ml}" / "manifest.json")
        with stage(manifests[arch, "B"]) as part:
            volumes.save(Image(found, GRID), part / f"{PATIENT}.nii.gz")
        rows.append(
            {"arch": arch, "inputs": "B", "split": "test", "fold": None, "patient": PATIENT, "dice": float(found.any()),
             "reference_ml": reference_ml, "predicted_ml": 0.0}
        )  # fmt: skip
    to = outputs(out, f"figure3-{reference_ml}")
    choice, labels = {"one": "B", "two": "B"}, {"one": "Net 1", "two": "Net 2"}
    figure3(pd.DataFrame(rows), choice, CLASSIFICATION, {PATIENT: files}, manifests, labels, to)
    return {**file_facts(to), "red": columns_of(to[1], PREDICTION), "blue": columns_of(to[1], REFERENCE)}


def words_of_scale(width_mm: float) -> list[float]:
    """The ends of a scale bar's words, as shares of the axes, in a view as wide as components lie apart."""
    figure = new_figure(41.0, 41.0)
    figure.set_dpi(DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(-width_mm / 2, width_mm / 2)
    axes.set_ylim(-width_mm / 2, width_mm / 2)
    scale_bar(axes, 10)
    words = axes.texts[0].get_window_extent(FigureCanvasAgg(figure).get_renderer())
    inside = words.transformed(axes.transAxes.inverted())
    return [float(end) for end in (inside.x0, inside.x1, inside.y0, inside.y1)]


def check_figure4(out: Path) -> dict[str, Any]:
    """A novice with two cases, an expert with none, a network with one."""
    rows = [
        {"reference": "reference_standard", "scorer": scorer, "kind": kind, "inputs": None if kind != "model" else "B",
         "patient": PATIENT, "positive": positive, "jaccard": jaccard}
        for scorer, kind, positive, jaccard in (
            ("r1", "novice", True, 0.5), ("r1", "novice", True, 0.5), ("r2", "expert", False, 0.5),
            ("one", "model", True, 1.0), ("consensus", "reference", True, math.nan),
        )
    ]  # fmt: skip
    to = outputs(out, "figure4")
    figure4(pd.DataFrame(rows), {"one": "Net 1"}, 0.175, to)
    return file_facts(to)


def check_resection(out: Path) -> dict[str, Any]:
    """Two networks; the second sees a patient more tumour than before surgery, and one had none before."""
    names = {"inputs": "B", "split": "test", "fold": None, "hospital": "AMS"}
    rows = [
        {**names, "arch": arch, "patient": f"{PATIENT}{number}", "reference_ml": reference, "predicted_ml": predicted}
        for arch, more in (("one", 0.0), ("two", 9.0))
        for number, (reference, predicted) in enumerate(((0.0, 0.1), (1.0, 0.7 + more), (3.0, 3.5), (6.0, 2.0)))
    ]
    before = {f"{PATIENT}{number}": ml for number, ml in enumerate((30.0, 5.0, 8.0, 0.0))}
    record = {"members_ml": {"fold0": 0.2, "fold1": 2.0}, "mean_pairwise_dice": 0.5}
    patients = judged(
        pd.DataFrame(rows), before, {(arch, "B"): dict.fromkeys(before, record) for arch in ("one", "two")}
    )
    best = BestInputs(segmentation={}, classification={}, raters={})
    settings = Statistics(alpha=0.05, bootstrap_resamples=100, interval_sd_multiplier=1.96, seed=0, best_inputs=best)
    summary = resections(patients, 0.175, settings)
    runs = [outputs(out, f"{run}-resection") for run in ("first", "second")]
    for files in runs:
        resection_figure(patients, summary, {"one": "Net 1"}, 0.05, files)
    same = all(digest(one) == digest(other) for one, other in zip(*runs, strict=True))
    resection_figure(patients[:0], summary, {}, 0.05, outputs(out, "nobody"))
    return {**file_facts(runs[0]), "same": same, "nobody": file_facts(outputs(out, "nobody"))}


def awkward_flow() -> dict[str, Any]:
    """Thirty hospitals in five folds and a hold-out, twelve reasons that nobody wrote for a figure, unequal inputs."""
    reasons = ["W" * 150, "costs $\\void$, " + "and so on " * 30, f"same scan as {PATIENT}"]
    reasons += [f"reason {'very ' * number}good" for number in range(9)]
    hospitals = {f"P{number}": f"HOSPITAL{number}" for number in range(30)} | {PATIENT: "HOSPITAL0"}
    patients = {name: Patient(name, hospital, "auto", "", None) for name, hospital in hospitals.items()}
    for number, reason in enumerate(reasons):
        patients[f"L{number}"] = Patient(f"L{number}", "HOSPITAL0", "exclude", reason, None, excluded_by="table")
    members = [name for name in hospitals if name != PATIENT]
    folds = {fold: tuple(members[5 * fold : 5 * fold + 5]) for fold in range(5)}
    split = Split({**folds, 0: (*folds[0], PATIENT)}, tuple(members[25:]), {}, hospitals)
    eligible = {"A": list(split.patients), "B" * 150: list(split.patients[:9])}
    return participant_flow(patients, split, eligible, dict.fromkeys(members, 1.0), 0.175)


def check_flow(out: Path) -> dict[str, Any]:
    """Where the words of an awkward flow stand: how many leave their box, and how many pairs touch."""
    runs = [outputs(out, f"{run}-flow") for run in ("first", "second")]
    for files in runs:
        flow_figure(awkward_flow(), files)
    figure = drawn_flow(awkward_flow())
    figure.set_dpi(DPI)
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.axes[0]
    frames = [patch.get_window_extent(renderer) for patch in axes.patches if isinstance(patch, Rectangle)]
    words = [text.get_window_extent(renderer) for text in axes.texts]
    inside = [sum(f.x0 <= w.x0 and w.x1 <= f.x1 and f.y0 <= w.y0 and w.y1 <= f.y1 for f in frames) for w in words]
    return {
        **file_facts(runs[0]),
        "same": all(digest(one) == digest(other) for one, other in zip(*runs, strict=True)),
        "in_one_box": inside.count(1) / len(words),
        "boxes_that_touch": int(sum(a.overlaps(b) for a, b in combinations(frames, 2))),
        "lines": [text.get_text() for text in axes.texts],
    }


def coloured(spread: np.ndarray[Any, Any]) -> int:
    """How many pixels of the drawn disagreement have a colour."""
    field = FieldOfView((20.0, 20.0), 30.0, 30.0)
    grey, nothing = np.full((40, 40), 0.5), np.zeros((40, 40), dtype=bool)
    figure = new_figure(120.0, 40.0)
    draw(figure, Shown((Panel("", grey, (1.0, 1.0), (0.0, 1.0), field, nothing, spread),), ""))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    return int((np.ptp(pixels, axis=2) > 40).sum())


def check_disagreement() -> dict[str, Any]:
    none, one, many = (np.zeros((40, 40)) for _ in range(3))
    one[16, 24] = many[12:20, 20:28] = 0.4
    bar, single, square = map(coloured, (none, one, many))
    return {"one_voxel": single - bar, "square": square - bar}


def check_sheet() -> dict[str, Any]:
    """A sheet with more to tell than it can hold: which of its texts cover each other or the edge of the page."""
    field = FieldOfView((20.0, 20.0), 30.0, 30.0)
    grey = np.full((40, 40), 0.5)
    panel = Panel("Post-operative T1w", grey, (1.0, 1.0), (0.0, 1.0), field, grey > 1)
    long = ["word " * length for length in (9, 90, 40, 20, 30, 20, 9, 9, 60, 9)]
    headline = FirstNumber("Class", "Gross total resection", "probability of residual tumour (0.175 ml or more): 30 %")
    short = ("By the rule of 0 cm³", "not complete", "nothing at all is left")
    folded = ("Volume by each fold", "11.00, 12.00, 13.00, 14.00, 15.00 ml", "each model alone, at the same threshold")
    numbers = (short,) * 5 + (folded,) * 4
    given = (("Post-operative T1w-CE", "read by the models"),) * 5
    contents = Contents("P1", "", (headline,) * 4, given, numbers, tuple(long), tuple(long), "word " * 40)
    figure = sheet_of(contents, Shown((panel,) * 7, "Slices go through the levels with most of the mask."))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    page = figure.bbox
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in figure.texts]
    covered = [(one[0], two[0]) for one, two in combinations(boxes, 2) if one[1].padded(-1).overlaps(two[1].padded(-1))]
    outside = [words for words, box in boxes if not (page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0)]
    return {"covered": covered, "outside": outside, "words": [words for words, _ in boxes]}


def check_surfaces() -> dict[str, Any]:
    """Meshes whose truth is known: a ball with voxels of 1 × 1 × 2 mm, one voxel, and nothing."""
    spacing = (1.0, 1.0, 2.0)
    place = np.indices((31, 31, 21)) * np.array(spacing)[:, None, None, None]
    ball = ((place - np.array([15.0, 15.0, 20.0])[:, None, None, None]) ** 2).sum(axis=0) <= 10.0**2
    mesh = surface(ball, spacing)
    corners = mesh.points_mm[mesh.faces] - mesh.points_mm.mean(axis=0)
    volume = float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)
    one, right, left = (np.zeros((9, 9, 9), dtype=bool) for _ in range(3))
    one[4, 4, 4] = right[7, 4, 4] = left[1, 4, 4] = True
    drawn = layer(mesh, frame_of([mesh]), 60)
    near, far = (Layer(np.full((2, 2), depth), np.ones((2, 2)), np.full((2, 2), 0.8)) for depth in (1.0, 0.0))
    nothing = surface(np.zeros((3, 3, 3), dtype=bool), spacing)
    return {
        "outwards": float((mesh.normals * (mesh.points_mm - mesh.points_mm.mean(axis=0))).sum(axis=1).min()),
        "volume_ratio": volume / (float(ball.sum()) * 2.0),
        "one_voxel": len(surface(one, spacing).faces),
        "right_is_left_of_left": float(surface(right, spacing).points_mm[:, 0].mean())
        < float(surface(left, spacing).points_mm[:, 0].mean()),
        # The disc of the ball fills pi/4 of its square, which has a margin of 0.16 on each side; no pixel is missed.
        "filled": float(np.isfinite(drawn.depth).mean()) / (math.pi / 4 / 1.32**2),
        "nearer_on_top": [
            composed(near, far, ("red", "blue")).tolist()[0][0],
            composed(far, near, ("red", "blue")).tolist()[0][0],
        ],
        "nothing": bool(np.isfinite(layer(nothing, frame_of([nothing]), 4).depth).any()),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    record = {
        "figure1": check_figure1(folder),
        "figure1_without_a_patient": check_figure1_without_a_patient(folder),
        "figure3": check_figure3(folder, 1.0),
        "figure3_without_a_patient": check_figure3(folder, 0.0),
        "figure4": check_figure4(folder),
        "scale": {width: words_of_scale(width) for width in (10.0, 60.0, 170.0, 400.0)},
        "flow": check_flow(folder),
        "resection": check_resection(folder),
        "disagreement": check_disagreement(),
        "sheet": check_sheet(),
        "surfaces": check_surfaces(),
    }
    print("\n" + json.dumps(record))
