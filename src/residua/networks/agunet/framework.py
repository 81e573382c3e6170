"""Set up Keras on TensorFlow before either is used: the job's threads, few messages, memory as needed.

Where there is no TensorFlow, Keras stands on PyTorch, from which the layers are exported as ONNX.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

os.environ["KERAS_BACKEND"] = "tensorflow" if find_spec("tensorflow") else "torch"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# TensorFlow does not use oneDNN on some processors, where a convolution then takes five times as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras

from residua.errors import ResiduaError

__all__ = ["computing_in", "keras", "require_kernels", "set_up"]


def set_up() -> None:
    """Use the threads of the job; call it before TensorFlow's first operation, once or several times."""
    import tensorflow as tf

    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Build layers that compute in ``precision``, one of Keras' policies; their weights keep 32 bits."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def require_kernels(precision: str, compile_to_xla: bool) -> None:
    """Raise ``ResiduaError`` where TensorFlow cannot compute in ``precision``: its processor code lacks pooling."""
    import tensorflow as tf

    if precision == "mixed_float16" and not compile_to_xla and not tf.config.list_physical_devices("GPU"):
        raise ResiduaError(
            "networks.agunet.precision: mixed_float16 needs a GPU, and TensorFlow sees none; give the training one, or "
            "set mixed_bfloat16 or float32"
        )
