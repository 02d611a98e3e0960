"""What becomes of embeddings that are not pushed as they are: motion input. (Differences: tests/test_import.py.)"""

import numpy as np
import pytest
from tiny import SIZE, WIDTH, moving_frames, random_decoder, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle.write import write_bundle
from edgevtn.kernels import reference
from edgevtn.networks import project
from edgevtn.streams.stream import Stream


@pytest.fixture
def motion(tmp_path):
    """A bundle whose encoder gives [u, v], and the two matrices."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((WIDTH, 2 * WIDTH)).astype(np.float32) * WIDTH**-0.5
    facts = tiny_facts(motion=True)
    encoder = project(tiny_encoder(), w, np.zeros(2 * WIDTH, np.float32)).SerializeToString()
    write_bundle(tmp_path / "motion", facts, encoder, random_decoder(facts))
    return tmp_path / "motion"


def frames(count):
    return [np.ascontiguousarray(f[:SIZE, :SIZE].transpose(2, 0, 1))[None] for f in moving_frames(count)]


def run(stream, pixels, skipped=()):
    outputs = []
    for n, frame in enumerate(pixels):
        stream.pixels[...] = frame
        stream.push(skipped=1 if n in skipped else 0)
        outputs.append(stream._encoder.embedding[0].copy())
    return np.array(outputs)


def expected(bundle, rows):
    model = bundle.model
    return reference.vtn(rows, bundle.decoder, model.heads, model.attention_scale, True)


def test_the_window_takes_the_new_less_the_old(motion):
    bundle = edgevtn.load_bundle(motion)
    stream = Stream(bundle, 1, False)
    u, v = np.split(run(stream, frames(7)), 2, axis=1)
    np.testing.assert_allclose(stream(), expected(bundle, (u[1:] - v[:-1])[-4:]), rtol=1e-4, atol=1e-4)


def test_the_first_frame_has_not_moved(motion):
    bundle = edgevtn.load_bundle(motion)
    stream = Stream(bundle, 1, False)
    u, v = np.split(run(stream, frames(4)), 2, axis=1)
    rows = u - np.concatenate([v[:1], v[:-1]])
    np.testing.assert_allclose(stream(), expected(bundle, rows), rtol=1e-4, atol=1e-4)
    stream.clear()
    run(stream, frames(4))
    np.testing.assert_allclose(stream(), expected(bundle, rows), rtol=1e-4, atol=1e-4)


def test_a_repeated_frame_has_not_moved(motion):
    """The same as if the frame had come twice."""
    bundle = edgevtn.load_bundle(motion)
    one, two = Stream(bundle, 1, False), Stream(bundle, 1, False)
    pixels = frames(4)
    run(one, pixels, skipped={3})
    run(two, [*pixels[:3], pixels[2], pixels[3]])
    np.testing.assert_allclose(one(), two(), rtol=1e-5, atol=1e-5)


def test_a_recogniser_with_motion_input(motion):
    recognizer = edgevtn.Recognizer(motion, start="repeat")
    said = list(recognizer.stream((n / 10, frame) for n, frame in enumerate(moving_frames(12))))
    assert len(said) == 12
    recognizer.reset()
    again = list(recognizer.stream((n / 10, frame) for n, frame in enumerate(moving_frames(12))))
    np.testing.assert_array_equal(said[-1].probabilities, again[-1].probabilities)
