"""Encoders and clips from disk, and what is refused."""

import re

import cv2
import numpy as np
import onnx
import pytest
from networks import float_network, pictures, small_network
from onnx import TensorProto, helper

from edgevtn.calibration import find_clips, load_encoder, quantize_graph
from edgevtn.cli.main import main
from edgevtn.graph.facts import input_size
from edgevtn.graph.sizes import with_open_side


def broken(kind):
    model = small_network()
    if kind == "float":
        model = float_network()
    elif kind == "dynamic":
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    elif kind == "oblong":
        model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 64
    elif kind == "two inputs":
        model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    elif kind == "foreign":
        model.graph.node[1].domain = "com.example"
        model.opset_import.append(helper.make_opsetid("com.example", 1))
    elif kind == "quantised":
        model = quantize_graph(model, pictures(2), progress=False)
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("float", r"got float \(1, 3, 32, 32\); say with --mean and --std"),
        ("foreign", "onnxruntime cannot run it"),
        ("dynamic", r"got uint8 \(N, 3, 32, 32\)"),
        ("oblong", r"got uint8 \(1, 3, 32, 64\)"),
        ("two inputs", "expected one input and one output, got 2 and 1"),
        ("quantised", "is INT8 already"),
    ],
)
def test_encoders_that_cannot_be_calibrated(kind, message, tmp_path, demo_clip, capsys):
    (tmp_path / "model.onnx").write_bytes(broken(kind))
    arguments = ["calibrate", str(tmp_path / "model.onnx"), "--clips", str(demo_clip), "-o", str(tmp_path / "o.onnx")]
    assert main(arguments) == 1
    assert re.search(message, capsys.readouterr().err)
    assert not list(tmp_path.glob("*o.onnx*"))


def test_open_sides_are_closed_by_the_size_that_is_said(tmp_path, demo_clip, capsys, monkeypatch):
    for name, count in (("CALIBRATION_FRAMES", 10), ("HELD_OUT_FRAMES", 8)):
        monkeypatch.setattr(f"edgevtn.calibration.encoders.{name}", count)
    onnx.save(with_open_side(small_network()), tmp_path / "open.onnx")
    line = ["calibrate", str(tmp_path / "open.onnx"), "--clips", str(demo_clip), "-o", str(tmp_path / "o.onnx")]
    assert main(line) == 1
    told = capsys.readouterr().err
    assert "leaves the sides of its pictures open, got uint8 (1, 3, side, side); say with the --size" in told
    assert main([*line, "--size", "65"]) == 1
    assert "size must be a multiple of 32 from 32 to 1024 pixels, got 65" in capsys.readouterr().err
    assert not (tmp_path / "o.onnx").exists()
    assert main([*line, "--size", "64"]) == 0
    assert input_size(onnx.load(tmp_path / "o.onnx")) == 64


def test_files_that_are_no_encoder(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        load_encoder(tmp_path / "nothing.onnx")
    (tmp_path / "x.onnx").write_bytes(b"hello world, this is no protobuf")
    with pytest.raises(ValueError, match=r"x\.onnx: cannot be read as ONNX"):
        load_encoder(tmp_path / "x.onnx")
    # Weights outside the model's own folder are refused by the reader.
    model = small_network()
    onnx.save(model, tmp_path / "y.onnx", save_as_external_data=True, location="w", size_threshold=0)
    proto = onnx.load(tmp_path / "y.onnx", load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../w"
    (tmp_path / "y.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ValueError, match=r"y\.onnx: cannot be read as ONNX"):
        load_encoder(tmp_path / "y.onnx")


def test_clips_are_found(tmp_path, demo_clip):
    assert find_clips(demo_clip) == [demo_clip]
    with pytest.raises(ValueError, match="no video files"):
        find_clips(tmp_path)
    for name in ("a/1.mp4", "a/2.txt", "b/3.AVI"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in find_clips(tmp_path)] == ["1.mp4", "3.AVI"]
    (tmp_path / "manifest.csv").write_text("clip,label\na/1.mp4,x\n")
    assert [file.name for file in find_clips(tmp_path)] == ["1.mp4"]


def test_a_picture_is_not_enough(tmp_path, encoder_file, capsys):
    (tmp_path / "one").mkdir()
    cv2.imwrite(str(tmp_path / "one" / "1.png"), np.zeros((40, 40, 3), np.uint8))
    arguments = ["calibrate", str(encoder_file), "--clips", str(tmp_path / "one"), "-o", str(tmp_path / "o.onnx")]
    assert main(arguments) == 1
    assert "one frame only" in capsys.readouterr().err
