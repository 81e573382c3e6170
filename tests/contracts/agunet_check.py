"""What AGU-Net is made of, in its own environment: python agunet_check.py FOLDER. Prints one JSON record."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from agunet_starts import SMALL, begins, start, tensors_of_inputs

from residua.errors import ResiduaError
from residua.images.volumes import Grid
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.batches import Batches
from residua.networks.agunet.framework import computing_in, keras
from residua.networks.agunet.loss import soft_dice_loss
from residua.networks.agunet.model import finest_of
from residua.networks.agunet.prepared import Origin, read_cube, read_origin, resampled_shape, resized, write_channel
from residua.networks.agunet.sampling import epochs_of
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.agunet.steady import SteadyModel, steady_optimizer
from residua.networks.agunet.stopping import split_for_stopping
from residua.networks.agunet.train import compiled
from residua.networks.agunet.watch import Watch
from residua.networks.agunet.weight_shapes import sees_the_input, weight_shapes
from residua.networks.agunet.weights import all_finite
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.unfinished import Unfinished
from residua.preparation.brain_crop import Crop

PUBLISHED = {"shape": (128, 128, 144), "features": (16, 32, 128, 256, 256), "momentum": 0.99}
STILL = {
    **{"environment": "tensorflow", "spacing_mm": (1, 1, 1), "shape": (8, 8, 8), "features": (2, 2, 2), "epochs": 1},
    **{"batch_size": 2, "effective_batch_size": 2, "patience_epochs": 1, "save_every_epochs": 1, "seed": 3},
    **{"batch_normalization_momentum": 0.9, "learning_rate": 0.01, "stopping_fraction": 0},
    **{"loss": "dice_without_background", "rotation_degrees": 20, "translation_fraction": 0.1},
    **dict.fromkeys(("flip_probability", "rotation_probability", "translation_probability"), 0),
}
"""Settings that vary no sample."""


def sizes() -> dict[str, object]:
    """Trainable parameters by number of sequences, and what the heads look like, at the published size."""
    networks = {channels: build_network(channels=channels, **PUBLISHED) for channels in (1, 2, 5)}
    names = [layer.name for layer in networks[1].layers]
    return {
        "parameters": {n: sum(int(np.prod(v.shape)) for v in net.trainable_variables) for n, net in networks.items()},
        "outputs": [list(head.shape[1:]) for head in networks[1].outputs],
        "bottleneck": list(networks[1].get_layer("encoder4_norm1").output.shape[1:]),
        "sees_the_input": sorted(name for name in names if sees_the_input(name)),
        "attention": sorted(name for name in names if name.endswith("attention")),
        "normalised_scales": [name for name in names if "scale" in name and "norm" in name],
    }


def listed_shapes() -> list[bool]:
    """Whether the list of weights is that of the layers, name by name, for several numbers of channels and levels."""
    cases = ((1, (16, 32, 128, 256, 256)), (3, (4, 8, 8)), (2, (5, 3, 8, 6)))
    return [
        weight_shapes(channels, features)
        == {v.path: tuple(v.shape) for v in build_network((32, 32, 16), channels, features, 0.9).variables}
        for channels, features in cases
    ]


def half() -> dict[str, object]:
    """The layers of a network that computes in 16 bits."""
    with computing_in("mixed_float16"):
        network = build_network(channels=1, **SMALL)
    after = build_network(channels=1, **SMALL)
    weighty = [layer for layer in network.layers if layer.weights]
    return {
        "in_32_bits": [layer.name for layer in weighty if layer.compute_dtype != "float16"],
        "heads": sorted({head.dtype for head in network.outputs}),
        "weights": sorted({variable.dtype for variable in network.variables}),
        "same_names": [v.path for v in network.variables] == [v.path for v in after.variables],
        "afterwards": sorted({layer.compute_dtype for layer in after.layers}),
    }


def steps(precision: str, kinds: str, xla: bool = False, scale: float | None = None) -> dict[str, object]:
    """Steps of a small network, two to an update; ``i`` among the kinds is one with infinite voxels."""
    keras.utils.set_random_seed(0)
    with computing_in(precision):
        volume = keras.Input((6, 6, 6, 1))
        features = keras.layers.BatchNormalization()(keras.layers.Conv3D(4, 3, padding="same")(volume))
        head = keras.layers.Conv3D(2, 1, activation="softmax", dtype="float32")(keras.layers.ReLU()(features))
        network = SteadyModel(volume, head)
    optimizer = steady_optimizer(precision, 0.01, 2)
    optimizer.build(network.trainable_variables)
    if scale:
        optimizer.dynamic_scale.assign(scale)
    network.compile(optimizer, loss=soft_dice_loss, jit_compile=xla, auto_scale_loss=False)
    watch = Watch(Nobody(), Unfinished(Path(), ".safetensors", 1))
    watch.set_model(network)
    watch.on_train_begin()
    started = np.concatenate([np.ravel(variable) for variable in network.variables])
    rng = np.random.default_rng(0)
    for number, kind in enumerate(kinds):
        if kind == "i":
            network.train_on_batch(np.full((2, 6, 6, 6, 1), np.inf, np.float32), np.zeros((2, 6, 6, 6, 2), np.float32))
            watch.on_train_batch_end(number)
            continue
        labels = rng.random((2, 6, 6, 6)) < 0.2
        given = (rng.normal(size=labels.shape) + labels)[..., None].astype(np.float32)
        network.train_on_batch(given, np.stack([~labels, labels], axis=-1).astype(np.float32))
        watch.on_train_batch_end(number)
    weights = np.concatenate([np.ravel(variable) for variable in network.variables])
    sums = [np.ravel(variable) for variable in optimizer.variables if "accumulator" in variable.path]
    return {
        "moved": float(np.abs(weights - started).max()),
        "weights": weights.tolist(),
        "accumulated": np.concatenate(sums).tolist(),
        "left_out": int(optimizer.left_out),
        "end": ending(watch, network),
        "scale": float(optimizer.dynamic_scale) if precision == "mixed_float16" else None,
    }


def variables_of_a_step(precision: str, updates_after: int) -> dict[str, list[str]]:
    """By their types, the variables that a step of a training reads or writes."""
    settings = AGUNetSettings.model_validate({**STILL, "precision": precision})
    network = compiled(1, settings.model_copy(update={"effective_batch_size": settings.batch_size * updates_after}))
    given = [tf.zeros((2, *each.shape[1:])) for each in (*network.inputs, *network.outputs)]
    traced = tf.function(lambda volume, *truths: network.train_step((volume, truths)))
    found: dict[str, list[str]] = {}
    for variable in traced.get_concrete_function(*given).graph.variables:
        found.setdefault(variable.dtype.name, []).append(variable.name)
    return found


def compiled_by_keras() -> dict[str, bool]:
    """Whether Keras compiles predictions to XLA where TensorFlow lists a GPU: of a network, and of its finest head."""
    listed = tf.config.list_physical_devices
    tf.config.list_physical_devices = lambda kind=None: [tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")]
    try:
        whole = build_network(channels=1, **SMALL)
        return {"whole": whole.jit_compile, "finest": finest_of(whole).jit_compile}
    finally:
        tf.config.list_physical_devices = listed


class Nobody(Batches):
    """Batches of no patients."""

    def __init__(self) -> None:
        """Hold nothing."""

    def patients_of(self, batch: int) -> list[str]:
        """Nobody."""
        return []


def ending(watch: Watch, network: SteadyModel) -> str:
    """What is said at the end of the epoch."""
    try:
        watch.steps.require_convergence("agunet", 0, all_finite(network))
    except ResiduaError as error:
        return str(error)
    return "goes on"


def overflows(scale: float, loss: float) -> list[int]:
    """How many of six steps with infinite gradients are left out, and how many are wrong."""
    optimizer, weight = steady_optimizer("mixed_float16", 0.01, 1), keras.Variable([1.0])
    optimizer.build([weight])
    optimizer.dynamic_scale.assign(scale)
    for _ in range(6):
        optimizer.scale_loss(np.float32(loss))
        optimizer.apply([np.array([np.inf], np.float32)], [weight])
    return [int(optimizer.left_out), int(optimizer.wrong)]


def loss(truth: list[float], foreground: list[float]) -> float:
    """The loss of one row of voxels, given the foreground's truth and probability."""
    g, p = np.array(truth), np.array(foreground)
    both = [np.stack([1 - a, a], axis=-1).reshape(1, -1, 1, 1, 2).astype(np.float32) for a in (g, p)]
    return float(soft_dice_loss(*both))


def there_and_back() -> dict[str, object]:
    """A ball on an anisotropic crop goes to the cube and back."""
    grid = Grid((40, 50, 30), np.diag([2.0, 1.5, 3.0, 1.0]))
    crop = Crop(grid, (slice(4, 36), slice(5, 45), slice(3, 27)))
    x, y, z = np.indices(crop.shape)
    ball = (((x - 12) * 2.0) ** 2 + ((y - 24) * 1.5) ** 2 + ((z - 9) * 3.0) ** 2 < 14**2).astype(np.uint8)
    shape = resampled_shape(crop, (1.0, 1.0, 1.0))
    cube = resized(resized(ball, shape, is_label=True), (32, 40, 32), is_label=True)
    back = Origin(crop, shape).restore(cube.astype(np.float32)).data
    whole = crop.restore(ball.astype(np.float32)).data > 0.5
    found = back >= 0.5
    return {
        "resampled_shape": list(shape),
        "label_values": np.unique(cube).tolist(),
        "dice": float(2 * (found & whole).sum() / (found.sum() + whole.sum())),
        "outside": float(np.abs(np.delete(back, np.r_[4:36], axis=0)).max()),
    }


def batches(folder: Path) -> dict[str, object]:
    """Cases of cubes whose values name the patient, in batches of two."""
    grid = Grid((8, 8, 8), np.eye(4))
    origin = Origin(Crop(grid, (slice(0, 8),) * 3), (8, 8, 8))
    target = (np.indices((8, 8, 8)).sum(axis=0) % 3 == 0).astype(np.uint8)
    for number in range(5):
        write_channel(np.full((8, 8, 8), number, np.float32), origin, folder / f"image{number}.npz")
        write_channel(target, origin, folder / f"target{number}.npz")
    names = [f"P{number}" for number in range(5)]
    cases = {name: PreparedCase(name, (folder / f"image{number}.npz",)) for number, name in enumerate(names)}
    references = {name: folder / f"target{number}.npz" for number, name in enumerate(names)}
    data = TrainingSet((Channel("post_t1ce", is_label=False),), cases, references, tuple(names), ("V",))
    settings = AGUNetSettings.model_validate(STILL)
    steps = [(1, 1, 1), (2, 2, 2)]
    plain = Batches(data, names, steps, settings)
    orders = []
    for seed in ((3, 0), (3, 0), (3, 1)):
        drawn = Batches(data, names, steps, settings, seed)
        orders.append([int(volume[0, 0, 0, 0]) for batch in range(3) for volume in drawn[batch][0]])
    volumes, (finest, coarser) = plain[2]
    return {
        "balanced": balanced(data, settings, folder),
        "batches": len(plain),
        "last_batch": list(volumes.shape),
        "one_hot": bool((finest.sum(axis=-1) == 1).all() and (finest[0, ..., 1] == read_cube(references["P4"])).all()),
        "strided": bool(np.array_equal(coarser, finest[:, ::2, ::2, ::2])),
        "orders": orders,
        "stopping": [
            split_for_stopping(data, settings.model_copy(update={"stopping_fraction": share})) for share in (0.0, 0.4)
        ],
    }


def balanced(data: TrainingSet, settings: AGUNetSettings, folder: Path) -> dict[str, object]:
    """Whom epochs see where one patient of five has residual tumour by the volume of the prepared reference."""
    read = read_origin(data.references["P4"])
    small = np.zeros((8, 8, 8), np.uint8)
    small[0, 0, 0] = 1
    for patient in ("P0", "P1", "P2", "P3"):
        write_channel(small, read, folder / f"small{patient}.npz")
    few = {p: folder / f"small{p}.npz" if p != "P4" else path for p, path in data.references.items()}
    # A voxel is 0.001 ml.
    chosen = settings.model_copy(update={"sampling": "balanced", "sampling_residual_ml": 0.002})
    several = epochs_of(replace(data, references=few), data.training, chosen)
    return {
        "uniform": epochs_of(data, data.training, settings)(1),
        "epochs": [several(epoch) for epoch in (0, 1, 0)],
    }


def main(folder: Path) -> dict[str, object]:
    """The whole record."""
    return {
        "sizes": sizes(),
        "listed_shapes": listed_shapes(),
        "losses": {
            "half_sure": loss([1, 0], [0.5, 0.0]),
            "sure_and_wrong": loss([1, 0], [0.5, 1.0]),
            "perfect": loss([1, 0, 1], [1.0, 0.0, 1.0]),
            "nothing": loss([0, 0], [0.0, 0.0]),
        },
        "half": half(),
        "steps": {
            "32": steps("float32", "ggg"),
            "16": steps("mixed_float16", "ggg"),
            "16, one infinite": steps("mixed_float16", "gigg"),
            "32, one infinite": steps("float32", "gigg"),
            "16, XLA": steps("mixed_float16", "gigg", xla=True),
            "16, scale too large": steps("mixed_float16", "gggggggg", scale=2.0**100),
            "16, infinite": steps("mixed_float16", "giiiiiig", scale=1024.0),
        },
        "variables": {
            f"{precision}, {after}": variables_of_a_step(precision, after)
            for precision, after in (("float32", 1), ("float32", 4), ("mixed_float16", 4))
        },
        "compiled_by_keras": compiled_by_keras(),
        "overflows": [overflows(*given) for given in ((2.0**15, 0.5), (4.0, 0.5), (1.0, 0.5), (2.0**15, np.inf))],
        "start": start(folder),
        "begins": begins(folder, AGUNetSettings.model_validate(STILL)),
        "tensors_of_inputs": tensors_of_inputs(),
        "there_and_back": there_and_back(),
        "batches": batches(folder),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]))))
