"""The files of the brain model that the package holds: its weights fit their description and card."""

from __future__ import annotations

from pathlib import Path

from residua.bundle.safetensors_header import shapes_in
from residua.networks.agunet.weight_shapes import weight_shapes
from residua.publishing.publish import digest, read_json

FOLDER = Path(__file__).parents[2] / "src/residua/brain/weights"


def test_the_weights_are_small_and_those_of_the_described_network() -> None:
    weights, description = FOLDER / "brain.safetensors", read_json(FOLDER / "brain.json")
    assert weights.stat().st_size < 20_000_000
    assert shapes_in(weights) == weight_shapes(1, description["features"])
    assert digest(weights) == description["weights_sha256"]
    assert description["weights_sha256"] in (FOLDER / "README.md").read_text(encoding="utf-8")
