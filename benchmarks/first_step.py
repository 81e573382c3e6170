"""How long a training of nnU-Net keeps its card waiting before its first step: data verified first, or beside it.

    .venv/bin/python benchmarks/first_step.py --out build/first_step
    .venv/bin/python benchmarks/first_step.py --cases 4 --shape 40 60 60 --patch 16 32 32    (a trial)

``first`` is what was done until 2026: all files are compared with their digests one after the other, then all
labels are read. ``beside`` is the rule ``train``. ``copied`` is the same with ``machine.local_scratch``. With cold data
the files are put out of the page cache before each start; of a network file system the server may still hold them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from _common import HOUSE, steps_of
from residua.publishing.publish import write_text
from residua.tables.render import Table, to_markdown

STEPS = Path(__file__).parent / "first_step_steps.py"
WAYS = {"first": False, "beside": False, "copied": True}


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "first_step")
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--shape", type=int, nargs=3, default=[140, 350, 290], help="voxels along z, y, x")
    parser.add_argument("--patch", type=int, nargs=3, default=[80, 192, 128], help="voxels along z, y, x")
    parser.add_argument("--threads", type=int, default=12, help="of the training, as its rule gives it")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    """Make the data, let the ways take turns, and write the table."""
    wanted = parsed()
    folder, scratch = wanted.out.resolve() / "work", wanted.out.resolve() / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    scratch.mkdir(parents=True, exist_ok=True)
    sizes = {name: getattr(wanted, name) for name in ("cases", "channels", "shape", "patch")}
    (made,) = steps_of(STEPS, "torch", "make", str(folder), json.dumps(sizes))
    settings = yaml.safe_load((HOUSE / "config.yaml").read_text())["networks"]["nnunet"]
    # A small network at the full patch: the first step is not part of the time.
    settings |= {"features": [4, 8, 16, 32, 40], "patch_size": wanted.patch[::-1]}
    given = json.dumps(settings)
    runs: list[dict[str, Any]] = []
    for _ in range(wanted.rounds):
        for cache in ("cold", "cached"):
            for way, copied in WAYS.items():
                place = str(scratch) if copied else ""
                (times,) = steps_of(STEPS, "torch", "begin", str(folder), way, place, cache, given, str(wanted.threads))
                runs.append({"data": cache, "way": way, **times})
                print(runs[-1], f"load {os.getloadavg()[0]:.1f}", flush=True)
    figures = pd.DataFrame(runs).groupby(["data", "way"], sort=False).median().round(1).reset_index()
    caption = (
        f"{wanted.cases} cases of {'×'.join(map(str, wanted.shape))} voxels, {wanted.channels} channels, "
        f"{made['bytes'] / 2**30:.1f} GiB, {wanted.threads} threads; seconds, "
        f"median of {wanted.rounds} rounds, imports not counted."
    )
    text = to_markdown(Table(figures.astype(object), caption))
    write_text(wanted.out / "first_step.md", text)
    print(text)


if __name__ == "__main__":
    main()
