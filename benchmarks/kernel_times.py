"""Which kernels of a card a step's time goes to, as JAX's own profiler records them."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

STEPS = 3


def kernel_times(step: Callable[[], object], most: int = 25) -> list[dict[str, float | str]]:
    """Return the ``most`` costly kernels of a step that has run before, with their milliseconds and calls a step.

    A kernel is named with the layer that it belongs to, where XLA knows it.
    """
    import jax

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder, create_perfetto_trace=True):
            for _ in range(STEPS):
                step()
        (trace,) = Path(folder).rglob("perfetto_trace.json.gz")
        events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    microseconds, calls = Counter[str](), Counter[str]()
    on_device = _devices(events)
    for event in events:
        if event.get("ph") == "X" and (event["pid"], event["tid"]) in on_device:
            name = " ".join(filter(None, [event["name"], event.get("args", {}).get("tf_op")]))
            microseconds[name] += event["dur"]
            calls[name] += 1
    return [
        {"kernel": name, "ms": total / 1000 / STEPS, "calls": calls[name] / STEPS}
        for name, total in microseconds.most_common(most)
    ]


def _devices(events: list[dict[str, object]]) -> set[tuple[object, object]]:
    """Return the process and thread of each stream of a card; of all threads of XLA where there is no card."""
    names = {e["pid"]: e["args"]["name"] for e in events if e.get("name") == "process_name"}  # type: ignore[index]
    threads = {
        (e["pid"], e["tid"]): str(e["args"]["name"])  # type: ignore[index]
        for e in events
        if e.get("name") == "thread_name"
    }
    cards = {pid for pid, name in names.items() if "/device:GPU" in str(name)}
    streams = {thread for thread, name in threads.items() if thread[0] in cards and name.startswith("Stream")}
    return streams or {thread for thread, name in threads.items() if "XLA" in name or "tf_" in name}
