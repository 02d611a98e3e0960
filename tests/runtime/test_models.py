"""Several models in one recogniser: each as if it were alone, on one encoding of each frame."""

import numpy as np
import pytest
from tiny import moving_frames, random_head, tiny_difference, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle import write_bundle
from edgevtn.encoder import Encoder


@pytest.fixture
def models(tmp_path):
    """One encoder under heads of several kinds, windows and rates; and one of another encoder."""
    changes = {
        "first": {},
        "long": {"window_len": 7, "kind": "linear", "statistics": ["mean", "spread"]},
        "slow": {"frame_rate": 5.0, "window_len": 3},
        "odd": {"frame_rate": 4.0, "labels": ["x", "y"]},
    }
    for name, changed in changes.items():
        facts = tiny_facts(name=name, **changed)
        write_bundle(tmp_path / name, facts, tiny_encoder().SerializeToString(), random_head(facts))
    facts = tiny_facts(name="other")
    write_bundle(tmp_path / "other", facts, tiny_encoder(seed=1).SerializeToString(), random_head(facts))
    return {name: tmp_path / name for name in (*changes, "other")}


@pytest.fixture
def encodings(monkeypatch):
    """How often any encoder ran, and how many sessions there are."""
    counts = {"sessions": 0, "runs": 0}
    init, bind = Encoder.__init__, Encoder.bind

    def counting_init(self, *arguments, **options):
        counts["sessions"] += 1
        init(self, *arguments, **options)

    def counting_bind(self, pictures):
        encode = bind(self, pictures)

        def counted():
            counts["runs"] += 1
            return encode()

        return counted

    monkeypatch.setattr(Encoder, "__init__", counting_init)
    monkeypatch.setattr(Encoder, "bind", counting_bind)
    return counts


def shown(rate=30, seconds=3.0, gap=()):
    frames = moving_frames(int(rate * seconds))
    return [(n / rate, frame) for n, frame in enumerate(frames) if n not in gap]


@pytest.mark.parametrize("gap", [(), range(20, 31), range(20, 60)])
def test_each_predicts_as_it_would_alone(models, gap):
    together = edgevtn.Recognizer(list(models.values()), threads=1)
    got = {name: [] for name in models}
    for prediction in together.stream(shown(gap=gap)):
        got[prediction.model].append(prediction)
    for name, place in models.items():
        alone = list(edgevtn.Recognizer(place, threads=1).stream(shown(gap=gap)))
        assert [p.timestamp for p in got[name]] == [p.timestamp for p in alone]
        assert alone
        for a, b in zip(got[name], alone, strict=True):
            np.testing.assert_array_equal(a.probabilities, b.probabilities)
            assert (a.label, a.window_start, a.labels) == (b.label, b.window_start, b.labels)


def test_one_encoder_runs_once_a_frame(models, encodings):
    recognizer = edgevtn.Recognizer([models[name] for name in ("first", "long", "slow")], threads=1)
    assert encodings["sessions"] == 1
    encodings["runs"] = 0
    for timestamp, frame in shown(rate=10):
        recognizer.predictions(frame, timestamp)
    assert encodings["runs"] == 30  # as for the fastest of them alone
    edgevtn.Recognizer(list(models.values()), threads=1)
    assert encodings["sessions"] == 1 + 2


def test_predictions_say_whose_they_are(models, tiny):
    recognizer = edgevtn.Recognizer([models["first"], tiny, models["first"]], start="repeat")
    names = [prediction.model for prediction in recognizer.predictions(moving_frames(1)[0], 0.0)]
    assert names == list(recognizer.models) == ["first", "tiny", "first (2)"]
    with pytest.raises(ValueError, match="has 3 models; call predictions"):
        recognizer(moving_frames(1)[0], 1.0)


def test_default_is_the_bundled_model():
    recognizer = edgevtn.Recognizer(["default"], start="repeat")
    assert recognizer.model == edgevtn.Recognizer().model
    with pytest.raises(ValueError, match="empty list"):
        edgevtn.Recognizer([])


def test_differences_are_shared_where_they_are_of_the_same_frames(tmp_path, encodings):
    places = []
    for n, rate in enumerate((10.0, 10.0, 5.0)):
        facts = tiny_facts(name=f"m{n}", modality="rgbdiff", frame_rate=rate, window_len=3 + n)
        write_bundle(tmp_path / f"m{n}", facts, tiny_difference().SerializeToString(), random_head(facts))
        places.append(tmp_path / f"m{n}")
    together = edgevtn.Recognizer(places, threads=1)
    assert encodings["sessions"] == 1
    encodings["runs"] = 0
    got = [(p.model, p.timestamp, p.probabilities) for p in together.stream(shown(rate=10, gap=range(20, 24)))]
    assert encodings["runs"] == 25 + 12  # one for each rate, and the first frame of each has none
    for n, place in enumerate(places):
        alone = edgevtn.Recognizer(place, threads=1)
        expected = [(p.timestamp, p.probabilities) for p in alone.stream(shown(rate=10, gap=range(20, 24)))]
        mine = [(timestamp, values) for model, timestamp, values in got if model == f"m{n}"]
        assert [t for t, _ in mine] == [t for t, _ in expected]
        np.testing.assert_array_equal([v for _, v in mine], [v for _, v in expected])
