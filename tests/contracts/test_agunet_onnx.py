"""Weights of AGU-Net from ONNX files: taken where they fit, and refused with a reason where they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from environments import HOUSE, python_in
from residua.networks.exporting import TOLERANCE

MICRO = HOUSE / "tests/micro/config.yaml"
DRAWN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from agunet_figure import build_network, drawn, published
small = build_network((32, 32, 32), 2, (4, 8, 8), 0.9)
svg, title = drawn(small, "small"), published()[1]
print(json.dumps({"svg": svg, "weights": small.count_params(), "published": drawn(*published()), "title": title}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = yaml.safe_load(MICRO.read_text(encoding="utf-8"))["networks"]["agunet"]
    check = str(Path(__file__).parent / "agunet_onnx_check.py")
    done = python_in("onnx", check, str(tmp_path_factory.mktemp("onnx")), json.dumps(settings))
    assert done.returncode == 0, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


@pytest.mark.long
@pytest.mark.parametrize("which", ["whole", "finest"])
def test_a_network_with_the_weights_of_its_export_answers_as_before(found: dict[str, Any], which: str) -> None:
    assert found[which] <= TOLERANCE
    assert found["random"] > 100 * TOLERANCE


@pytest.mark.long
def test_a_normalisation_that_stands_in_the_graph_is_kept_as_such(found: dict[str, Any]) -> None:
    told = found["normalised"]
    assert told["same"]
    assert told["epsilon"] == 0.01
    assert told["kernels"] == [[3, 3, 3, 2, 4], [1, 1, 1, 4, 2]]
    assert told["second"] == [True, True, True]


@pytest.mark.long
@pytest.mark.parametrize(
    ("which", "said"),
    [
        (
            "of_other_features",
            "where this network has encoder2_conv0 with a kernel of 3×3×3×8×16, the file has one of 3",
        ),
        ("of_more_levels", "has 2 outputs, and an AGU-Net one, or one for each level"),
        ("of_another_digest", "FILE: missing, or its sha256 differs from the one in the config"),
        ("with_another_operator", "holds the operator Elu, which no AGU-Net has"),
        ("with_another_order", "answers a random volume otherwise"),
        ("pickled", "cannot be read as ONNX"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(found: dict[str, Any], which: str, said: str) -> None:
    assert isinstance(found[which], str)
    assert said in found[which]
    assert "give" in found[which] or "correct" in found[which]


def test_weights_that_lie_in_another_file_are_refused_from_every_working_directory(tmp_path: Path) -> None:
    """The digest of the configuration is that of the ONNX file alone."""
    done = python_in("onnx", str(Path(__file__).parent / "onnx_elsewhere_check.py"), str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    told = "FILE: keeps weights in another file (kernel.bin), which its sha256 does not cover; write both as one file"
    for place in ("beside", "elsewhere"):
        assert set(found[place]) == {"initializer", "sparse", "constant", "function", "training"}
        assert all(said.startswith(told) for said in found[place].values()), found[place]
    assert found["mended"] == {"whole": ""}


def test_the_figure_of_the_architecture_follows_the_network() -> None:
    """Its numbers are those of the layers: of the published network in the documentation, and of any other."""
    done = python_in("onnx", "-c", DRAWN, str(HOUSE / "benchmarks"))
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["published"] == (HOUSE / "docs/images/agunet.svg").read_text(encoding="utf-8")
    assert f"({record['weights']:,} with running statistics)" in record["svg"]
    for size in ("32 × 32 × 32 · 4", "16 × 16 × 16 · 8", "8 × 8 × 8 · 8", "the 2 convolutions that read the channels"):
        assert size in record["svg"]
        assert size not in record["published"]
    assert "the 4 convolutions that read the channels" in record["published"]
