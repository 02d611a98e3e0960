"""The commands calibrate and compare, on files and on bundles."""

import json

import cv2
import numpy as np
import onnx
import pytest
from networks import pictures, small_difference, small_network
from tiny import random_head, tiny_encoder, tiny_facts

import edgevtn
from edgevtn import BundleError
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.calibration import calibrate_bundle, calibrate_file, compare_bundle, swap
from edgevtn.calibration.measure.probe import probe
from edgevtn.calibration.pipeline import this_target
from edgevtn.cli.main import main
from edgevtn.datasets import read_manifest
from edgevtn.graph.difference import of_one_picture
from edgevtn.graph.facts import takes_blocks


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


def tinted(folder, tell):
    """24 clips in three folds, half of them reddish, half bluish; `tell` says which label the n-th has."""
    rng = np.random.default_rng(0)
    rows = ["clip,label,fold"]
    for n in range(24):
        clip = folder / f"{n}"
        clip.mkdir(parents=True)
        for m, pixels in enumerate(pictures(6, seed=n)):
            strength = rng.uniform(0.2, 0.4)
            frame = pixels[0].transpose(1, 2, 0) * [(1, 1, strength), (strength, 1, 1)][n % 2]
            cv2.imwrite(str(clip / f"{m:03}.png"), frame.astype(np.uint8))
        rows.append(f"{n},{'ab'[tell(n)]},{n // 2 % 3}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


def test_accuracy_on_labelled_clips(encoder_file, tmp_path):
    """The colour is found, and a label that has nothing to do with it is not.

    Seen with small networks of eight seeds: 1.0 for seven of them and 0.79; of the other label 0.17 to 0.63. A coin
    is right 22 times of 24 once in fifty thousand.
    """
    manifest = tinted(tmp_path / "clips", lambda n: n % 2)
    report = calibrate_file(encoder_file, manifest, tmp_path / "int8.onnx", progress=False)
    assert report.accuracy.clips == 24
    assert min(report.accuracy.fp32, report.accuracy.int8, report.accuracy.agreement) >= 0.9
    assert json.loads((tmp_path / "int8.json").read_text())["accuracy"]["clips"] == 24
    model = onnx.load(encoder_file)
    other = tinted(tmp_path / "other", lambda n: n // 6 % 2)
    assert probe(model, model, read_manifest(other), "RGB", progress=False).fp32 <= 0.75


@pytest.fixture
def bundle(make_bundle, tmp_path):
    """A bundle with the small network in float32."""
    facts = tiny_facts(name="the small network", width=24, projection=True, labels=["a", "b"])
    write_bundle(tmp_path / "fp32", facts, small_network().SerializeToString(), random_head(facts))
    return tmp_path / "fp32"


def test_an_encoder_of_a_calibrated_bundle_says_what_it_is(bundle, demo_clip, tmp_path):
    calibrate_bundle(bundle, demo_clip, tmp_path / "int8", budget=0, progress=False)
    model = load_bundle(tmp_path / "int8").model
    told = {e.key: e.value for e in onnx.load_from_string(load_bundle(tmp_path / "int8").encoder).metadata_props}
    assert told["edgevtn.source"] == model.source
    assert json.loads(told["edgevtn.encoder"]) == model.to_dict()["encoder"]


def test_a_bundle_for_larger_pictures(bundle, demo_clip, tmp_path):
    line = ["calibrate", str(bundle), "--clips", str(demo_clip), "--size", "64", "--budget", "0"]
    assert main([*line, "-o", str(tmp_path / "int8")]) == 0
    assert load_bundle(tmp_path / "int8").model.encoder.input_size == 64
    large, own = (edgevtn.Recognizer(place, start="repeat") for place in (tmp_path / "int8", bundle))
    frame = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8), (96, 96))  # smooth at any size
    near = large(frame, 0.0).probabilities, own(frame, 0.0).probabilities
    np.testing.assert_allclose(*near, atol=0.1)
    assert main([*line[:-2], "--size", "50", "-o", str(tmp_path / "none")]) == 1


def test_what_is_int8_already_is_refused_in_a_sentence(demo_clip, tmp_path, capsys):
    """Also where its sides are open, as those of the encoder that ships are."""
    shipped, options = load_bundle().path, ["--clips", str(demo_clip), "-o", str(tmp_path / "x"), "--size", "160"]
    for place in (shipped, shipped / "encoder.onnx"):
        assert main(["calibrate", str(place), *options]) == 1
        expected = f"edgevtn: error: {place}: is INT8 already; expected the fp32 encoder that it was made from\n"
        assert capsys.readouterr().err == expected
    assert not list(tmp_path.iterdir())


def test_bundles(bundle, demo_clip, tmp_path, capsys):
    manifest = labelled(tmp_path / "clips", demo_clip)
    output = tmp_path / "int8"
    assert main(["calibrate", str(bundle), "--clips", str(manifest), "-o", str(output), "--target", "arm"]) == 0
    assert "same answer to" in capsys.readouterr().out
    loaded = load_bundle(output)
    assert takes_blocks(onnx.load_from_string(loaded.encoder))
    assert edgevtn.Recognizer(output, start="repeat")(np.zeros((40, 40, 3), np.uint8), 0.0) is not None
    assert loaded.model.quantization["target"] == "arm"
    np.testing.assert_array_equal(loaded.head["w_q"], load_bundle(bundle).head["w_q"])
    assert "the small network" in (output / "calibration.html").read_text("utf-8")
    onnx.save(onnx.load_from_string(loaded.encoder), tmp_path / "int8.onnx")
    again = tmp_path / "again"
    arguments = ["compare", str(bundle), str(tmp_path / "int8.onnx"), "--clips", str(manifest), "-o", str(again)]
    assert main(arguments) == 0
    assert load_bundle(again).encoder == loaded.encoder
    with pytest.raises(BundleError, match="expected the inputs and output"):
        edgevtn.Recognizer(swap_encoder(bundle, tmp_path))


def swap_encoder(bundle, folder):
    """A bundle whose new encoder has another width."""
    swap(bundle, tiny_encoder(), folder / "wrong", {})
    return folder / "wrong"


def test_a_bundle_for_another_processor(bundle, demo_clip, tmp_path, monkeypatch):
    safe = "auto" if this_target() == "x86" else "any"
    for folder, target in (("vnni", "x86-vnni"), ("any", safe)):
        calibrate_bundle(bundle, demo_clip, tmp_path / folder, target=target, progress=False)
    monkeypatch.setattr("edgevtn.encoder.has_vnni", lambda: False)
    monkeypatch.setattr("edgevtn.encoder.IS_ARM", False)
    with pytest.warns(RuntimeWarning, match="made for x86-vnni"):
        edgevtn.Recognizer(tmp_path / "vnni")
    edgevtn.Recognizer(tmp_path / "any")


def test_a_bundle_of_differences(demo_clip, tmp_path):
    facts = tiny_facts(width=24, projection=True, modality="rgbdiff")
    write_bundle(tmp_path / "fp32", facts, small_difference().SerializeToString(), random_head(facts))
    reports = calibrate_bundle(tmp_path / "fp32", demo_clip, tmp_path / "int8", progress=False)
    assert list(reports) == ["rgbdiff"]
    assert reports["rgbdiff"].cosine_min > 0.99
    int8 = load_bundle(tmp_path / "int8").encoder
    assert onnx.load_from_string(int8).graph == reports["rgbdiff"].encoder.graph
    onnx.save(of_one_picture(onnx.load_from_string(int8)), tmp_path / "int8.onnx")
    report = compare_bundle(tmp_path / "fp32", tmp_path / "int8.onnx", demo_clip, tmp_path / "again")
    assert report.cosine_min > 0.99
    pixels = np.zeros((40, 40, 3), np.uint8)
    first, second = (edgevtn.Recognizer(tmp_path / name, start="repeat")(pixels, 0.0) for name in ("int8", "again"))
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
