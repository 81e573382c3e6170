"""Reads ONNX files whose kernel lies in another file, in the environment onnx; prints what is said of each."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from residua.errors import ResiduaError
from residua.networks.agunet.onnx_graph import read_graph

SHAPE = (4, 2, 1, 1, 1)


def kept_in(file: Path) -> TensorProto:
    """A kernel whose values lie in a file beside the ONNX file."""
    kernel: TensorProto = numpy_helper.from_array(np.ones(SHAPE, np.float32), "w")
    file.write_bytes(kernel.raw_data)
    set_external_data(kernel, file.name)
    kernel.ClearField("raw_data")
    return kernel


def models(kernel: TensorProto) -> dict[str, onnx.ModelProto]:
    """Models of one convolution, by where each holds its kernel."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4, 4, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 4, 4, 4])
    convolution = helper.make_node("Conv", ["x", "w"], ["y"])
    constant = helper.make_node("Constant", [], ["w"], value=kernel)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    called = helper.make_function("own", "Called", ["x"], ["y"], [constant, convolution], opsets[:1])
    sparse = SparseTensorProto(values=kernel, dims=SHAPE)
    graphs = {
        "initializer": helper.make_graph([convolution], "g", [x], [y], [kernel]),
        "sparse": helper.make_graph([convolution], "g", [x], [y], sparse_initializer=[sparse]),
        "constant": helper.make_graph([constant, convolution], "g", [x], [y]),
        "function": helper.make_graph([helper.make_node("Called", ["x"], ["y"], domain="own")], "g", [x], [y]),
        "training": helper.make_graph([convolution], "g", [x], [y], [numpy_helper.from_array(np.ones(SHAPE), "w")]),
    }
    made = {name: helper.make_model(graph, opset_imports=opsets) for name, graph in graphs.items()}
    made["function"].functions.append(called)
    made["training"].training_info.add().algorithm.CopyFrom(graphs["constant"])
    return made


def said_of(model: onnx.ModelProto, file: Path) -> str:
    """Why a model is not read; empty when it is."""
    file.write_bytes(model.SerializeToString())
    try:
        read_graph(file)
    except ResiduaError as error:
        return str(error).replace(str(file), "FILE")
    return ""


def main(folder: Path) -> dict[str, dict[str, str]]:
    """The whole record, from the folder of the files, where relative paths lead to the kernel, and from another one."""
    found = {}
    for name, at in {"beside": folder, "elsewhere": Path("/")}.items():
        with contextlib.chdir(at):
            kernel = kept_in(folder / "kernel.bin")
            found[name] = {each: said_of(model, folder / f"{each}.onnx") for each, model in models(kernel).items()}
    whole = onnx.load(str(folder / "initializer.onnx"))
    onnx.save(whole, str(folder / "whole.onnx"))
    found["mended"] = {"whole": said_of(whole, folder / "whole.onnx")}
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
