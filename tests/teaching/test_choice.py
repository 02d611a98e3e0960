"""The choice, the material of nothing, and the head's fact, on features that are made up."""

from pathlib import Path

import numpy as np
import pytest

from edgevtn.errors import BundleError
from edgevtn.heads.linear import LinearFacts, rooted
from edgevtn.teaching.choose import SETS, Candidate, candidates, cheapest, choose, corrected
from edgevtn.teaching.nothing import MOST_PIECES, made, pieces
from edgevtn.teaching.ridge import balanced
from edgevtn.teaching.windows import Measure, columns, windows

W = 24


def clips_of(kind, n=24, seed=0):
    """Clips of two classes that differ in how fast they change, or in nothing."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 2
    clips = []
    for k in classes:
        phase = np.cumsum(rng.uniform(0.5, 1.5, (40, W)) * (2.2 if k and kind == "speed" else 0.5), axis=0)
        clips.append((np.sin(phase) + rng.normal(0, 0.1, (1, W)) + 3).astype(np.float32))
    groups = [np.flatnonzero(np.arange(n) // 4 == g) for g in range(n // 4)]
    return clips, classes, groups


def test_what_tells_classes_apart_is_chosen():
    clips, classes, groups = clips_of("speed")
    among = [Candidate(names, 12.5, 16, 224) for names in SETS]
    tried = choose(clips, classes, groups, 12.5, among)
    weights = balanced(classes, np.ones(len(classes)))
    chosen = cheapest(tried, weights, groups)
    assert "change" in chosen.candidate.statistics
    assert chosen.accuracy == pytest.approx(1)
    assert chosen.recognised.all()
    assert corrected(tried, classes, groups) > 0.9


def test_chance_is_not_taken_for_skill():
    clips, classes, groups = clips_of("nothing", 40, seed=3)
    tried = choose(clips, classes, groups, 12.5, candidates([3.2] * 40, 224))
    best = max(tried, key=lambda entry: entry.accuracy)
    assert best.accuracy > 0.55
    assert corrected(tried, classes, groups) < best.accuracy


def test_of_equals_the_cheapest_is_taken():
    clips, classes, groups = clips_of("speed")
    among = [Candidate(("spread", "change"), 12.5, 16, 224), Candidate(("mean", "spread", "change"), 12.5, 16, 224)]
    tried = choose(clips, classes, groups, 12.5, [*among, among[0]])
    chosen = cheapest(tried, balanced(classes, np.ones(len(classes))), groups)
    assert chosen.candidate == among[0]
    assert Candidate(("mean",), 6.25, 16, 224).cost < Candidate(("mean",), 12.5, 32, 224).cost
    assert Candidate(("mean",), 12.5, 16, 128).cost < Candidate(("mean",), 12.5, 16, 224).cost


def test_windows_are_as_long_as_half_of_the_clips():
    lengths = {candidate.seconds for candidate in candidates([1.0, 2.6, 2.7, 9.0, 9.0], 224)}
    assert lengths == {1.28, 2.56}
    assert {candidate.seconds for candidate in candidates([0.5], 224)} == {1.28}


def test_windows_are_those_of_a_stream():
    rows = np.arange(10, dtype=np.float32)[:, None]
    assert windows(rows, 4)[..., 0].tolist() == [[n, n + 1, n + 2, n + 3] for n in range(7)]
    assert windows(rows[:2], 4)[..., 0].tolist() == [[0, 0, 0, 1]]


def test_a_clips_row_is_the_mean_of_its_windows():
    (clip, *_), _, _ = clips_of("speed")
    measure = Measure(16, W)
    every = measure.some(clip, 1000)
    assert len(every) == 25
    np.testing.assert_allclose(measure.clip(clip), every.mean(axis=0), rtol=1e-5, atol=1e-6)
    assert len(measure.some(clip, 3)) == 3
    assert len(columns(("mean", "segments"), W)) == 4 * W


def test_a_camera_may_begin_at_any_frame():
    """At a lower rate every row of a clip is seen, wherever the first window begins."""
    (clip, *_), _, _ = clips_of("speed")
    measure = Measure(8, W)
    means = [measure.some(clip[first::4], 1000).mean(axis=0) for first in range(4)]
    np.testing.assert_allclose(measure.clip(clip, 4), np.mean(means, axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(measure.clip(clip[:2], 4), measure.clip(clip[:2], 2), rtol=1e-6)  # as many as there are


def test_made_material_is_still_or_turns():
    clips, classes, _ = clips_of("speed", 8)
    group_of = np.arange(8) // 4
    measure = Measure(16, W)
    rows, groups = made(("still", "turn"), clips, classes, group_of, measure, 16)
    assert rows.shape == (24, 8 * W)
    np.testing.assert_array_equal(groups, np.repeat(group_of, 3))
    stills = rows.reshape(8, 3, -1)[:, :2]
    assert not stills[..., W : 3 * W].any()  # neither spread nor change
    np.testing.assert_allclose(stills[0, 0, :W], clips[0][0], rtol=1e-6)
    again, _ = made(("still", "turn"), clips, classes, group_of, measure, 16)
    np.testing.assert_array_equal(rows, again)
    assert len(made((), clips, classes, group_of, measure, 16)[0]) == 0


def test_a_long_clip_of_nothing_is_thinned():
    parts = pieces(np.zeros((12500, W), np.float32), 12.5)
    assert len(parts) == MOST_PIECES
    assert len(pieces(np.zeros((5, W), np.float32), 12.5)) == 1


def test_roots_are_a_fact_of_the_head():
    facts = LinearFacts.read({"window_len": 4, "statistics": ["mean", "change"]}, W, 3, "a test")
    assert facts.features == "raw"
    own = {name: value for name, value in facts.to_dict().items() if name != "kind"}
    root = LinearFacts.read(own | {"features": "root"}, W, 3, "a test")
    assert "square roots" in root.describe()
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in facts.shapes().items()}
    shown = rng.standard_normal((6, 1, W)).astype(np.float32)
    raw, rooting = (f.build(arrays, Path("a test"), "auto") for f in (facts, root))
    for row in shown:
        raw.push(np.sign(row) * np.sqrt(np.abs(row)))
        rooting.push(row)
    np.testing.assert_allclose(rooting(), raw(), rtol=1e-6)
    np.testing.assert_allclose(rooted(np.float32([-4, 0, 9])), [-2, 0, 3])
    with pytest.raises(BundleError, match="features must be 'raw' or 'root'"):
        LinearFacts.read(own | {"features": "cube"}, W, 3, "a test")
