"""Bundles that someone made to do harm, and files of kinds that are no bundle's."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tiny import WIDTH, tiny_encoder


def signed(bundle: Path, folder: Path, files: dict[str, bytes], **facts: Any) -> Path:
    """A copy of a bundle with other files and facts, whose checksums are right."""
    shutil.copytree(bundle, folder)
    known = json.loads((folder / "model.json").read_text())
    for name, content in files.items():
        (folder / name).write_bytes(content)
        known["sha256"][name] = hashlib.sha256(content).hexdigest()
    (folder / "model.json").write_text(json.dumps(known | facts))
    return folder


def changed(change: Callable[[onnx.GraphProto], None]) -> bytes:
    """The tiny encoder, with its graph changed."""
    model = tiny_encoder()
    change(model.graph)
    return model.SerializeToString()


def external_weights(graph: onnx.GraphProto) -> None:
    """The matrix lies in a file of the current folder."""
    tensor = next(t for t in graph.initializer if t.name == "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def hidden_external_weights(graph: onnx.GraphProto) -> None:
    """So does a constant in a branch within a node."""
    tensor = numpy_helper.from_array(np.zeros(WIDTH, np.float32), "inner")
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="weights.bin")
    inner = helper.make_node("Constant", [], ["c"], value=tensor)
    branch = helper.make_graph([inner], "branch", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [WIDTH])])
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    graph.node.append(helper.make_node("If", ["yes"], ["unused"], then_branch=branch, else_branch=branch))


def fails_when_run(graph: onnx.GraphProto) -> None:
    """A shape that is computed, and does not fit: found out only when it is run."""
    graph.initializer.append(numpy_helper.from_array(np.array([7, -1]), "seven"))
    graph.initializer.append(numpy_helper.from_array(np.array([1, WIDTH]), "shape"))
    last = graph.node[-1]
    last.output[0] = "before"
    graph.node.append(helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.INT64))
    graph.node.append(helper.make_node("ReduceSum", ["numbers"], ["sum"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["sum", "seven"], ["computed"]))
    graph.node.append(helper.make_node("Reshape", ["before", "computed"], ["odd"]))
    graph.node.append(helper.make_node("Tanh", ["odd"], ["bent"]))
    graph.node.append(helper.make_node("Reshape", ["bent", "shape"], ["features"]))


def not_finite(graph: onnx.GraphProto) -> None:
    """Bright pictures become infinite, dark ones do not."""
    graph.initializer.append(numpy_helper.from_array(np.float32(1e30).reshape(()), "large"))
    graph.node[-1].output[0] = "before"
    graph.node.append(helper.make_node("ReduceMax", ["x"], ["brightest"], keepdims=0))
    graph.initializer.append(numpy_helper.from_array(np.float32(0.5).reshape(()), "half"))
    graph.node.append(helper.make_node("Greater", ["brightest", "half"], ["bright"]))
    graph.node.append(helper.make_node("Mul", ["before", "large"], ["larger"]))
    graph.node.append(helper.make_node("Mul", ["larger", "large"], ["largest"]))
    graph.node.append(helper.make_node("Where", ["bright", "largest", "before"], ["features"]))


def takes_memory(graph: onnx.GraphProto) -> None:
    """Few bytes that ask for 64 GB."""
    graph.initializer.append(numpy_helper.from_array(np.array([2**17, 2**17]), "sides"))
    graph.node[-1].output[0] = "before"
    value = numpy_helper.from_array(np.array([1], np.float32))
    graph.node.append(helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.INT64))
    graph.node.append(helper.make_node("ReduceMin", ["numbers"], ["darkest"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["darkest", "sides"], ["wide"]))
    graph.node.append(helper.make_node("ConstantOfShape", ["wide"], ["huge"], value=value))
    graph.node.append(helper.make_node("ReduceMean", ["huge"], ["level"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["before", "level"], ["features"]))


def takes_time(graph: onnx.GraphProto) -> None:
    """A loop that goes on for years."""
    count, yes = helper.make_tensor_value_info("i", TensorProto.INT64, []), TensorProto.BOOL
    float_ = TensorProto.FLOAT
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Tanh", ["was"], ["will"])],
        "body",
        [count, helper.make_tensor_value_info("go", yes, []), helper.make_tensor_value_info("was", float_, [1, WIDTH])],
        [helper.make_tensor_value_info("on", yes, []), helper.make_tensor_value_info("will", float_, [1, WIDTH])],
    )
    graph.initializer.append(numpy_helper.from_array(np.array(2**62), "years"))
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    graph.node[-1].output[0] = "before"
    graph.node.append(helper.make_node("Loop", ["years", "yes", "before"], ["features"], body=body))


def many_nodes(graph: onnx.GraphProto) -> None:
    """A chain of 20,001 nodes."""
    graph.node[-1].output[0] = "n0"
    for n in range(20_001):
        graph.node.append(helper.make_node("Identity", [f"n{n}"], [f"n{n + 1}" if n < 20_000 else "features"]))
