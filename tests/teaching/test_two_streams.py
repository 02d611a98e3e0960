"""Frames and the differences of two, by one encoder."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from window_statistics import statistics

import edgevtn
from edgevtn.bundle import load_bundle, load_streams
from edgevtn.encoder import Encoder
from edgevtn.errors import BundleError
from edgevtn.kernels.prepare import Prepare
from edgevtn.teaching import Extractor, Taught, teach
from edgevtn.teaching.choose import Candidate, choose
from edgevtn.teaching.scale import DIFFERENCES, Scale
from edgevtn.teaching.store import FILE

BOTH = ("rgb", "two-stream")


def roots(source, size, rate):
    """Roots of features of frames and of differences, float64 (N, 2 W), of a video of 25 Hz: picture by picture."""
    bundle = load_bundle()
    facts = replace(bundle.model.encoder, input_size=size)
    encoder = Encoder(replace(bundle, model=replace(bundle.model, encoder=facts)), 1)
    picture = np.zeros(encoder.input_shape, np.uint8)
    encode, prepare = encoder.bind([picture]), Prepare(size, facts.color_order)
    with edgevtn.frames(source) as opened:
        shown = [frame for _, frame in opened]

    def prepared(n):
        prepare(shown[n], picture)
        return picture.astype(np.int64)

    def encoded(pixels):
        picture[...] = pixels
        return encode()[0].astype(np.float64)

    rows = []
    for n in range(0, len(shown), round(25 / rate)):
        newer, older = prepared(n), prepared(max(0, n - 2))  # 80 ms, and nothing before the first
        rows.append(np.concatenate([encoded(newer), encoded(np.clip(newer - older + 128, 0, 255))]))
    found = np.stack(rows)
    return np.copysign(np.sqrt(np.abs(found)), found)


@pytest.mark.parametrize("rate", [6.25, 12.5])
def test_streaming_equals_batch(tmp_path, examples, cache, rate):
    model = teach(examples, cache=cache, threads=1, rates=(rate,))
    assert (model.modality, model.frame_rate) == ("two-stream", rate)
    model.save(tmp_path / "mine")
    recognizer = edgevtn.Recognizer(tmp_path / "mine", threads=1, start="repeat")
    with edgevtn.frames(examples[4].source) as source:
        streamed = [(prediction, recognizer._runners[0].logits()) for prediction in recognizer.stream(source)]
    rows, T = roots(examples[4].source, model.size, rate), model.facts.window_len
    assert len(rows) == len(streamed)
    filled = np.concatenate([np.repeat(rows[:1], T - 1, axis=0), rows])
    w, b = (model.arrays[name].astype(np.float64) for name in ("w_classes", "b_classes"))
    for n, (prediction, got) in enumerate(streamed):
        logits = statistics(filled[n : n + T], model.facts.statistics) @ w + b
        scores = logits[:-1] * model.facts.temperature
        logits[-1] += np.square(np.maximum(scores + 1, 0)).sum() / 4 / model.facts.temperature
        np.testing.assert_allclose(got, logits, atol=1e-5 * np.abs(logits).max())
        expected = np.exp(logits - logits.max())
        np.testing.assert_allclose(prediction.probabilities, expected / expected.sum(), atol=1e-4)


@pytest.mark.parametrize("rate", [6.25, 12.5])
def test_rows_are_what_a_recogniser_of_that_rate_encodes(videos, cache, rate):
    file = videos / "jack" / "bob_jack.avi"
    exact = Extractor(rate=rate, cache=cache, threads=1, modality="two-stream")(file)
    thinned = Extractor(cache=cache, threads=1, modality="two-stream")(file)
    np.testing.assert_array_equal(exact.at(rate, 224, "two-stream"), thinned.at(rate, 224, "two-stream"))
    assert thinned.at(rate).shape[1] == thinned.at(rate, 224, "two-stream").shape[1] / 2
    np.testing.assert_array_equal(thinned.at(rate), Extractor(cache=cache, threads=1)(file).at(rate))


def test_one_encoder_serves_both_streams(taught, tmp_path, monkeypatch):
    taught.save(tmp_path / "mine")
    frames, changes = load_streams(tmp_path / "mine")
    assert (frames.model.encoder.modality, changes.model.encoder.modality) == ("rgb", "rgbdiff")
    assert frames.encoder == changes.encoder
    assert changes.model.encoder.difference_interval == pytest.approx(0.08)
    made = []
    init = Encoder.__init__
    monkeypatch.setattr(
        Encoder, "__init__", lambda self, *given, **more: (made.append(1), init(self, *given, **more))[1]
    )
    edgevtn.Recognizer(tmp_path / "mine", threads=1)
    assert len(made) == 1


def test_moments_of_both_streams_add_up(taught, tmp_path, examples):
    taught.save(tmp_path / "mine")
    recognizer = edgevtn.Recognizer(tmp_path / "mine", threads=1)
    runner, seen = recognizer._runners[0], 0
    with edgevtn.frames(examples[0].source) as source:
        for timestamp, frame in source:
            for prediction in recognizer.predictions(frame, timestamp):
                best, second = np.argsort(-prediction.probabilities)[:2]
                logits = np.mean([head.plain() for head in runner.heads], axis=0) - taught.arrays["b_classes"]
                shares = recognizer.moments(prediction)
                assert shares.shape == (taught.facts.window_len,)
                assert shares.sum() == pytest.approx(logits[best] - logits[second], rel=1e-3, abs=1e-3)
                seen += 1
    assert seen


def test_frames_alone_where_they_are_asked_for(tmp_path, examples, cache):
    model = teach(examples, cache=cache, threads=1, modalities=("rgb",))
    assert model.modality == "rgb"
    assert "two encodings" not in str(model.report)
    model.save(tmp_path / "mine")
    assert len(load_streams(tmp_path / "mine")) == 1
    again = Taught.load(tmp_path / "mine")
    assert again.modality == "rgb"
    np.testing.assert_allclose(again.arrays["w_classes"], model.arrays["w_classes"], atol=1e-6)
    with pytest.raises(ValueError, match="modalities must be of rgb, two-stream, movement, got sound"):
        teach(examples, cache=cache, modalities=("sound",))


def test_both_are_compared_where_both_are_asked_for(tmp_path, examples, cache):
    model = teach(examples, cache=cache, threads=1, modalities=BOTH)
    report = model.report
    cost = {(c["modality"], *c["statistics"], c["rate"], c["window_len"]): c["cost"] for c in report.candidates}
    assert {key[0] for key in cost} == set(BOTH)
    for (modality, *rest), own in cost.items():
        if modality == "rgb":
            assert 1.9 * own < cost["two-stream", *rest] + rest[-1] / rest[-2] < 2.1 * own + 1
    assert report.chosen["modality"] == model.modality
    model.save(tmp_path / "mine")
    again = Taught.load(tmp_path / "mine").remove("jack").add([e for e in examples if e.label == "jack"], cache=cache)
    assert {candidate["modality"] for candidate in again.report.candidates} == set(BOTH)
    np.testing.assert_allclose(again.arrays["w_classes"], model.arrays["w_classes"], atol=1e-6)


def test_what_was_taught_before_there_were_differences_is_still_read(tmp_path, examples, cache):
    model = teach(examples, cache=cache, threads=1, modalities=("rgb",))
    model.save(tmp_path / "mine")
    file = tmp_path / "mine" / FILE
    with np.load(file) as stored:
        arrays = dict(stored)
    facts = json.loads(str(arrays["facts"]))
    facts["version"] = 2
    del facts["options"]["modalities"]
    content = io.BytesIO()
    np.savez(content, **arrays | {"facts": np.array(json.dumps(facts))})
    file.write_bytes(content.getvalue())
    again = Taught.load(tmp_path / "mine")
    assert again.modality == "rgb"
    np.testing.assert_allclose(again.arrays["w_classes"], model.arrays["w_classes"], atol=1e-6)


def test_features_of_one_stream_that_are_missing_are_told(taught, tmp_path):
    taught.save(tmp_path / "mine")
    file = tmp_path / "mine" / FILE
    with np.load(file) as stored:
        arrays = dict(stored)
    np.savez(file, **{name: rows for name, rows in arrays.items() if name != str(taught.size)})
    with pytest.raises(BundleError, match="features of some pictures are missing"):
        Taught.load(tmp_path / "mine")


@pytest.mark.parametrize("modality", ["two-stream", "movement"])
def test_differences_count_less_than_frames_or_more(modality):
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((40, 2 * 8)) * rng.uniform(0.5, 3, 2 * 8)).astype(np.float32)
    rows[:, 5:8] *= 10
    scaled = Scale.of(rows, np.ones(40), ("mean", "spread"), 8, modality)(rows)
    parts = scaled.reshape(40, 2, 8)
    for statistic in range(2):
        frames, changes = (np.square(parts[:, statistic, own]).sum(axis=1).mean() for own in (slice(4), slice(4, 8)))
        assert changes == pytest.approx(DIFFERENCES[modality] * frames, rel=1e-4)
        assert frames + changes == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("tells", ["frames", "differences"])
def test_movement_counts_where_rooms_differ(tells):
    """One stream tells the classes, the other whose take it is, and takes of other people are left out."""
    rng = np.random.default_rng(2)
    classes, people = np.arange(24) % 2, np.arange(24) // 4
    W, clips = 24, []
    for label, person in zip(classes, people, strict=True):
        place, movement = (label, person) if tells == "frames" else (person, label)
        frames, changes = (np.random.default_rng([n, kind]).normal(0, 1, W) for n, kind in ((place, 0), (movement, 1)))
        own = np.concatenate([frames, changes]) + rng.normal(0, 1, 2 * W)
        clips.append((own + rng.normal(0, 0.1, (30, 2 * W))).astype(np.float32))
    groups = [np.flatnonzero(people == person) for person in np.unique(people)]
    losses = []
    for modality in ("two-stream", "movement"):
        among = [Candidate(("mean", "spread"), 12.5, 16, 224, modality)]
        (found,) = choose(clips, classes, groups, 12.5, among)
        losses.append(found.loss)
    assert (losses[1] < 0.7 * losses[0]) == (tells == "differences")
    assert (losses[0] < 0.7 * losses[1]) == (tells == "frames")


def test_a_model_of_movement_is_kept_and_taught_more(examples, cache, tmp_path):
    model = teach(examples, cache=cache, threads=1, modalities=("movement",))
    plain = teach(examples, cache=cache, threads=1)
    assert model.modality == "movement"
    assert "before all" in str(model.report)
    model.save(tmp_path / "mine")
    again = Taught.load(tmp_path / "mine")
    assert again.modality == "movement"
    np.testing.assert_allclose(again.arrays["w_classes"], model.arrays["w_classes"], atol=1e-6)
    assert model.arrays["w_classes"].shape != plain.arrays["w_classes"].shape or not np.allclose(
        model.arrays["w_classes"], plain.arrays["w_classes"], atol=1e-3
    )
    assert [bundle.model.encoder.modality for bundle in load_streams(tmp_path / "mine")] == ["rgb", "rgbdiff"]
