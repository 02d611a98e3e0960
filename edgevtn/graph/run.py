"""Running a graph: whole, for what it gives, or with taps, for what is inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime

from edgevtn.arrays import Array, Float, Pixels
from edgevtn.graph.edit import editable, remove_unused
from edgevtn.graph.facts import as_input


def session(model: onnx.ModelProto, *, threads: int = 0, optimise: bool = True) -> onnxruntime.InferenceSession:
    """An onnxruntime session on the CPU.

    Parameters
    ----------
    model : onnx.ModelProto
    threads : int
        Inside one inference; 0 leaves the number to onnxruntime.
    optimise : bool
        Without it a QDQ graph runs node by node in float: the exact simulation.

    Returns
    -------
    onnxruntime.InferenceSession
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def outputs(running: onnxruntime.InferenceSession, inputs: Sequence[Array]) -> Float:
    """What a session gives.

    Parameters
    ----------
    running : onnxruntime.InferenceSession
        With one input and one output, float32 (1, W).
    inputs : sequence of arrays
        N of the input's shape.

    Returns
    -------
    float32 (N, W)
    """
    name = running.get_inputs()[0].name
    return np.vstack([running.run(None, {name: value})[0] for value in inputs])


def features(encoder: onnx.ModelProto, pixels: Sequence[Pixels]) -> Float:
    """The features of pictures.

    Parameters
    ----------
    encoder : onnx.ModelProto
        It has one input, uint8 (1, 3, S, S) or by 2x2 blocks.
    pixels : sequence of uint8 (1, 3, S, S)
        N pictures.

    Returns
    -------
    float32 (N, W)
    """
    return outputs(session(encoder), [as_input(encoder, value) for value in pixels])


def intermediate_values(
    model: onnx.ModelProto, names: Sequence[str], inputs: Sequence[Array]
) -> Iterator[dict[str, Float]]:
    """Run a model without optimisation, no further than needed, and give the named tensors for every input.

    Parameters
    ----------
    model : onnx.ModelProto
        It has one input.
    names : sequence of str
        Tensors that nodes give.
    inputs : sequence of arrays

    Yields
    ------
    dict of arrays
        By the names, for one input.
    """
    tapped = editable(model)
    values = ir.convenience.create_value_mapping(tapped.graph)
    tapped.graph.outputs[:] = [values[name] for name in dict.fromkeys(names)]
    remove_unused(tapped)
    running = session(ir.to_proto(tapped), optimise=False)
    source = running.get_inputs()[0].name
    for value in inputs:
        yield dict(zip(names, running.run(list(names), {source: value}), strict=True))
