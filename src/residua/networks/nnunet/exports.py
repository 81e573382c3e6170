"""Name the forms in which trained nnU-Nets leave; this imports no framework."""

from __future__ import annotations

from residua.networks.exporting import Form

EXPORTS = {
    "nnunet": Form("torch", "residua.networks.nnunet.to_nnunet"),
    "onnx": Form("onnx", "residua.networks.nnunet.to_onnx"),
}
