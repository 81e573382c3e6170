"""Brain masks by several methods on the same scans: Dice, tumour kept, faults, seconds and memory.

    .venv/bin/python benchmarks/brain_masks.py --methods agunet deepbet hd-bet --held-out 200 --operated 50 --out OUT

With ``--case patient12 --head ch2.nii.gz --brain ch2bet.nii.gz`` it takes real scans, too. ``--held-out`` heads are of
shapes that trained no network. ``--operated`` heads are patients of ``residua simulate`` after surgery, with
residual tumour. ``--case`` is a folder of the set of Lesjak et al. (2016, CC BY), whose mask is brought to the
native scans by its transforms. ``--head`` and ``--brain`` are a head with skull and its brain, as Colin27 (Debian's
mricron-data). What was made before is kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _common import HOUSE, steps_of
from residua.images import volumes
from residua.images.brain_volume import is_plausible_brain
from residua.images.components import solid
from residua.images.volumes import Image

Case = dict[str, str]
STACKS = {"agunet": "tensorflow", "deepbet": "torch", "hd-bet": "hdbet", "template": "core"}
STEPS = Path(__file__).with_name("brain_masks_steps.py")
IN_PLANE = 192
FAULT_DICE = 0.8
"""A mask below this, or of an impossible volume, is a fault."""


def held_out(count: int, folder: Path) -> list[Case]:
    """Whole scans of heads that trained no network."""
    from residua.brain_model.samples import HELD_OUT, scan_of
    from residua.brain_model.settings import load_brain_model
    from residua.settings.yaml_file import read_yaml

    settings = load_brain_model(read_yaml(HOUSE / "src/residua/brain_model/brain_model.yaml")).training
    cases = []
    for number in range(count):
        # Those of the training choose its best epoch.
        image, brain = (folder / f"held_out{number}_{name}.nii.gz" for name in ("image", "brain"))
        if not brain.is_file():
            scan, mask = scan_of(settings, HELD_OUT, settings.held_out_heads + number, IN_PLANE)
            volumes.save(Image(scan.data.astype(np.float32), scan.grid), image)
            volumes.save(mask, brain)
        cases.append({"set": "held-out heads", "image": str(image), "brain": str(brain)})
    return cases


def operated(count: int, like: str, folder: Path) -> list[Case]:
    """Post-operative scans with residual tumour, as ``residua simulate`` writes them."""
    from residua.simulate.design import load_design
    from residua.simulate.patient import simulate_patient
    from residua.simulate.plan import planned

    design = load_design(like)
    with_tumor = [each for each in planned(4 * count + 24, design) if each.residual_tumor and not each.lacking][:count]
    cases = []
    for assignment in with_tumor:
        images = folder / "images" / assignment.patient
        brain = folder / "truth" / assignment.patient / "brain_mask.nii.gz"
        if not brain.is_file():
            simulate_patient(folder, 7, assignment, design)
        case = {"set": "operated heads", "image": str(images / "post_t1ce.nii.gz"), "brain": str(brain)}
        cases.append({**case, "tumor": str(images / "residual.nii.gz")})
    return cases


def real(case: Path, folder: Path) -> list[Case]:
    """Take the native T1w scans of a patient, and bring the published mask to their grids."""
    import SimpleITK

    mask = SimpleITK.ReadImage(str(case / "brainmask_commonspace.nii.gz"), SimpleITK.sitkUInt8)
    cases = []
    for study in ("study1", "study2"):
        image, brain = case / f"{study}_t1.nii.gz", folder / f"{study}_brain.nii.gz"
        names = (f"{study}_FLAIR_to_common_space", f"{study}_T1W_intrastudy_to_FLAIR")
        steps = [SimpleITK.ReadTransform(str(case / f"{name}.tfm")).GetInverse() for name in names]
        native = SimpleITK.ReadImage(str(image))
        nearest = SimpleITK.sitkNearestNeighbor
        there = SimpleITK.Resample(mask, native, SimpleITK.CompositeTransform(steps), nearest)
        SimpleITK.WriteImage(there, str(brain))
        cases.append({"set": "real scans", "image": str(image), "brain": str(brain)})
    return cases


def head(image: Path, stripped: Path, folder: Path) -> list[Case]:
    """Take a head with skull; its brain is what the stripped one shows, its holes filled."""
    brain, shown = folder / "head_brain.nii.gz", volumes.load(stripped)
    volumes.save(Image(solid(np.asarray(shown.data) > 0), shown.grid), brain)
    return [{"set": "head", "image": str(image), "brain": str(brain)}]


def scored(method: str, case: Case, made: dict[str, Any]) -> dict[str, Any]:
    """One row per method and scan."""
    found, true = volumes.load_mask(made["mask"]), volumes.load_mask(case["brain"])
    overlap = 2 * np.count_nonzero(found.data & true.data) / max(found.data.sum() + true.data.sum(), 1)
    volume_ml = float(found.data.sum() * found.grid.voxel_ml)
    row = {"method": method, "set": case["set"], "image": case["image"], "dice": float(overlap), "ml": volume_ml}
    if "tumor" in case:
        tumor = volumes.load_mask(case["tumor"]).data
        row |= {"tumor": int(tumor.sum()), "kept": int((tumor & found.data).sum())}
    fault = bool(overlap < FAULT_DICE) or not is_plausible_brain(volume_ml)
    return {**row, "fault": fault, "mask": made["mask"], "seconds": made["seconds"], "gb": made["gb"]}


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per method and set of scans."""
    lines = []
    for (method, kind), of in pd.DataFrame(rows).groupby(["method", "set"], sort=False):
        line = {"method": method, "scans": f"{kind} ({len(of)})"}
        line |= {"mean Dice": f"{of['dice'].mean():.3f}", "lowest Dice": f"{of['dice'].min():.3f}"}
        tumor = of["tumor"].sum() if "tumor" in of else 0
        line["tumour inside"] = f"{of['kept'].sum() / tumor:.2%}" if tumor else "–"
        line |= {"faults": str(of["fault"].sum()), "seconds": f"{of['seconds'].median():.1f}"}
        lines.append({**line, "memory (GB)": f"{of['gb'].max():.1f}"})
    return pd.DataFrame(lines)


def main() -> None:
    """Make the scans, mask them in each method's environment, and write the table."""
    from residua.publishing.publish import write_json, write_text
    from residua.tables.render import Table, to_markdown

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=sorted(STACKS), default=["agunet", "deepbet"])
    parser.add_argument("--held-out", type=int, default=20)
    parser.add_argument("--operated", type=int, default=10)
    parser.add_argument("--like", default="table1", help="design of the operated heads; toy is quick")
    parser.add_argument("--case", type=Path)
    parser.add_argument("--head", type=Path)
    parser.add_argument("--brain", type=Path)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "brain_masks")
    wanted = parser.parse_args()
    folder = wanted.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    cases = held_out(wanted.held_out, folder) + operated(wanted.operated, wanted.like, folder)
    cases += real(wanted.case.resolve(), folder) if wanted.case else []
    cases += head(wanted.head.resolve(), wanted.brain, folder) if wanted.head else []
    write_json(folder / "cases.json", cases)
    rows: list[dict[str, Any]] = []
    for method in wanted.methods:
        made = steps_of(STEPS, STACKS[method], "extract", method, str(folder))
        of = [scored(method, case, each) for case, each in zip(cases, made, strict=True)]
        worst = sorted(of, key=lambda row: float(row["dice"]))[:12]
        shown = [row | {"brain": cases[of.index(row)]["brain"]} for row in worst]
        write_json(folder / f"{method}_shown.json", shown)
        steps_of(STEPS, "core", "montage", str(folder / f"{method}_shown.json"))
        rows += of
    write_json(folder / "brain_masks.json", rows)
    note = f"Seconds of a processor: median. A fault is a Dice below {FAULT_DICE} or an impossible volume."
    text = to_markdown(Table(table(rows).astype(object), note))
    write_text(folder / "brain_masks.md", text)
    print(text)


if __name__ == "__main__":
    main()
