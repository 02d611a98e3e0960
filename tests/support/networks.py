"""A small convolutional network to quantise, and pictures for it."""

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from edgevtn.graph.facts import as_input


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def features(model, pixels):
    running = session(model)
    return np.vstack([running.run(None, {running.get_inputs()[0].name: as_input(model, value)})[0] for value in pixels])


def cosine(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def small_network(seed=0):
    """Three convolutions, one depthwise, as in a mobile encoder; uint8 (1, 3, 32, 32) -> (1, 24)."""
    rng = np.random.default_rng(seed)

    def weight(*shape):
        return (rng.standard_normal(shape) * np.prod(shape[1:]) ** -0.5 * 2).astype(np.float32)

    constants = {
        "scale": np.array(1 / 128, np.float32), "zero": np.array(127, np.uint8),
        "low": np.array(0, np.float32), "high": np.array(6, np.float32),
        "w1": weight(12, 3, 3, 3), "b1": weight(12, 1)[:, 0], "w2": weight(12, 1, 3, 3), "b2": weight(12, 1)[:, 0],
        "w3": weight(24, 12, 1, 1), "b3": weight(24, 1)[:, 0],
    }  # fmt: skip
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("DequantizeLinear", ["pixels", "scale", "zero"], ["x"], name="dq"),
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="c1", strides=[2, 2], **same),
        helper.make_node("Clip", ["c1", "low", "high"], ["r1"], name="r1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], name="c2", group=12, **same),
        helper.make_node("Clip", ["c2", "low", "high"], ["r2"], name="r2"),
        helper.make_node("Conv", ["r2", "w3", "b3"], ["c3"], name="c3", kernel_shape=[1, 1]),
        helper.make_node("GlobalAveragePool", ["c3"], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["features"], name="flat"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 24])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def float_network():
    """The same network with float input, as exporters make it."""
    model = small_network()
    model.graph.node.remove(model.graph.node[0])
    model.graph.input[0].name = "x"
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return model


def relu_network():
    """With ReLU for ReLU6, and one channel that is forty times smaller than the others."""
    model = small_network()
    for node in model.graph.node:
        if node.op_type == "Clip":
            node.op_type = "Relu"
            del node.input[1:]
    for tensor in model.graph.initializer:
        value = numpy_helper.to_array(tensor).copy()
        if tensor.name in ("w1", "b1"):
            value[0] /= 40
        if tensor.name == "w2":
            value[0] *= 40
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    return model


def small_difference():
    """The same network on the difference of two frames, `pixels` less `previous`."""
    model = small_network()
    entry = model.graph.input[0]
    model.graph.input.append(helper.make_tensor_value_info("previous", TensorProto.UINT8, [1, 3, 32, 32]))
    del model.graph.node[0]
    front = [
        helper.make_node("Cast", [name], [f"{name}.float"], to=TensorProto.FLOAT) for name in (entry.name, "previous")
    ]
    front += [
        helper.make_node("Sub", ["pixels.float", "previous.float"], ["change"]),
        helper.make_node("Mul", ["change", "scale"], ["x"]),
    ]
    for place, node in enumerate(front):
        model.graph.node.insert(place, node)
    return model


def pictures(count, seed=0):
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        fine = cv2.resize(coarse, (32, 32), interpolation=cv2.INTER_CUBIC)
        result.append(np.ascontiguousarray(fine.transpose(2, 0, 1)[None]))
    return result


def project(encoder, w, b):
    """An encoder with a linear layer at its end, as bundles of the first format have it: `embedding` (1, D)."""
    model = onnx.ModelProto()
    model.CopyFrom(encoder)
    graph, layer = model.graph, {"projection.weight": w, "projection.bias": b}
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in layer.items()
    )
    graph.node.append(helper.make_node("Gemm", [graph.output[0].name, *layer], ["embedding"], name="projection"))
    graph.output[0].CopyFrom(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, w.shape[1]]))
    return model
