"""One network's preparation in its own environment: python prepared_check.py ARCH FOLDER.

For every case of ``preparation_cases`` that ``sampling_check`` went through, writes ``prepared-{arch}.npz``: each
channel (x, y, z) from the reference grid (``paper-{channel}``) and sampled on the target grid (``composed-{channel}``).
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
from preparation_cases import CHANNELS, NETWORKS, Voxels, names

from residua.networks.registry import prepare_of
from residua.preparation.cases import ChannelCase

READERS = {
    "nnunet": lambda prepared, path: prepared.opened(path)[:][0].transpose(2, 1, 0),
    "agunet": lambda prepared, path: prepared.read_cube(path),
}


def prepared(arch: str, folder: Path, channel: str, sampled: bool) -> Voxels:
    """One channel as the network will read it."""
    place = folder / "sampled" / arch if sampled else folder if channel == "residual" else folder / "stripped"
    case = ChannelCase("P1", place / f"{channel}.nii.gz", folder / "brain.nii.gz", sampled)
    out = folder / arch / ("composed" if sampled else "paper") / channel
    out.mkdir(parents=True)
    prepare_of(arch)([case], CHANNELS[channel], NETWORKS[arch], out)
    (made,) = out.iterdir()
    return np.asarray(READERS[arch](import_module(f"residua.networks.{arch}.prepared"), made))


def main(arch: str, folder: Path) -> None:
    """Prepare every channel of a case in both ways."""
    ways = {"paper": False, "composed": True}
    found = {
        f"{way}-{name}": prepared(arch, folder, name, sampled) for way, sampled in ways.items() for name in CHANNELS
    }
    np.savez(folder / f"prepared-{arch}.npz", **found)


if __name__ == "__main__":
    for each in names():
        main(sys.argv[1], Path(sys.argv[2]) / each)
