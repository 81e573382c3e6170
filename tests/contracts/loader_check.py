"""Two processes of nnU-Net's loader, in the torch environment: loader_check.py OUT. Runs until it is killed.

Each writes what it draws first into a file that its process's number names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

from residua.networks.nnunet.dataset import StackedDataset


def main(out: Path) -> None:
    dataset = StackedDataset({}, {})
    torch.manual_seed(1)
    for _ in range(2):
        if os.fork() == 0:
            # As batchgenerators does it in each of its processes.
            np.random.seed()
            dataset.settle()
            part = out / f".{os.getpid()}"
            part.write_text(json.dumps(torch.rand(3).tolist()), encoding="utf-8")
            part.rename(out / f"{os.getpid()}.json")
            time.sleep(600)
    time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
