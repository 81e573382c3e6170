"""Paths of what a study keeps about its cohort, relative to its folder; ``residua check`` uses the same paths."""

from __future__ import annotations

RESULTS = "results/cohort"
VOXELS = f"{RESULTS}/voxels"
"""What was read from voxels: unchanged files are not read again."""
PROBLEMS = "problems"
"""Name of the folder in ``RESULTS`` that holds the errors of earlier runs."""
HEADERS = "headers.json"
"""Name of the file in ``RESULTS`` that holds the problems of the headers."""
BRAIN_WEIGHTS = f"{RESULTS}/brain_weights.safetensors"
"""The weights of the brain mask's network that an application takes out of a bundle."""
EXCLUDED = f"{RESULTS}/excluded.tsv"
"""The patients whose data cannot be used, as the last start found them (``on_invalid: exclude``)."""
STUDY = f"{RESULTS}/study.json"
"""The configuration with which the study started last."""
