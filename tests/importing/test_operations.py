"""Each operation of an OpenVINO graph, against OpenVINO."""

import numpy as np
import onnxruntime
import pytest

openvino = pytest.importorskip("openvino", reason="needs the extra [import]")

from edgevtn.errors import ModelFileError  # noqa: E402
from edgevtn.importing.ir import read_network, translated  # noqa: E402


def operations(ops, x):
    """One graph for each operation that decoders of other exporters may have; x is (1, 4, 8)."""
    w = np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32)
    halves = ops.variadic_split(x, 2, [3, 5])
    quarters = ops.split(x, 2, 4)
    last = ops.strided_slice(
        x, [0, -1, 0], [1, 0, 8], [1, 1, 2], begin_mask=[1, 0, 1], end_mask=[1, 0, 1], shrink_axis_mask=[0, 1, 0]
    )
    return {
        "VariadicSplit": ops.concat([halves.output(1), halves.output(0)], 2),
        "Split": ops.add(quarters.output(0), quarters.output(3)),
        "StridedSlice": last,
        "MVN inside": ops.mvn(x, [2], True, 1e-3, "inside_sqrt"),
        "MVN outside": ops.mvn(x, [2], True, 1e-3, "outside_sqrt"),
        "MVN mean": ops.mvn(x, [2], False, 1e-3, "inside_sqrt"),
        "MatMul": ops.matmul(x, w, False, True),
        "Clamp": ops.clamp(x, -0.5, 0.5),
        "Swish": ops.swish(x),
        "Softmax": ops.softmax(x, 2),
        "ReduceSum": ops.reduce_sum(x, np.array([1], np.int64), False),
        "Gather": ops.gather(x, np.array([2, 0], np.int64), 1),
        "Power": ops.power(ops.abs(x), np.float32(0.5)),
    }


@pytest.mark.parametrize("kind", operations(openvino.opset13, openvino.opset13.parameter([1, 4, 8], np.float32)))
def test_each_operation(kind, tmp_path):
    ops = openvino.opset13
    source = ops.parameter([1, 4, 8], np.float32, name="x")
    model = openvino.Model([operations(ops, source)[kind]], [source], "x")
    openvino.save_model(model, tmp_path / "x.xml", compress_to_fp16=False)
    x = np.random.default_rng(1).standard_normal((1, 4, 8)).astype(np.float32)
    (expected,) = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x).values()
    graph = translated(tmp_path / "x.xml", read_network(tmp_path / "x.xml"), pixels=False)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {session.get_inputs()[0].name: x})[0], expected, rtol=1e-4, atol=1e-5)


def test_unknown_operation(tmp_path):
    ops = openvino.opset13
    source = ops.parameter([1, 4, 8], np.float32, name="x")
    model = openvino.Model([ops.cum_sum(source, np.int64(1))], [source], "x")
    openvino.save_model(model, tmp_path / "x.xml")
    with pytest.raises(ModelFileError, match="CumSum .* is not an operation that can be translated"):
        translated(tmp_path / "x.xml", read_network(tmp_path / "x.xml"), pixels=False)
