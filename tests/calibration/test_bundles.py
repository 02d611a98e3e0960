"""The commands calibrate and compare, on files and on bundles."""

import json

import cv2
import numpy as np
import onnx
import pytest
from networks import small_difference, small_network
from tiny import random_decoder, tiny_facts

import edgevtn
from edgevtn import BundleError
from edgevtn.bundle.write import write_bundle
from edgevtn.calibration import calibrate_bundle, calibrate_file, compare_bundle, swap
from edgevtn.calibration.pipeline import this_target
from edgevtn.cli.main import main
from edgevtn.graph.difference import of_one_picture
from edgevtn.graph.facts import takes_blocks
from edgevtn.networks import project


def test_calibrate_and_compare_commands(encoder_file, demo_clip, tmp_path, capsys):
    output = tmp_path / "int8.onnx"
    assert main(["calibrate", str(encoder_file), "--clips", str(demo_clip), "-o", str(output)]) == 0
    out = capsys.readouterr().out
    assert "cosine" in out
    report = json.loads(output.with_suffix(".json").read_text())
    assert report["cosine_min"] > 0.99
    assert len(report["cosines"]) == 128
    assert set(report["layers"]) == {"c1", "c2", "c3"}
    assert min(report["layers"].values()) > 20
    assert report["choices"]["target"] == "any"
    assert len(report["trail"]) >= 6
    assert main(["compare", str(encoder_file), str(output), "--clips", str(demo_clip)]) == 0
    assert "ratio" in capsys.readouterr().out
    assert main(["compare", str(encoder_file), str(encoder_file), "--clips", str(demo_clip)]) == 0
    assert "mean 1.0000, minimum 1.0000" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["fp32.onnx", "int8.html", "int8.json", "int8.onnx"]


def labelled(folder, demo_clip):
    """Six clips of two labels in two folds."""
    source = edgevtn.frames(demo_clip)
    with source:
        decoded = [frame for _, frame in source]
    rows = ["clip,label,fold"]
    for n in range(6):
        clip = folder / f"{n}"
        clip.mkdir(parents=True)
        for m, frame in enumerate(decoded[200 * (n % 2) + 20 * n :][:20]):
            cv2.imwrite(str(clip / f"{m:03}.png"), frame)
        rows.append(f"{n},{'ab'[n % 2]},{n // 2}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


def test_accuracy_on_labelled_clips(encoder_file, demo_clip, tmp_path):
    manifest = labelled(tmp_path / "clips", demo_clip)
    report = calibrate_file(encoder_file, manifest, tmp_path / "int8.onnx", progress=False)
    assert report.accuracy.clips == 6
    assert report.accuracy.fp32 >= 0.5
    assert report.accuracy.agreement >= 0.5
    assert json.loads((tmp_path / "int8.json").read_text())["accuracy"]["clips"] == 6


@pytest.fixture
def bundle(make_bundle, tmp_path):
    """A bundle with the small network in float32."""
    facts = tiny_facts(name="the small network", embed_dim=24 + 8, labels=["a", "b"])
    encoder = project(small_network(), np.eye(24, 32, dtype=np.float32), np.zeros(32, np.float32))
    write_bundle(tmp_path / "fp32", facts, encoder.SerializeToString(), random_decoder(facts))
    return tmp_path / "fp32"


def test_bundles(bundle, demo_clip, tmp_path, capsys):
    manifest = labelled(tmp_path / "clips", demo_clip)
    output = tmp_path / "int8"
    assert main(["calibrate", str(bundle), "--clips", str(manifest), "-o", str(output), "--target", "arm"]) == 0
    assert "same answer to" in capsys.readouterr().out
    loaded = edgevtn.load_bundle(output)
    assert takes_blocks(onnx.load_from_string(loaded.encoder))
    assert edgevtn.Recognizer(output, start="repeat")(np.zeros((40, 40, 3), np.uint8), 0.0) is not None
    assert loaded.model.quantization["target"] == "arm"
    np.testing.assert_array_equal(loaded.decoder["w_q"], edgevtn.load_bundle(bundle).decoder["w_q"])
    assert "the small network" in (output / "calibration.html").read_text("utf-8")
    onnx.save(onnx.load_from_string(loaded.encoder), tmp_path / "int8.onnx")
    again = tmp_path / "again"
    arguments = ["compare", str(bundle), str(tmp_path / "int8.onnx"), "--clips", str(manifest), "-o", str(again)]
    assert main(arguments) == 0
    assert edgevtn.load_bundle(again).encoder == loaded.encoder
    with pytest.raises(BundleError, match="expected the inputs and output"):
        edgevtn.Recognizer(swap_encoder(bundle, tmp_path))


def swap_encoder(bundle, folder):
    """A bundle whose new encoder has another width."""
    swap(bundle, small_network(), folder / "wrong", {})
    return folder / "wrong"


def test_a_bundle_for_another_processor(bundle, demo_clip, tmp_path, monkeypatch):
    safe = "auto" if this_target() == "x86" else "any"
    for folder, target in (("vnni", "x86-vnni"), ("any", safe)):
        calibrate_bundle(bundle, demo_clip, tmp_path / folder, target=target, progress=False)
    monkeypatch.setattr("edgevtn.encoder.HOST_FEATURES", frozenset({"avx2"}))
    monkeypatch.setattr("edgevtn.encoder.IS_ARM", False)
    with pytest.warns(RuntimeWarning, match="made for x86-vnni"):
        edgevtn.Recognizer(tmp_path / "vnni")
    edgevtn.Recognizer(tmp_path / "any")


def test_a_bundle_of_differences(demo_clip, tmp_path):
    facts = tiny_facts(embed_dim=32, modality="rgbdiff")
    encoder = project(small_difference(), np.eye(24, 32, dtype=np.float32), np.zeros(32, np.float32))
    write_bundle(tmp_path / "fp32", facts, encoder.SerializeToString(), random_decoder(facts))
    reports = calibrate_bundle(tmp_path / "fp32", demo_clip, tmp_path / "int8", progress=False)
    assert list(reports) == ["rgbdiff"]
    assert reports["rgbdiff"].cosine_min > 0.99
    int8 = edgevtn.load_bundle(tmp_path / "int8").encoder
    assert int8 == reports["rgbdiff"].encoder.SerializeToString()
    onnx.save(of_one_picture(onnx.load_from_string(int8)), tmp_path / "int8.onnx")
    report = compare_bundle(tmp_path / "fp32", tmp_path / "int8.onnx", demo_clip, tmp_path / "again")
    assert report.cosine_min > 0.99
    pixels = np.zeros((40, 40, 3), np.uint8)
    first, second = (edgevtn.Recognizer(tmp_path / name, start="repeat")(pixels, 0.0) for name in ("int8", "again"))
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
