"""An encoder to calibrate."""

import onnx
import pytest
from networks import small_network


@pytest.fixture
def encoder_file(tmp_path):
    onnx.save(small_network(), tmp_path / "fp32.onnx")
    return tmp_path / "fp32.onnx"
