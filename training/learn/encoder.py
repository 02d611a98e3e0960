"""An ONNX encoder as a PyTorch module, to be trained further, and back.

The graphs that `edgevtn.networks` builds have their batch norms folded into the convolutions: what is trained is what
runs, and batches may be as small as memory asks for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional


class TorchEncoder(nn.Module):
    """uint8 pictures (N, 3, S, S) -> float32 features (N, W).

    Parameters
    ----------
    model : onnx.ModelProto
        fp32, with one input.
    trainable : int, optional
        Convolutions, from the last one back, whose weights and biases are trained; default: all.

    Raises
    ------
    ValueError
        The graph has a node of another kind than `edgevtn.networks` writes.
    """

    def __init__(self, model: onnx.ModelProto, trainable: int | None = None) -> None:
        super().__init__()
        self._model = copy.deepcopy(model)
        graph = model.graph
        unknown = sorted({node.op_type for node in graph.node} - OPERATIONS.keys())
        if unknown:
            raise ValueError(f"expected an encoder as edgevtn.networks builds it; {', '.join(unknown)} is not in those")
        self._entry, self._output = graph.input[0].name, graph.output[0].name
        self._nodes = [
            (OPERATIONS[node.op_type], list(node.input), node.output[0], attributes(node)) for node in graph.node
        ]
        convolutions = [node for node in graph.node if node.op_type == "Conv"]
        count = len(convolutions) if trainable is None else min(trainable, len(convolutions))
        learned = {name for node in convolutions[len(convolutions) - count :] for name in node.input[1:]}
        #: Names of the tensors, which may have dots that PyTorch does not allow, in the order of `values`.
        self._names: list[str] = []
        self.values = nn.ParameterList()
        self._constants: dict[str, str] = {}
        for tensor in graph.initializer:
            value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
            if tensor.name in learned:
                self._names.append(tensor.name)
                self.values.append(nn.Parameter(value))
            else:
                self._constants[tensor.name] = f"constant{len(self._constants)}"
                self.register_buffer(self._constants[tensor.name], value, persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 (N, 3, S, S) -> float32 (N, W)."""
        known: dict[str, Tensor] = {name: getattr(self, place) for name, place in self._constants.items()}
        known |= dict(zip(self._names, self.values, strict=True))
        known[self._entry] = pictures
        for operation, inputs, output, facts in self._nodes:
            known[output] = operation(facts, *(known[name] for name in inputs))
        return known[self._output]

    def to_onnx(self) -> onnx.ModelProto:
        """The graph with the present weights."""
        model = copy.deepcopy(self._model)
        stored = {tensor.name: tensor for tensor in model.graph.initializer}
        for name, value in zip(self._names, self.values, strict=True):
            array = value.detach().cpu().numpy().astype(np.float32)
            stored[name].CopyFrom(numpy_helper.from_array(array, name))
        return model


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Attributes of a node by name."""
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _convolution(facts: dict[str, Any], x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    top, left, bottom, right = facts.get("pads", [0] * 4)
    group, strides = facts.get("group", 1), facts.get("strides", [1, 1])
    if (top, left) == (bottom, right):
        return functional.conv2d(x, w, b, strides, (top, left), groups=group)
    return functional.conv2d(functional.pad(x, (left, right, top, bottom)), w, b, strides, groups=group)


def _cast(facts: dict[str, Any], x: Tensor) -> Tensor:
    if facts["to"] != TensorProto.FLOAT:
        raise ValueError(f"expected a cast to float, got one to type {facts['to']}")
    return x.float()


def _dequantise(_: dict[str, Any], x: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    return (x.float() - zero_point.float()) * scale


#: ONNX operations: attributes and inputs -> output.
OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Add": lambda _, a, b: a + b,
    "Cast": _cast,
    "Clip": lambda _, x, low, high: x.clamp(low, high),
    "Conv": _convolution,
    "DequantizeLinear": _dequantise,
    "Flatten": lambda _, x: x.flatten(1),
    "GlobalAveragePool": lambda _, x: x.mean(dim=(2, 3), keepdim=True),
    "GlobalMaxPool": lambda _, x: x.amax(dim=(2, 3), keepdim=True),
    "MaxPool": lambda facts, x: functional.max_pool2d(
        x,
        facts["kernel_shape"],
        facts["strides"],
        facts.get("pads", [0] * 4)[:2],
        ceil_mode=bool(facts.get("ceil_mode")),
    ),
    "Mul": lambda _, a, b: a * b,
    "Relu": lambda _, x: x.relu(),
    "Sigmoid": lambda _, x: x.sigmoid(),
    "Sub": lambda _, a, b: a - b,
}
