"""The façade: streaming equals batch, policies, errors."""

import warnings

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import moving_frames

import edgevtn
from edgevtn import EventDetector, FrameError, Recognizer, TimestampError, frames
from edgevtn.bundle import load_bundle
from edgevtn.kernels import reference


def softmax(logits):
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def from_scratch(bundle, window_frames):
    """The reference: encode every frame of the window anew, decode by the specification, in NumPy."""
    import onnxruntime

    from edgevtn.kernels.prepare import Prepare

    loaded = load_bundle(bundle)
    facts, head, arrays = loaded.model.encoder, loaded.model.head, loaded.head
    session = onnxruntime.InferenceSession(loaded.encoder, providers=["CPUExecutionProvider"])
    _, channels, *sides = session.get_inputs()[0].shape  # planes, or planes by blocks; the sides may be left open
    side = facts.input_size // 2 if channels == 12 else facts.input_size
    assert all(isinstance(own, str) or own == side for own in sides)
    pixels = np.empty((1, channels, side, side), np.uint8)
    features = []
    for frame in window_frames:
        Prepare(facts.input_size, facts.color_order)(frame, pixels)
        features.append(session.run(None, {"pixels": pixels})[0][0])
    rows = np.stack(features)
    if head.motion == "change":  # the first frame is there for the second's difference
        rows = rows[1:] @ arrays["w_features"] + np.diff(rows, axis=0) @ arrays["w_change"] + arrays["b_features"]
    norm = head.layer_norm == "vtn"
    return softmax(reference.vtn(rows, arrays, head.heads, head.attention_scale, norm))


@pytest.mark.parametrize(
    "changes",
    [{}, {"layer_norm": "none"}, {"window_len": 1}, {"window_len": 7, "layers": 1}, {"color_order": "BGR"}],
)
def test_streaming_equals_batch(make_bundle, changes):
    bundle = make_bundle(**changes)
    recognizer = Recognizer(bundle, threads=1)
    T = recognizer.model.head.window_len
    shown = moving_frames(20)
    for n, frame in enumerate(shown):
        prediction = recognizer(frame, n / 10)
        if n < T - 1:
            assert prediction is None
            continue
        expected = from_scratch(bundle, shown[n - T + 1 : n + 1])
        np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-5)
        assert prediction.timestamp == n / 10
        assert prediction.window_start == pytest.approx((n - T + 1) / 10)
        assert prediction.score == pytest.approx(expected.max(), abs=1e-5)


def test_default_model_streaming_equals_batch(demo_clip):
    recognizer, shown = Recognizer(threads=1), []
    step, head = round(25 / recognizer.model.frame_rate), recognizer.model.head  # the clip has 25 frames a second
    with frames(demo_clip) as source:
        for n, (timestamp, frame) in enumerate(source):
            prediction = recognizer(frame, timestamp)
            if n % step == 0:
                shown.append(frame)
            if n == 60:  # a multiple of every step
                break
    expected = from_scratch(None, shown[-head.window_len - (head.motion == "change") :])
    np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-5)


def test_reset_then_rerun_equals_the_first_run(recognizer):
    shown = moving_frames(15)

    def run():
        return [p.probabilities for n, f in enumerate(shown) if (p := recognizer(f, n / 10)) is not None]

    first = run()
    recognizer.reset()
    np.testing.assert_array_equal(first, run())


def test_repeat_fills_the_first_window(tiny):
    recognizer = Recognizer(tiny, threads=1, start="repeat")
    shown = moving_frames(6)
    for n, frame in enumerate(shown):
        prediction = recognizer(frame, n / 10)
        window = ([shown[0]] * 4 + shown[1 : n + 1])[-4:]
        np.testing.assert_allclose(prediction.probabilities, from_scratch(tiny, window), atol=1e-5)


def test_none_until_there_is_something_new(tiny):
    recognizer = Recognizer(tiny, threads=1, start="repeat")
    got = [recognizer(frame, n / 30) is not None for n, frame in enumerate(moving_frames(12))]
    assert sum(got) == 4
    assert got[0]


def test_a_missed_slot_repeats_the_frame_before(tiny):
    recognizer = Recognizer(tiny, threads=1)
    a, b, c, d = moving_frames(4)
    for timestamp, frame in [(0.0, a), (0.1, b), (0.2, c)]:
        assert recognizer(frame, timestamp) is None
    prediction = recognizer(d, 0.5)
    np.testing.assert_allclose(prediction.probabilities, from_scratch(tiny, [c, c, c, d]), atol=1e-5)


def test_a_long_gap_begins_a_new_window(tiny):
    recognizer = Recognizer(tiny, threads=1)
    shown = moving_frames(10)
    for n in range(5):
        recognizer(shown[n], n / 10)
    results = [recognizer(shown[5 + n], 60 + n / 10) for n in range(4)]
    assert results[:3] == [None] * 3
    np.testing.assert_allclose(results[3].probabilities, from_scratch(tiny, shown[5:9]), atol=1e-5)


def resampled(clip, rate, seconds):
    """A clip's beginning as a camera of another rate would have taken it: at each moment the frame that was showing."""
    with frames(clip) as source:
        decoded = list(source)
    times = np.array([t for t, _ in decoded])
    for n in range(int(seconds * rate)):
        yield n / rate, decoded[np.searchsorted(times, n / rate, side="right") - 1][1]


def test_the_sources_rate_does_not_matter(demo_clip):
    runs, rates = {}, (4.8, 12, 25, 30)
    for rate in rates:
        recognizer = Recognizer(start="repeat")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            runs[rate] = list(recognizer.stream(resampled(demo_clip, rate, 10)))
        slow = rate < recognizer.model.frame_rate
        assert [w.category for w in caught] == ([RuntimeWarning] if slow else [])
    moments = np.arange(1, 9.5, 0.25)

    def at(rate):
        times = np.array([p.timestamp for p in runs[rate]])
        return np.stack([runs[rate][k].probabilities for k in np.abs(times[:, None] - moments).argmin(axis=0)])

    for rate in rates:
        assert np.abs(at(rate) - at(25)).mean() < 0.02
        assert (at(rate).argmax(axis=1) == at(25).argmax(axis=1)).mean() > 0.9


def test_smoothing_is_an_exponential_mean_over_time(tiny):
    shown = moving_frames(12)
    raw, smooth = Recognizer(tiny, threads=1), Recognizer(tiny, threads=1, smoothing=0.5)
    mean = None
    for n, frame in enumerate(shown):
        now, got = raw(frame, n / 10), smooth(frame, n / 10)
        if now is None:
            continue
        keep = np.exp(-0.1 / 0.5)
        mean = now.probabilities if mean is None else keep * mean + (1 - keep) * now.probabilities
        np.testing.assert_allclose(got.probabilities, mean, atol=1e-6)
        assert got.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_unknown_is_an_answer(tiny):
    frame = moving_frames(1)[0]
    sure = Recognizer(tiny, start="repeat", unknown_below=0)(frame, 0)
    unsure = Recognizer(tiny, start="repeat", unknown_below=1)(frame, 0)
    assert sure.label in ("a", "b", "c")
    assert unsure.label == edgevtn.UNKNOWN
    assert unsure.score == sure.score


def test_top(tiny):
    prediction = Recognizer(tiny, start="repeat")(moving_frames(1)[0], 0)
    top = prediction.top(2)
    assert [score for _, score in top] == sorted(prediction.probabilities.tolist(), reverse=True)[:2]
    assert top[0] == (prediction.labels[prediction.probabilities.argmax()], prediction.score)
    assert len(prediction.top(99)) == 3


BAD_FRAMES = {
    "grey": (np.zeros((4, 4), np.uint8), r"\(4, 4\); convert grey"),
    "grey with an axis": (np.zeros((4, 4, 1), np.uint8), "convert grey"),
    "alpha": (np.zeros((480, 640, 4), np.float32), r"got float32 \(480, 640, 4\); drop the alpha channel"),
    "float": (np.zeros((4, 4, 3)), r"float64 .*astype\(np.uint8\)"),
    "empty": (np.zeros((0, 4, 3), np.uint8), "empty"),
    "planes": (np.zeros((3, 40, 50), np.uint8), r"transpose\(1, 2, 0\)"),
    "batch": (np.zeros((1, 4, 4, 3), np.uint8), r"frame\[0\]"),
    "None": (None, "got NoneType"),
    "list": ([[1]], "got list"),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_bad_frame_says_what_to_do_and_the_stream_goes_on(recognizer, name):
    frame, message = BAD_FRAMES[name]
    shown = moving_frames(4)
    for n in range(3):
        recognizer(shown[n], n / 10)
    with pytest.raises(FrameError, match=message) as caught:
        recognizer(frame, 0.3)
    assert str(caught.value).startswith("frame must be uint8 (H, W, 3) BGR, got ")
    assert recognizer(shown[3], 0.3) is not None


def test_time_that_stands_still(recognizer):
    frame = moving_frames(1)[0]
    recognizer(frame, 1.0)
    for bad in (1.0, 0.2, np.nan):
        with pytest.raises(TimestampError):
            recognizer(frame, bad)
    recognizer.reset()
    recognizer(frame, 0.2)


@pytest.mark.parametrize("shape", [(1, 1), (17, 4000), (4000, 17), (640, 360), (3, 3)])
def test_odd_sizes(tiny, shape):
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    prediction = Recognizer(tiny, start="repeat")(frame, 0)
    np.testing.assert_allclose(prediction.probabilities, from_scratch(tiny, [frame] * 4), atol=1e-5)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(view=st.sampled_from(["flipped", "mirrored", "strided", "fortran", "readonly", "alpha view"]))
def test_views_are_frames_too(recognizer, view):
    base = moving_frames(1, 40, 50)[0]
    image = {
        "flipped": lambda: base[..., ::-1],
        "mirrored": lambda: base[:, ::-1],
        "strided": lambda: base[::2, ::2],
        "fortran": lambda: np.asfortranarray(base),
        "readonly": lambda: np.frombuffer(base.tobytes(), np.uint8).reshape(base.shape),
        "alpha view": lambda: np.dstack([base, base[..., :1]])[..., :3],
    }[view]()
    results = []
    for frame in (image, np.ascontiguousarray(image)):
        recognizer.reset()
        results += [recognizer(frame, n / 10) for n in range(4)][-1:]
    np.testing.assert_array_equal(results[0].probabilities, results[1].probabilities)


@pytest.mark.parametrize(
    "bad",
    [{"threads": 0}, {"start": "maybe"}, {"smoothing": -1}, {"smoothing": np.nan}, {"unknown_below": 2}],
)
def test_bad_arguments(tiny, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Recognizer(tiny, **bad)


def test_stream_and_recognize(tiny, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for frame in moving_frames(20):
        writer.write(frame)
    writer.release()
    recognizer = Recognizer(tiny, threads=1)
    with frames(tmp_path / "clip.avi") as source:
        predictions = list(recognizer.stream(source))
    assert len(predictions) == 17
    detector = EventDetector(enter=0.4, leave=0.2, min_duration=0.1)
    events = edgevtn.recognize(tmp_path / "clip.avi", tiny, detector=detector)
    assert events
    for event in events:
        assert event.label in ("a", "b", "c")
        assert 0 <= event.start < event.end <= 2
