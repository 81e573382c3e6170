"""Name the files of a trained AGU-Net."""

from __future__ import annotations

WEIGHTS_FILE, NETWORK_FILE = "weights.safetensors", "network.json"
