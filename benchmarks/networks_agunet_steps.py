"""What benchmarks/networks_agunet.py runs, each measurement in a process of its own: one JSON record on the last line.

networks_agunet_steps.py agunet ASKED   seconds a step of AGU-Net: on TensorFlow as trained, or with KERAS_BACKEND=jax
networks_agunet_steps.py monai ASKED    of MONAI's AttentionUnet
networks_agunet_steps.py data ASKED     samples a second of the batches that Keras gets
networks_agunet_steps.py movement ASKED CPU seconds to move an image and a label, by scipy and as the training does

ASKED is a JSON object: shape, batch, channels, features, precision, xla, steps, threads, quick, kernels.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kernel_times import kernel_times
from networks_agunet_data import UPDATE, Asked, batches_of, data, movement, settings_for

JAX = os.environ.get("KERAS_BACKEND") == "jax"
if JAX and "monai" not in sys.argv:
    import keras  # Before the library chooses its backend.


def timed(step: Callable[[], object], number: int) -> tuple[float, float]:
    """Return seconds and processor seconds a step, after two that warm up; ``step`` waits for its result."""
    for _ in range(2 if number > 2 else 1):
        step()
    begun, used = time.perf_counter(), time.process_time()
    for _ in range(number):
        step()
    return (time.perf_counter() - begun) / number, (time.process_time() - used) / number


def times_of(step: Callable[[], object], forward: Callable[[], object] | None, number: int) -> dict[str, float | None]:
    """Return seconds and processor seconds of whole steps, and of their forward pass if there is one."""
    step_s, step_cpu_s = timed(step, number)
    forward_s, forward_cpu_s = timed(forward, number) if forward else (None, None)
    names = ("step_s", "step_cpu_s", "forward_s", "forward_cpu_s")
    return dict(zip(names, (step_s, step_cpu_s, forward_s, forward_cpu_s), strict=True))


def drawn(asked: Asked, classes_last: bool) -> tuple[Any, Any]:
    """Return a batch of noise with a ball as its target (one-hot)."""
    rng = np.random.default_rng(0)
    volume = rng.normal(size=(asked["batch"], *asked["shape"], asked["channels"])).astype(np.float32)
    away = sum((i - n / 3) ** 2 for i, n in zip(np.indices(asked["shape"]), asked["shape"], strict=True))
    ball = np.broadcast_to(away < (min(asked["shape"]) / 8) ** 2, volume.shape[:-1])
    target = np.stack([~ball, ball], axis=-1).astype(np.float32)
    return (volume, target) if classes_last else (np.moveaxis(volume, -1, 1), np.moveaxis(target, -1, 1))


def on_jax(asked: Asked) -> Any:
    """Return the same layers, loss and optimiser as the training's, without its own handling of infinite steps."""
    from jax_transposed import use_in_keras
    from residua.networks.agunet.architecture import build_network
    from residua.networks.agunet.framework import computing_in
    from residua.networks.agunet.loss import soft_dice_loss

    use_in_keras()
    with computing_in(asked["precision"]):
        network = build_network(asked["shape"], asked["channels"], asked["features"], 0.99)
        network = keras.Model(network.inputs, network.outputs)
    optimizer = keras.optimizers.Adam(1e-3, gradient_accumulation_steps=UPDATE // asked["batch"])
    network.compile(optimizer, loss=[soft_dice_loss] * len(network.outputs), jit_compile=True)
    return network


def forward_of(network: Any, volume: Any, targets: Any) -> Callable[[], object]:
    """Return a forward pass with its loss, as a training makes it."""
    from residua.networks.agunet.loss import soft_dice_loss

    if JAX:
        import jax

        def loss(weights: Any, others: Any, given: Any, truths: Any) -> Any:
            heads, _ = network.stateless_call(weights, others, given, training=True)
            return sum(soft_dice_loss(truth, head) for truth, head in zip(truths, heads, strict=True))

        passed, parts = jax.jit(loss), (network.trainable_variables, network.non_trainable_variables)
        # A step gives its variables new arrays and drops the old ones.
        return lambda: float(passed(*([each.value for each in part] for part in parts), volume, targets))
    import tensorflow as tf

    @tf.function(jit_compile=network.jit_compile)  # type: ignore[untyped-decorator]
    def once() -> Any:
        heads = network(volume, training=True)
        return tf.add_n([soft_dice_loss(truth, head) for truth, head in zip(targets, heads, strict=True)])

    return lambda: float(once())


def agunet(asked: Asked) -> dict[str, Any]:
    """Measure a step with its data on the device, its forward pass, and a step with data from the loader."""
    if JAX:
        import jax

        network, put, device = on_jax(asked), jax.device_put, jax.devices()[0].device_kind
    else:
        import tensorflow as tf

        from residua.networks.agunet.framework import set_up
        from residua.networks.agunet.train import compiled

        set_up()
        network, put = compiled(asked["channels"], settings_for(asked)), tf.constant
        cards = tf.config.list_physical_devices("GPU")
        device = tf.config.experimental.get_device_details(cards[0])["device_name"] if cards else "cpu"
    volume, target = drawn(asked, classes_last=True)
    strides = [tuple(f // n for f, n in zip(asked["shape"], h.shape[1:4], strict=True)) for h in network.outputs]
    targets = tuple(put(np.ascontiguousarray(target[:, ::x, ::y, ::z])) for x, y, z in strides)
    volume = put(volume)
    forward = None if asked["quick"] else forward_of(network, volume, targets)
    times = times_of(lambda: network.train_on_batch(volume, targets), forward, asked["steps"])
    memory = memory_of_keras(device)
    kernels = kernel_times(lambda: network.train_on_batch(volume, targets)) if JAX and asked["kernels"] else None
    return {
        **{"device": device, "on": "JAX" if JAX else "TensorFlow", "parameters": int(network.count_params())},
        **{**times, "memory_gib": memory, "fed_s": fed(network, asked, strides), "kernels": kernels},
    }


def memory_of_keras(device: str) -> float:
    """Return the peak of memory so far in GiB: of the card, or of the process."""
    if device == "cpu":
        return of_process()
    if JAX:
        import jax

        return float(jax.devices()[0].memory_stats()["peak_bytes_in_use"] / 2**30)
    import tensorflow as tf

    return float(tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**30)


def of_process() -> float:
    """Return the peak of the process's memory in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def fed(network: Any, asked: Asked, strides: Sequence[tuple[int, ...]]) -> float | None:
    """Return seconds a step when the loader reads, varies and stacks the batches; None where not asked for."""
    if asked["quick"] or asked["steps"] <= 2:
        return None
    with tempfile.TemporaryDirectory() as folder:
        batches = batches_of(Path(folder), asked, strides, asked["steps"] + 2)
        network.fit(batches, epochs=1, shuffle=False, verbose=0)
        begun = time.perf_counter()
        network.fit(batches, epochs=1, shuffle=False, verbose=0)
        return (time.perf_counter() - begun) / len(batches)


def monai(asked: Asked) -> dict[str, Any]:
    """Measure a step of AttentionUnet with its data on the device, and its forward pass."""
    import torch
    from monai.networks.nets import AttentionUnet

    torch.manual_seed(0)
    torch.set_num_threads(asked["threads"])
    # As nnU-Net's own entry point does.
    torch.backends.cudnn.benchmark = True
    on = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    halvings = (2,) * (len(asked["features"]) - 1)
    network = AttentionUnet(3, asked["channels"], 2, channels=asked["features"], strides=halvings).to(on)
    volume, target = (torch.from_numpy(np.ascontiguousarray(each)).to(on) for each in drawn(asked, classes_last=False))
    bits = {"mixed_float16": torch.float16, "mixed_bfloat16": torch.bfloat16}.get(asked["precision"])
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    scaler = torch.amp.GradScaler(on.type, enabled=bits == torch.float16)
    done = 0

    def forward() -> Any:
        with torch.autocast(on.type, dtype=bits, enabled=bits is not None):
            p = torch.softmax(network(volume).float(), 1)[:, 1:]
        dice = (2 * (p * target[:, 1:]).sum() + 1) / ((p * p).sum() + (target[:, 1:] ** 2).sum() + 1)
        return 1 - dice

    def step() -> float:
        nonlocal done
        loss = forward()
        scaler.scale(loss).backward()
        done += 1
        if done % (UPDATE // asked["batch"]) == 0:
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        return float(loss)

    times = times_of(step, None if asked["quick"] else lambda: float(forward()), asked["steps"])
    memory = torch.cuda.max_memory_allocated() / 2**30 if on.type == "cuda" else of_process()
    return {
        "device": torch.cuda.get_device_name() if on.type == "cuda" else "cpu",
        "on": "PyTorch",
        "parameters": sum(p.numel() for p in network.parameters()),
        **{**times, "memory_gib": memory},
    }


if __name__ == "__main__":
    ways: dict[str, Callable[[Asked], dict[str, Any]]] = {
        **{"agunet": agunet, "monai": monai, "data": data, "movement": movement}
    }
    print("\n" + json.dumps(ways[sys.argv[1]](json.loads(sys.argv[2]))))
