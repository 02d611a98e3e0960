"""How unlike the training a frame is: against plain NumPy, on disk, and on scenes that are known and unknown."""

import hashlib
import json

import numpy as np
import pytest
from tiny import moving_frames, random_head, tiny_encoder, tiny_facts

import edgevtn
from edgevtn import BundleError
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.cli.demo import CLIP
from edgevtn.novelty import LEAST_SPREAD, QUANTILE, Novelty, doubt, measure

W = 12


def clips(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(3 * rng.random(W), 1 + rng.random(W), (n, W)).astype(np.float32) for n in (5, 1, 9, 1400)]


def distance(rows, others):
    """Mean squared distance in standard deviations, by NumPy's own."""
    spread = others.std(axis=0)
    return (((rows - others.mean(axis=0)) / np.maximum(spread, LEAST_SPREAD * spread.mean())) ** 2).mean(axis=1)


def test_it_is_the_distance_from_the_other_clips():
    given = clips()
    known = measure(given)
    every = np.concatenate(given)
    apart = [
        distance(clip, np.concatenate([other for m, other in enumerate(given) if m != n]))
        for n, clip in enumerate(given)
    ]
    limit = np.quantile(np.concatenate(apart), QUANTILE)
    assert known.limit == pytest.approx(limit, rel=1e-5)
    assert [known(row) for row in every] == pytest.approx(distance(every, every) / limit, rel=1e-4)


def test_what_is_left_out_together_is_no_part_of_what_it_is_compared_with():
    given, group_of = clips(), [7, 3, 7, 0]
    apart = []
    for clip, group in zip(given, group_of, strict=True):
        others = [other for other, of in zip(given, group_of, strict=True) if of != group]
        apart.append(distance(clip, np.concatenate(others)))
    known = measure(given, group_of)
    assert known.limit == pytest.approx(np.quantile(np.concatenate(apart), QUANTILE), rel=1e-5)
    np.testing.assert_array_equal(known.mean, measure(given).mean)
    assert measure(given, [7] * 4).limit == measure(given).limit  # nothing would be left to compare with


@pytest.mark.parametrize(("novelty", "expected"), [([], 1), ([0.3, 0.9], 1), ([0.5, 3.5], 2), ([9.0], 9)])
def test_doubt_is_the_squared_distance_beyond_the_limit(novelty, expected):
    assert doubt(novelty) == pytest.approx(expected)


def test_a_taught_model_is_less_sure_of_what_is_unlike_its_training(tmp_path):
    """Its labels' probabilities are those without novelty over the squared distance; other models' stay as they are."""
    facts = tiny_facts()
    own = {"kind": "linear", "window_len": 3, "statistics": ["mean"], "features": "raw"}
    linear = facts | {"head": own}
    rng, width, K = np.random.default_rng(3), facts["encoder"]["width"], len(facts["labels"])
    arrays = {"w_classes": rng.normal(0, 3, (width, K)), "b_classes": np.zeros(K)}
    arrays = {name: values.astype(np.float32) for name, values in arrays.items()}
    encoder, pairs = tiny_encoder().SerializeToString(), [(n / 10, frame) for n, frame in enumerate(moving_frames(10))]

    def predictions(name, temperature, known):
        place = tmp_path / name
        write_bundle(place, linear | {"head": own | {"temperature": temperature}}, encoder, arrays, novelty=known)
        return list(edgevtn.Recognizer(place, start="repeat").stream(pairs))

    far = Novelty(np.zeros(width, np.float32), np.full(width, 1e-3, np.float32), 1.0)
    taught, plain = predictions("taught", 0.2, far), predictions("plain", 0.2, None)
    for doubting, sure in zip(taught, plain, strict=True):
        assert doubting.novelty > 1
        expected = sure.probabilities[:-1] / doubting.novelty
        np.testing.assert_allclose(doubting.probabilities[:-1], expected, rtol=1e-4, atol=1e-7)
        assert doubting.probabilities.sum() == pytest.approx(1)
    for trained, same in zip(predictions("trained", 0, far), predictions("without", 0, None), strict=True):
        np.testing.assert_array_equal(trained.probabilities, same.probabilities)


def test_a_feature_that_hardly_differs_drowns_no_other():
    rows = np.random.default_rng(0).normal(0, 1, (50, W)).astype(np.float32)
    rows[:, 0] = 2.0
    known = measure([rows[:25], rows[25:]])
    far = np.zeros(W, np.float32)
    far[0] = 2.1
    assert known(far) < 1


def test_one_clip_is_compared_with_itself_and_one_frame_with_nothing():
    (rows,) = clips()[3:]
    assert measure([rows]).limit == pytest.approx(np.quantile(distance(rows, rows), QUANTILE), rel=1e-5)
    assert measure([rows[:1]]) is None
    assert measure([np.zeros((3, W), np.float32)])(np.ones(W, np.float32)) > 1


def novelty(width, seed=0):
    return measure([np.random.default_rng(seed).normal(0, 1, (20, width)).astype(np.float32) for _ in range(3)])


@pytest.fixture
def knowing(tmp_path):
    """A bundle that says what its training was like."""
    facts = tiny_facts()
    width = facts["encoder"]["width"]
    write_bundle(
        tmp_path / "knowing", facts, tiny_encoder().SerializeToString(), random_head(facts), novelty=novelty(width)
    )
    return tmp_path / "knowing"


def test_a_bundle_keeps_it(knowing, tiny):
    width = tiny_facts()["encoder"]["width"]
    found, made = load_bundle(knowing).novelty, novelty(width)
    np.testing.assert_array_equal(found.mean, made.mean)
    np.testing.assert_array_equal(found.spread, made.spread)
    assert found.limit == pytest.approx(made.limit, rel=1e-6)
    assert load_bundle(tiny).novelty is None
    pairs = [(n / 10, frame) for n, frame in enumerate(moving_frames(10))]
    knows = list(edgevtn.Recognizer(knowing, start="repeat").stream(pairs))
    assert all(prediction.novelty > 0 for prediction in knows)
    without = list(edgevtn.Recognizer(tiny, start="repeat").stream(pairs))
    assert [prediction.novelty for prediction in without] == [None] * len(knows)


def replace(bundle, arrays, signed=True):
    np.savez(bundle / "novelty.npz", **arrays)
    if signed:
        facts = json.loads((bundle / "model.json").read_text())
        facts["sha256"]["novelty.npz"] = hashlib.sha256((bundle / "novelty.npz").read_bytes()).hexdigest()
        (bundle / "model.json").write_text(json.dumps(facts))


def test_what_is_wrong_with_it_is_told(knowing):
    right = load_bundle(knowing).novelty.arrays()
    for name, wrong in {
        "spread must be": {"spread": right["spread"][:-1]},
        "not finite": {"mean": np.full_like(right["mean"], np.nan)},
        "every spread and the limit": {"spread": np.zeros_like(right["spread"])},
        "limit must be above 0": {"limit": np.zeros(1, np.float32)},
        "unknown": {"code": np.zeros(1, np.float32)},
    }.items():
        replace(knowing, right | wrong)
        with pytest.raises(BundleError, match=name):
            load_bundle(knowing)
    replace(knowing, right)
    load_bundle(knowing)
    replace(knowing, right | {"limit": right["limit"] * 2}, signed=False)
    with pytest.raises(BundleError, match="checksum"):
        load_bundle(knowing)
    (knowing / "novelty.npz").unlink()
    with pytest.raises(BundleError, match="novelty.npz: missing"):
        load_bundle(knowing)


def of(source, model=None):
    return np.median([prediction.novelty for prediction in edgevtn.Recognizer(model).stream(source)])


def test_the_bundled_model_knows_its_own_scenes_from_others(shared):
    with edgevtn.frames(CLIP) as source:
        assert of(source) < 0.5
    for file in ("clips/mmaction2_demo.mp4", "gmdcsa24/fall/Subject4_01.mp4"):
        with edgevtn.frames(shared / "data" / file) as source:
            assert of(source) > 2


def test_a_taught_model_knows_its_room(shared, tmp_path):
    from edgevtn.cli.people import ASKED, parts, teach_people

    teach_people(tmp_path / "falls", None)
    with edgevtn.frames(parts(ASKED)[0].clip) as source:
        own = of(source, tmp_path / "falls")
    with edgevtn.frames(shared / "data" / "gmdcsa24" / "fall" / "Subject4_01.mp4") as source:
        other = of(source, tmp_path / "falls")
    assert own < 1 < other


def test_it_is_a_small_part_of_a_bundle():
    assert isinstance(load_bundle().novelty, Novelty)
    assert (load_bundle().path / "novelty.npz").stat().st_size < 12_000
