"""The bundled model on real people, through the camera path.

The model was trained on these clips, so this guards the runtime (a wrong colour order, resize or clock costs far
more than the margin), not the claim of accuracy: that is cross-validated, by the command in the README.
"""

import edgevtn
from edgevtn.bundle import load_bundle
from edgevtn.datasets import evaluate, read_manifest


def test_bundled_model_on_its_training_clips(shared):
    clips = read_manifest(shared / "data" / "weizmann64")
    result = evaluate(edgevtn.Recognizer(start="repeat"), clips)
    assert result.confusion.sum() == 83
    assert result.accuracy >= 0.97


def test_the_card_states_a_cross_validated_figure():
    accuracy = load_bundle().model.accuracy
    assert "leave one" in accuracy["protocol"]
    assert accuracy["clips"] == 83
    assert accuracy["accuracy"] >= 0.96
