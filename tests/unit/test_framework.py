"""A card for which the framework has no kernels: a double of what torch and TensorFlow say of it and of themselves."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from residua.cluster.framework import require_seen, without_kernels
from residua.errors import ResiduaError
from residua.settings.machine import Machine

CU126 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]
CU130 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]


def torch_with(capability: tuple[int, int], built: list[str]) -> Any:
    cuda = SimpleNamespace(
        is_available=lambda: True,
        get_device_name=lambda: "Tesla V100-SXM2-32GB",
        get_device_capability=lambda: capability,
        get_arch_list=lambda: built,
    )
    return SimpleNamespace(cuda=cuda, __version__="2.13.0+cu130")


def tensorflow_with(details: dict[str, Any], build: dict[str, Any]) -> Any:
    config = SimpleNamespace(
        list_physical_devices=lambda kind: ["card"],
        experimental=SimpleNamespace(get_device_details=lambda card: details),
    )
    return SimpleNamespace(config=config, sysconfig=SimpleNamespace(get_build_info=lambda: build), __version__="2.21.0")


@pytest.mark.parametrize(
    ("capability", "built", "runs"),
    [
        ((7, 0), CU130, False),
        ((6, 1), CU130, False),
        ((7, 5), CU130, True),
        ((8, 9), CU130, True),
        # By the PTX of the newest.
        ((12, 1), CU130, True),
        ((13, 0), CU130, True),
        ((10, 3), CU130, True),
        ((11, 0), CU130, False),
        ((3, 5), CU126, False),
        ((6, 1), CU126, True),
        ((7, 0), CU126, True),
        ((7, 2), CU126, True),
        ((10, 0), CU126, False),
        # Kernels for one capability alone.
        ((9, 0), ["sm_90a"], True),
        ((10, 3), ["sm_100a"], False),
        ((10, 3), ["sm_100f"], True),
        ((12, 0), ["compute_90a"], False),
        # No card of NVIDIA.
        ((9, 0), ["gfx90a", "gfx942"], True),
        ((9, 0), [], True),
    ],
)
def test_a_card_runs_kernels_of_its_generation_and_earlier_ptx(
    capability: tuple[int, int], built: list[str], runs: bool
) -> None:
    assert (without_kernels({"torch": torch_with(capability, built)}) is None) is runs
    details, build = {"compute_capability": capability}, {"cuda_compute_capabilities": built}
    assert (without_kernels({"tensorflow": tensorflow_with(details, build)}) is None) is runs


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_card_without_kernels_is_refused_whether_or_not_one_is_demanded(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_with((7, 0), CU130))
    lines: list[str] = []
    with pytest.raises(ResiduaError) as refused:
        require_seen("GPU-a0", Machine.model_validate({"device": device}), lines.append)
    assert str(refused.value) == (
        "Tesla V100-SXM2-32GB has compute capability 7.0, for which torch 2.13.0+cu130 has no kernels "
        "(it has sm_75, sm_80, sm_86, sm_90, sm_100, sm_120, compute_120): build the environments with "
        "UV_TORCH_BACKEND=cu126 for an older card, cu130 for a newer one, take another card, "
        "or set machine.device to cpu (docs/how-to/several_cards.md#cards-and-drivers)"
    )
    require_seen(None, Machine(), lines.append)
    monkeypatch.setitem(sys.modules, "torch", torch_with((7, 0), CU126))
    require_seen("GPU-a0", Machine(), lines.append)
    assert lines == []


def test_tensorflow_names_the_card_and_no_build_of_torch() -> None:
    details = {"device_name": "Tesla M60", "compute_capability": (5, 2)}
    build = {"cuda_compute_capabilities": ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]}
    said = without_kernels({"tensorflow": tensorflow_with(details, build)})
    assert said is not None
    assert said.startswith(
        "Tesla M60 has compute capability 5.2, for which TensorFlow 2.21.0 has no kernels (it has sm_60"
    )
    assert "UV_TORCH_BACKEND" not in said
    assert without_kernels({"tensorflow": tensorflow_with({}, {"is_rocm_build": True})}) is None
    assert without_kernels({}) is None
