"""Name the forms in which trained AGU-Nets leave; this imports no framework."""

from __future__ import annotations

from residua.networks.exporting import Form

EXPORTS = {
    "keras": Form("tensorflow", "residua.networks.agunet.to_keras"),
    "onnx": Form("onnx", "residua.networks.agunet.to_onnx"),
}
