"""Whether the framework that a job imported can compute on the graphics card that the job holds."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from residua.errors import ResiduaError
from residua.settings.machine import Machine

_DOCS = "docs/how-to/several_cards.md#cards-and-drivers"
_KERNELS = re.compile(r"(sm|compute)_(\d+)(\d)([af]?)")


def require_seen(card: str | None, machine: Machine, say: Callable[[str], None]) -> None:
    """Say that the framework, imported by now, does not see the card that is held.

    Raises ``ResiduaError`` where the settings demand a card, and where the framework sees it but has no kernels for it:
    it would die at the first of them.
    """
    if card is None:
        return
    blind = _blind(sys.modules)
    if blind is None:
        if lacking := without_kernels(sys.modules):
            raise ResiduaError(lacking)
        return
    told = (
        f"the graphics card {card} is there, but {blind} cannot use it: it was built without CUDA, or for a newer "
        f"driver than nvidia-smi shows; update the driver, or build the environments for both ({_DOCS})"
    )
    if machine.device == "cuda":
        raise ResiduaError(told)
    say(f"{told}. This job runs on processors, on which a training at full size takes weeks")


def _blind(loaded: Mapping[str, Any]) -> str | None:
    """Return the framework among loaded modules that sees no card; None: there is none, or it sees one."""
    torch, tensorflow = loaded.get("torch"), loaded.get("tensorflow")
    if torch is not None:
        return None if torch.cuda.is_available() else f"torch {torch.__version__}"
    if tensorflow is not None:
        return None if tensorflow.config.list_physical_devices("GPU") else f"TensorFlow {tensorflow.__version__}"
    return None


def without_kernels(loaded: Mapping[str, Any]) -> str | None:
    """Return why the framework among loaded modules cannot compute on the first card that it sees; None: it can."""
    torch, tensorflow = loaded.get("torch"), loaded.get("tensorflow")
    if torch is not None:
        name, capability = torch.cuda.get_device_name(), torch.cuda.get_device_capability()
        built, framework = torch.cuda.get_arch_list(), f"torch {torch.__version__}"
        remedy = "build the environments with UV_TORCH_BACKEND=cu126 for an older card, cu130 for a newer one, take"
    elif tensorflow is not None:
        details = tensorflow.config.experimental.get_device_details(tensorflow.config.list_physical_devices("GPU")[0])
        name, capability = details.get("device_name", "this card"), details.get("compute_capability")
        built = tensorflow.sysconfig.get_build_info().get("cuda_compute_capabilities", [])
        framework, remedy = f"TensorFlow {tensorflow.__version__}", "take"
    else:
        return None
    if capability is None or _runs_on(capability, built):
        return None
    return (
        f"{name} has compute capability {'.'.join(map(str, capability))}, for which {framework} has no kernels (it has "
        f"{', '.join(built)}): {remedy} another card, or set machine.device to cpu ({_DOCS})"
    )


def _runs_on(capability: tuple[int, int], built: Iterable[str]) -> bool:
    """Return whether a card runs one of these kernels: of its generation and no later than it, or any earlier PTX."""
    kernels = [found.groups() for each in built if (found := _KERNELS.fullmatch(each))]
    for kind, major, minor, alone in kernels:
        of = int(major), int(minor)
        if of == capability or (alone != "a" and of <= capability and (kind == "compute" or of[0] == capability[0])):
            return True
    # Without a list of kernels of this kind, as of a build for other cards, nothing is known.
    return not kernels
