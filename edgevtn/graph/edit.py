"""Small tools over an ONNX graph."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from edgevtn.kernels.prepare import by_blocks

Array = npt.NDArray[Any]
Float = npt.NDArray[np.float32]


def takes_blocks(model: onnx.ModelProto) -> bool:
    """Whether an encoder takes its pixels by 2x2 blocks."""
    return bool(model.graph.input[0].type.tensor_type.shape.dim[1].dim_value == 12)


def as_input(model: onnx.ModelProto, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pixels (1, 3, S, S) in the order that an encoder takes."""
    return by_blocks(pixels) if takes_blocks(model) else pixels


def constants(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Initialisers by name."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def set_constant(tensor: onnx.TensorProto, value: Array) -> None:
    """Overwrite an initialiser, keeping its name."""
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), tensor.name))


def convolutions(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Convolution nodes in order of execution."""
    return [node for node in model.graph.node if node.op_type == "Conv"]


def groups(node: onnx.NodeProto) -> int:
    """The `group` attribute of a convolution; as many as channels if depthwise."""
    return next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)


def session(model: onnx.ModelProto, *, threads: int = 0, optimise: bool = True) -> onnxruntime.InferenceSession:
    """A session; without `optimise` it runs a QDQ graph node by node in float: the exact simulation.

    `threads` 0 leaves the number to onnxruntime.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def intermediate_values(
    model: onnx.ModelProto, names: Sequence[str], inputs: Sequence[Array]
) -> Iterator[dict[str, Float]]:
    """Run a model without optimisation, and give the named tensors for every input."""
    tapped = copy.deepcopy(model)
    have = {output.name for output in tapped.graph.output}
    tapped.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name not in have)
    running = session(tapped, optimise=False)
    source = running.get_inputs()[0].name
    for value in inputs:
        yield dict(zip(names, running.run(list(names), {source: value}), strict=True))
