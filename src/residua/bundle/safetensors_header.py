"""Check a safetensors file without its library: its header must describe exactly the bytes that follow."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import IO, Any

_BYTES_OF = {
    "BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
_LARGEST_HEADER = 16 << 20


def shapes_in(file: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor by name. Raises ``ValueError`` with what is wrong with the file."""
    with file.open("rb") as stream:
        if fault := header_fault(stream, file.stat().st_size):
            raise ValueError(fault)
        stream.seek(0)
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def header_fault(stream: IO[bytes], size: int) -> str:
    """Return what is wrong with a safetensors file of ``size`` bytes; empty if nothing is."""
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or not 2 <= length <= min(size - 8, _LARGEST_HEADER):
        return "its header has an impossible length"
    try:
        header = json.loads(stream.read(length))
        spans = sorted(_span(entry) for name, entry in header.items() if name != "__metadata__")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "its header cannot be read"
    ends = [0, *(end for _, end in spans)]
    if [begin for begin, _ in spans] != ends[:-1] or ends[-1] != size - 8 - length:
        return "its header does not describe the bytes that follow"
    return ""


def _span(entry: dict[str, Any]) -> tuple[int, int]:
    """Return where a tensor begins and ends; raise ``ValueError`` if its shape needs another number of bytes."""
    begin, end = entry["data_offsets"]
    shape = entry["shape"]
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)):
        raise ValueError("no whole numbers")
    if end - begin != prod(shape) * _BYTES_OF[entry["dtype"]]:
        raise ValueError("another number of bytes")
    return begin, end
