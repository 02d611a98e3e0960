"""Sizes of pictures and rates that are asked for."""

import numpy as np
import pytest

import edgevtn
from edgevtn.bundle import load_bundle
from edgevtn.errors import BundleError
from edgevtn.teaching import Taught, teach
from edgevtn.teaching.choose import EVERY_RATE

LABELS = ("bend", "jack", "wave1")


def test_a_model_of_smaller_pictures_runs_beside_others_and_is_taught_more(tmp_path, examples, cache):
    both = teach(examples, sizes=(128, 224), cache=cache, threads=1)
    assert {entry["size"] for entry in both.report.candidates} == {128, 224}
    small = teach(examples, sizes=(128,), cache=cache, threads=1)
    assert small.size == 128
    small.save(tmp_path / "small")
    assert "128 pixels" in str(Taught.load(tmp_path / "small").report)
    again = (
        Taught.load(tmp_path / "small")
        .remove(LABELS[0])
        .add([e for e in examples if e.label == LABELS[0]], cache=cache)
    )
    np.testing.assert_allclose(again.arrays["w_classes"], small.arrays["w_classes"], atol=1e-6)
    recognizer = edgevtn.Recognizer([tmp_path / "small", "default"], threads=1, start="repeat")
    alone = edgevtn.Recognizer(tmp_path / "small", threads=1, start="repeat")
    own = load_bundle().model.encoder.input_size
    assert [model.encoder.input_size for model in recognizer.models.values()] == [128, own]
    with edgevtn.frames(examples[0].source) as source:
        for timestamp, frame in source:
            beside = {p.model: p for p in recognizer.predictions(frame, timestamp)}
            for prediction in alone.predictions(frame, timestamp):
                np.testing.assert_array_equal(prediction.probabilities, beside[prediction.model].probabilities)
    with pytest.raises(BundleError, match="takes pictures of 224, 192, 160, 128 pixels, not of 100"):
        teach(examples, sizes=(100,), cache=cache)


def test_a_rate_that_was_asked_for_is_kept(tmp_path, examples, cache):
    slow = teach(examples, cache=cache, threads=1, rates=(3.125,))
    assert {entry["rate"] for entry in slow.report.candidates} == {3.125}
    assert slow.frame_rate == 3.125
    slow.save(tmp_path / "slow")
    loaded = Taught.load(tmp_path / "slow")
    again = loaded.remove(LABELS[0]).add([e for e in examples if e.label == LABELS[0]], cache=cache)
    assert again.frame_rate == 3.125
    np.testing.assert_allclose(again.arrays["w_classes"], slow.arrays["w_classes"], atol=1e-6)
    recognizer = edgevtn.Recognizer(tmp_path / "slow", threads=1, start="repeat")
    with edgevtn.frames(examples[0].source) as source:
        times = [prediction.timestamp for prediction in recognizer.stream(source)]
    np.testing.assert_allclose(np.diff(times), 0.32)
    every = teach(examples, cache=cache, threads=1, rates=EVERY_RATE)
    assert {entry["rate"] for entry in every.report.candidates} == set(EVERY_RATE)
    with pytest.raises(ValueError, match=r"rates must be of 3.125, 6.25, 12.5 Hz, got 5"):
        teach(examples, cache=cache, rates=(5,))


def test_one_take_of_each_label_at_the_rate_that_was_asked_for(examples, cache):
    alone = [next(e for e in examples if e.label == label) for label in LABELS]
    with pytest.warns(RuntimeWarning, match="one take alone"):
        model = teach(alone, cache=cache, threads=1, rates=(6.25,))
    assert (model.frame_rate, model.facts.window_len) == (6.25, 8)
