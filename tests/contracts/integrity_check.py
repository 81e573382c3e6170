"""nnU-Net's own check of a raw data set: python integrity_check.py FOLDER."""

from __future__ import annotations

import sys

from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity

if __name__ == "__main__":
    verify_dataset_integrity(sys.argv[1], num_processes=1)
