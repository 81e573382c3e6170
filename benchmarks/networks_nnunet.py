"""A training step of nnU-Net: Residua's trainer in every way that a card offers, and nnU-Net's own, on the same data.

    .venv/bin/python benchmarks/networks_nnunet.py --out build/networks_nnunet            (on a machine with a card)
    .venv/bin/python benchmarks/networks_nnunet.py --threads 1 batch=1 steps=1 patients=3           (on processors)
    .venv/bin/python benchmarks/networks_nnunet.py toy=true steps=4 patients=4 'shape=[40,60,50]'        (for a trial)

Seconds of a step with its data, of waiting for data, forward and backward apart, the card's memory, and what they mean
for the 50 trainings of the published study. The ways are {contiguous, channels last} × {cuDNN's benchmark mode} ×
{compiled} × {float16, bfloat16}; on processors, Residua's trainer and nnU-Net's own. The loader alone is measured by
the number of its processes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from _common import HOUSE
from environments import environment

STEPS = Path(__file__).parent / "networks_nnunet_steps.py"


def main() -> None:
    """Run the steps in the environment of nnU-Net."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HOUSE / "build" / "networks_nnunet")
    parser.add_argument("--threads", type=int, default=min(12, os.cpu_count() or 1), help="those of the rule train: 12")
    parser.add_argument(
        "settings", nargs="*", help="SETTING=VALUE: channels, patients, steps, toy, seconds, shape, batch, brief"
    )
    wanted = parser.parse_args()
    variables = {**os.environ, "PYTHONPATH": str(HOUSE / "src"), "OMP_NUM_THREADS": str(wanted.threads)}
    command = [str(environment("torch") / "bin/python"), str(STEPS), str(wanted.out), *wanted.settings]
    sys.exit(subprocess.run(command, env=variables, check=False).returncode)


if __name__ == "__main__":
    main()
