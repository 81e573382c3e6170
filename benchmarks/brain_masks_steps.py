"""What ``brain_masks.py`` runs in other environments: each method's masks, and the montage.

brain_masks_steps.py extract METHOD FOLDER
brain_masks_steps.py montage LIST
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from residua.images import volumes
from residua.images.volumes import Image

SETTINGS: dict[str, dict[str, str]] = {"hd-bet": {"hd_bet_mode": "fast"}}


def extracted(method: str, cases: list[dict[str, str]], folder: Path) -> list[dict[str, Any]]:
    """Make, in the method's environment, a mask of every case; return what it took."""
    from residua.brain.mask import extractor
    from residua.errors import UnusableScanError
    from residua.images.scans import load_scan
    from residua.settings.brain_mask import BrainMask

    settings = BrainMask.model_validate({"method": method, **SETTINGS.get(method, {})})
    extract, records = extractor(settings, {}), []
    for number, case in enumerate(cases):
        scan, began = load_scan(case["image"]), time.process_time()
        try:
            mask = extract("", scan)
        except UnusableScanError:
            mask = Image(np.zeros(scan.grid.shape, bool), scan.grid)
        seconds = time.process_time() - began
        volumes.save(mask, folder / f"{method}_{number}.nii.gz")
        memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        records.append({"mask": str(folder / f"{method}_{number}.nii.gz"), "seconds": seconds, "gb": memory_gb})
    return records


def montage(rows: list[dict[str, str]], file: Path) -> None:
    """Draw, in the core environment, the outline of each mask (red) and of the truth (green) in three planes."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(-(-len(rows) // 4), 12, figsize=(24, 2.2 * -(-len(rows) // 4)), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for number, row in enumerate(rows):
        scan, masks = volumes.load(row["image"]), [volumes.load_mask(row[name]) for name in ("mask", "brain")]
        middle = [int(np.median(places)) for places in np.nonzero(masks[1].data)]
        for plane in range(3):
            axis, (across, up) = (
                axes[number // 4, 3 * (number % 4) + plane],
                [each for each in range(3) if each != plane],
            )
            aspect = scan.grid.spacing_mm[up] / scan.grid.spacing_mm[across]
            shown = np.asarray(scan.data).take(middle[plane], axis=plane).T
            axis.imshow(shown, cmap="gray", origin="lower", aspect=aspect, vmax=np.percentile(scan.data, 99.7))
            for mask, colour in zip(masks, ("r", "lime"), strict=True):
                axis.contour(mask.data.take(middle[plane], axis=plane).T, [0.5], colors=colour, linewidths=0.7)
    figure.tight_layout(pad=0.1)
    figure.savefig(file, dpi=70)


if __name__ == "__main__":
    if sys.argv[1] == "extract":
        out = Path(sys.argv[3])
        print("\n" + json.dumps(extracted(sys.argv[2], json.loads((out / "cases.json").read_text()), out)))
    else:
        listed = Path(sys.argv[2])
        montage(json.loads(listed.read_text()), listed.with_name(listed.stem.replace("_shown", "") + ".png"))
        print("\n[]")
