"""Name the forms in which trained SegResNets leave; this imports no framework."""

from __future__ import annotations

from residua.networks.exporting import Form

EXPORTS = {"onnx": Form("monai", "residua.networks.segresnet.to_onnx")}
