"""Run a command of nnU-Net as its own entry point does: nnunet_command.py predict|ensemble ARGUMENTS.

Without SimpleITK, too, which nnU-Net imports beside the reader of images that it uses here. Its worker processes run
this file again, and so find the same.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

if not importlib.util.find_spec("SimpleITK"):
    sys.modules["SimpleITK"] = ModuleType("SimpleITK")

if __name__ == "__main__":
    from nnunetv2.ensembling.ensemble import entry_point_ensemble_folders
    from nnunetv2.inference.predict_from_raw_data import predict_entry_point

    {"predict": predict_entry_point, "ensemble": entry_point_ensemble_folders}[sys.argv.pop(1)]()
