"""Bundles that the first format's code wrote, with the probabilities that it gave."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import moving_frames

import edgevtn
from edgevtn.bundle import load_bundle, write_bundle

OLD = Path(__file__).parents[1] / "data" / "format1"


def probabilities(bundle):
    recognizer = edgevtn.Recognizer(bundle, threads=1, precision="fp32")
    shown = ((n / 10, frame) for n, frame in enumerate(moving_frames(9)))
    return np.stack([prediction.probabilities for prediction in recognizer.stream(shown)])


@pytest.mark.parametrize("name", ["plain", "motion"])
def test_an_old_bundle_predicts_what_it_did(name):
    assert json.loads((OLD / name / "model.json").read_text())["format_version"] == 1
    with np.load(OLD / "expected.npz") as expected:
        np.testing.assert_allclose(probabilities(OLD / name), expected[name], atol=1e-5)


@pytest.mark.parametrize("name", ["plain", "motion"])
def test_what_is_written_of_it_is_of_the_present_format(name, tmp_path):
    old = load_bundle(OLD / name)
    write_bundle(tmp_path / "new", old.model.to_dict(), old.encoder, old.head)
    assert json.loads((tmp_path / "new" / "model.json").read_text())["format_version"] == 2
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["encoder.onnx", "head.npz", "model.json"]
    np.testing.assert_array_equal(probabilities(tmp_path / "new"), probabilities(OLD / name))


def test_the_script_takes_the_projection_out(tmp_path):
    """With the encoder's own features, and the same predictions."""
    script = OLD.parents[2] / "scripts" / "convert_bundle.py"
    subprocess.run([sys.executable, script, OLD / "motion", tmp_path / "new"], check=True, timeout=120)
    new = load_bundle(tmp_path / "new")
    assert (new.model.encoder.width, new.model.head.motion, new.model.head.projection) == (32, "change", True)
    np.testing.assert_allclose(probabilities(tmp_path / "new"), probabilities(OLD / "motion"), atol=1e-5)
