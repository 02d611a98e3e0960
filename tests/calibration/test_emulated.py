"""INT8 on processors that this machine is not: an x86 without VNNI, emulated by qemu-user (Debian: qemu-user).

There onnxruntime multiplies with VPMADDUBSW, which saturates. Files from `quantize` must not notice; files with the
usual full-range weights must, or this test would prove nothing.
"""

import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from networks import cosine, pictures, small_network

import edgevtn
from edgevtn.calibration import Settings, quantize_graph, sample_frames
from edgevtn.cpu import HOST_FEATURES, IS_ARM
from edgevtn.graph.edit import as_input

SCRIPT = """
import sys
import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
options.add_session_config_entry("session.x64quantprecision", sys.argv[4])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
rows = [session.run(None, {"pixels": pixels[None]})[0] for pixels in np.load(sys.argv[2])]
np.save(sys.argv[3], np.vstack(rows))
"""

pytestmark = [
    pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs qemu-x86_64 (Debian: qemu-user)"),
    pytest.mark.skipif(IS_ARM, reason="runs this machine's own Python, which must be for x86"),
    pytest.mark.skipif(not {"avx512vnni", "avxvnni"} & HOST_FEATURES, reason="compares with a processor that has VNNI"),
]


def both(model, pixels, folder, precise=False):
    """Embeddings on this processor, and on an emulated Haswell (AVX2, no VNNI)."""
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    np.save(folder / "pixels.npy", np.vstack([as_input(model, value) for value in pixels]))
    results = []
    for name, prefix in (("native", []), ("haswell", ["qemu-x86_64", "-cpu", "Haswell"])):
        files = [str(folder / file) for file in ("model.onnx", "pixels.npy", f"{name}.npy")]
        subprocess.run(
            [*prefix, sys.executable, "-c", SCRIPT, *files, str(int(precise))],
            check=True,
            timeout=300,
            stderr=subprocess.DEVNULL,
        )
        results.append(np.load(files[2]))
    return results


def test_the_bundled_encoder_is_the_same_without_vnni(tmp_path, demo_clip):
    model = onnx.load_from_string(edgevtn.load_bundle().encoder)
    native, emulated = both(model, sample_frames([demo_clip], 4, 224), tmp_path)
    assert cosine(native, emulated).min() > 0.9999


def network():
    """Bright activations, into which weights of one sign are multiplied: what saturates."""
    model = small_network()
    for tensor in model.graph.initializer:
        value = onnx.numpy_helper.to_array(tensor)
        if tensor.name == "b2":
            tensor.CopyFrom(onnx.numpy_helper.from_array(value + 4, "b2"))
        if tensor.name == "w3":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.abs(value), "w3"))
    return model


def test_safe_weights_are_the_same_without_vnni(tmp_path):
    native, emulated = both(quantize_graph(network(), pictures(8), progress=False), pictures(8, seed=1), tmp_path)
    np.testing.assert_allclose(emulated, native, atol=1e-6)


def test_full_range_weights_are_not(tmp_path):
    model = quantize_graph(network(), pictures(8), Settings(target="x86-vnni"), progress=False)
    native, emulated = both(model, pictures(8, seed=1), tmp_path)
    assert cosine(native, emulated).min() < 0.999
    assert np.abs(emulated - native).max() > 0.05 * np.abs(native).max()


def test_full_range_weights_are_with_what_the_runtime_sets(tmp_path):
    """For a bundle made for VNNI the runtime asks onnxruntime for the slow and right products."""
    model = quantize_graph(network(), pictures(8), Settings(target="x86-vnni"), progress=False)
    native, emulated = both(model, pictures(8, seed=1), tmp_path, precise=True)
    np.testing.assert_allclose(emulated, native, atol=1e-6)
