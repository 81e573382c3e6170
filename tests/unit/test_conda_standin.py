"""Where the stand-in for conda takes packages from: as pip is configured, the environment before its files."""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[2] / "envs" / "standin" / "bin" / "conda"


def standin() -> ModuleType:
    """The script as a module, which reads its settings now."""
    loader = SourceFileLoader("conda_standin", str(FILE))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(("build", "backend"), [("torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl", None), ("", "cu126")])
def test_a_build_of_torch_that_pip_is_given_is_meant(
    build: str, backend: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if build:
        (tmp_path / build).touch()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_TORCH_BACKEND", "cu126")
    options = standin().index_options()
    chosen = options[options.index("--torch-backend") + 1] if "--torch-backend" in options else None
    assert chosen == backend
    # uv would read it, and take torch from PyTorch's own index.
    assert "UV_TORCH_BACKEND" not in os.environ
    assert options[options.index("--find-links") + 1] == str(tmp_path)
