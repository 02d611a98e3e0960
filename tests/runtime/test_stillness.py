"""What counts as still, on real pictures; and that features used again give the answers that encoding would."""

import io

import cv2
import numpy as np
import pytest
from tiny import moving_frames, random_head, tiny_difference, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle import write_bundle
from edgevtn.encoder import Encoder
from edgevtn.streams import Stillness
from edgevtn.streams.stillness import LONGEST

RATE = 12.5
PICTURES = (
    "clips/intel_one-by-one-person-detection.mp4",
    "ceiling/walk/20200626_154313_0035-0060.mp4",
    "gmdcsa24/adl/Subject3_18.mp4",
)


@pytest.fixture(params=PICTURES)
def picture(request, shared):
    """The first frame of a real clip."""
    with edgevtn.frames(shared / "data" / request.param) as source:
        return next(iter(source))[1]


def noisy(picture, sigma, rng):
    values = picture + sigma * rng.standard_normal(picture.shape, np.float32)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def encoded_slots(frames, rate=RATE):
    """Which frames are encoded: bool (n,)."""
    stillness, found = Stillness(), []
    for n, frame in enumerate(frames):
        still = stillness(frame, n / rate)
        if not still:
            stillness.keep(frame, n / rate)
        found.append(not still)
    return np.array(found)


@pytest.mark.parametrize("sigma", [0, 1, 3, 5])
def test_sensor_noise_is_still(picture, sigma):
    rng = np.random.default_rng(0)
    encoded = encoded_slots(noisy(picture, sigma, rng) for _ in range(60))
    assert encoded.sum() == 1


def test_compression_is_mostly_still(picture):
    av = pytest.importorskip("av")
    rng, file = np.random.default_rng(0), io.BytesIO()
    H, W = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = W, H, "yuv420p"
        # A cheap camera: a key frame a second, a bit and a half for each pixel of it in a second.
        stream.bit_rate, stream.gop_size, stream.options = 3 * H * W // 2, 25, {"preset": "ultrafast"}
        for _ in range(100):
            shown = av.VideoFrame.from_ndarray(noisy(picture[:H, :W], 2, rng), format="bgr24")
            container.mux(stream.encode(shown))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        decoded = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert encoded_slots(decoded[::2]).mean() < 0.25


def test_a_slow_change_of_light_is_encoded_now_and_then(picture):
    rng = np.random.default_rng(0)
    lit = (noisy(picture * np.float32(1 + 0.3 * n / 75), 2, rng) for n in range(75))
    assert 2 <= encoded_slots(lit).sum() <= 25


def test_a_switched_light_is_encoded(picture):
    darker = (picture // 2).astype(np.uint8)
    assert encoded_slots([picture] * 5 + [darker] * 5).nonzero()[0].tolist() == [0, 5]


@pytest.mark.parametrize("sigma", [0, 2])
def test_a_hand_that_moves_a_pixel_a_frame_is_encoded(picture, sigma):
    """What was encoded never shows the hand more than its own width from where it is."""
    rng = np.random.default_rng(0)
    H, W = picture.shape[:2]
    side = max(8, min(H, W) // 24)  # 20 pixels of 480: a hand at three metres
    hand = np.full((side, side, 3), (120, 150, 205), np.uint8)  # skin
    frames, places = [], []
    for n in range(100):
        x, y = W // 2 - 50 + n, H // 2
        shown = picture.copy()
        shown[y : y + side, x : x + side] = hand
        frames.append(noisy(shown, sigma, rng))
        places.append(x)
    encoded = encoded_slots(frames)
    seen = np.array(places)[np.maximum.accumulate(np.where(encoded, np.arange(100), 0))]
    assert np.abs(seen - places).max() < side / 2


@pytest.mark.parametrize("slower", [4, 16])
def test_someone_who_falls_very_slowly_is_encoded(shared, slower):
    """A real fall, stretched in time: no two encoded frames are more than a sixth of a second of the fall apart."""
    with edgevtn.frames(shared / "data" / "gmdcsa24/fall/Subject1_13.mp4") as source:
        fall = [frame for timestamp, frame in source if 1.0 <= timestamp <= 2.0]
    slow = []
    for n in range((len(fall) - 1) * slower):
        k, share = divmod(n, slower)
        slow.append(cv2.addWeighted(fall[k], 1 - share / slower, fall[k + 1], share / slower, 0))
    gaps = np.diff(encoded_slots(slow).nonzero()[0]) / slower
    assert gaps.max() <= len(fall) / 6


def test_a_still_frame_is_encoded_again_after_a_while(picture):
    times = np.arange(0, 3 * LONGEST, 0.5)
    encoded = encoded_slots([picture] * len(times), rate=2)
    assert np.diff(times[encoded]).max() == LONGEST + 0.5


def test_another_size_is_encoded(picture):
    assert encoded_slots([picture, picture, picture[:-8], picture[:-8], picture]).tolist() == [1, 0, 1, 0, 1]


@pytest.fixture
def runs(monkeypatch):
    """Counts encodings."""
    counted, bind = [], Encoder.bind

    def counting(self, pictures):
        encode = bind(self, pictures)
        return lambda: (counted.append(1), encode())[1]

    monkeypatch.setattr(Encoder, "bind", counting)
    return counted


def pausing():
    """Frames that move, stand, and move again; what stands is the same to the bit."""
    moving = moving_frames(30)
    return [*moving[:12], *[moving[12]] * 20, *moving[13:25], *[moving[25]] * 6, *moving[26:]]


def bundles(folder):
    rgb = tiny_facts(name="change", motion="change", projection=True, frame_rate=10.0)
    diff = tiny_facts(name="diff", modality="rgbdiff", frame_rate=10.0, window_len=3)
    near = tiny_facts(name="near", modality="rgbdiff", frame_rate=5.0, window_len=3, difference_interval=0.1)
    slow = tiny_facts(name="slow", frame_rate=4.0, window_len=5)
    linear = tiny_facts(name="linear", kind="linear", statistics=["mean", "change"], frame_rate=10.0)
    picture = tiny_facts(name="picture", modality="rgbdiff", frame_rate=10.0, window_len=3)
    for facts, make in ((rgb, tiny_encoder), (diff, tiny_difference), (near, tiny_difference), (slow, tiny_encoder),
                        (linear, tiny_encoder), (picture, tiny_encoder)):  # fmt: skip
        write_bundle(folder / facts["name"], facts, make().SerializeToString(), random_head(facts))
    return [folder / name for name in ("change", "diff", "near", "slow", "linear", "picture")]


@pytest.mark.parametrize("gap", [None, 22])
def test_every_kind_of_model_answers_as_it_would(tmp_path, runs, gap):
    """Frames that stand are the same to the bit, so the answers have to be the same to the bit as well."""
    places, shown = bundles(tmp_path), list(enumerate(pausing()))
    if gap is not None:
        del shown[gap : gap + 3]  # frames are lost while nothing moves
    got = {}
    for stillness in (True, False):
        recognizer = edgevtn.Recognizer(places, threads=1, stillness=stillness)
        runs.clear()
        got[stillness] = [p for n, frame in shown for p in recognizer.predictions(frame, n / 10)]
        got[stillness, "runs"] = len(runs)
    assert len(got[True]) == len(got[False]) > 100
    for a, b in zip(got[True], got[False], strict=True):
        np.testing.assert_array_equal(a.probabilities, b.probabilities)
        assert (a.model, a.label, a.timestamp) == (b.model, b.label, b.timestamp)
        assert not b.reused
    assert sum(p.reused for p in got[True]) > 40
    assert got[True, "runs"] < got[False, "runs"] - 40


def test_reused_says_for_which_frames_nothing_was_encoded(tmp_path, runs):
    change, diff = bundles(tmp_path)[:2]
    for place, encoded_after_a_move in ((change, 1), (diff, 2)):
        recognizer = edgevtn.Recognizer(place, threads=1, start="repeat")
        frames = pausing()
        reused = []
        for n, frame in enumerate(frames):
            runs.clear()
            prediction = recognizer(frame, n / 10)
            if prediction is not None:
                reused.append(prediction.reused)
                assert prediction.reused == (n > 0 and not runs)  # the first frame alone has no difference
        # Frame 12 begins to stand, for 20 frames; the first of a difference has no prediction.
        begin = 12 - (len(frames) - len(reused))
        assert reused[:begin] == [False] * begin
        assert reused[begin : begin + 20] == [False] * encoded_after_a_move + [True] * (20 - encoded_after_a_move)


def test_models_together_answer_as_alone_where_something_stands(tmp_path):
    rng = np.random.default_rng(0)
    places = bundles(tmp_path)
    shown = [noisy(cv2.resize(frame, (64, 48)), 1, rng) for frame in pausing()]
    got = {}
    together = edgevtn.Recognizer(places, threads=1)
    for n, frame in enumerate(shown):
        for prediction in together.predictions(frame, n / 10):
            got.setdefault(prediction.model, []).append(prediction)
    for place in places:
        alone = edgevtn.Recognizer(place, threads=1)
        expected = list(alone.stream((n / 10, frame) for n, frame in enumerate(shown)))
        assert any(p.reused for p in expected)
        for a, b in zip(got[place.name], expected, strict=True):
            np.testing.assert_array_equal(a.probabilities, b.probabilities)
            assert a.reused == b.reused


def test_reset_forgets_what_was_still(tiny, runs):
    recognizer, frame = edgevtn.Recognizer(tiny, threads=1), moving_frames(1)[0]
    runs.clear()
    for _ in range(2):
        for n in range(5):
            recognizer(frame, n / 10)
        recognizer.reset()
    assert len(runs) == 2
