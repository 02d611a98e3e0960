"""Calibration without files: model and frames in, report out."""

from pathlib import Path

import numpy as np
import pytest
from networks import cosine, features, pictures, relu_network, small_network

from edgevtn.calibration import Sample, calibrate, quantize_graph
from edgevtn.calibration.pipeline import resolve_target, this_target


def samples(count, seed=0):
    return [Sample(picture, Path("clip"), float(n)) for n, picture in enumerate(pictures(count, seed))]


def test_the_report_is_of_the_encoder_that_it_has():
    held_out = samples(12, seed=1)
    report = calibrate(relu_network(), samples(20), held_out, blocks=True, progress=False)
    pixels = [sample.pixels for sample in held_out]
    expected = cosine(features(relu_network(), pixels), features(report.encoder, pixels))
    np.testing.assert_allclose(report.cosines, expected, atol=1e-6)
    assert [number for number, _ in report.worst] == np.argsort(expected)[:4].tolist()
    assert report.choices["steps"] == ["equalise channels", "correct biases"]
    assert len(report.trail) == 7  # four ways, then equalised, then the two best corrected


def test_a_budget_that_cannot_be_met_is_said():
    with pytest.warns(UserWarning, match="cosine of 1.0 was not reached"):
        calibrate(small_network(), samples(8), samples(4, seed=1), budget=1.0, progress=False)


def test_what_cannot_be_calibrated():
    quantised = quantize_graph(small_network(), pictures(2), progress=False)
    with pytest.raises(ValueError, match="is quantised already"):
        calibrate(quantised, samples(4), samples(2), progress=False)
    with pytest.raises(ValueError, match="got 1; ranges from one frame"):
        calibrate(small_network(), samples(1), samples(2), progress=False)
    with pytest.raises(ValueError, match="target must be auto or one of"):
        calibrate(small_network(), samples(4), samples(2), target="z80", progress=False)
    assert resolve_target("auto") == this_target()
