"""Predictions of four models on ten clips: those of imported ones as the code of the first format gave them."""

from pathlib import Path

import numpy as np
import pytest

import edgevtn

GOLDEN = Path(__file__).parents[1] / "data" / "predictions.npz"
VTN = "mobilenetv2_vtn_d128_ln.pth"
#: Files below the shared folder's golden/ that each model is imported from; none: the bundled one.
MODELS = {
    "bundled": (),
    "golden": (VTN,),
    "two-stream": (VTN, "mobilenetv2_vtn_rgbdiff_d128_ln.pth"),
    "ir": ("openvino_ir/encoder.xml", "openvino_ir/decoder_ln.xml"),
}
#: Seconds of each clip.
LENGTH = 2.0


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_what_they_were(name, shared, demo_clip, tmp_path):
    place = None
    if MODELS[name]:
        pytest.importorskip("openvino" if name == "ir" else "torch")
        from edgevtn.importing import import_files

        place = import_files([shared / "golden" / file for file in MODELS[name]], tmp_path / "bundle")
    # Every frame encoded: what is still enough not to be is another test's.
    recognizer = edgevtn.Recognizer(place, threads=1, precision="fp32", start="repeat", stillness=False)
    with np.load(GOLDEN) as golden:
        assert len(golden["clips"]) == 10
        for n, clip in enumerate(golden["clips"]):
            recognizer.reset()
            with edgevtn.frames(demo_clip if clip == "demo" else shared / "data" / str(clip)) as source:
                shown = ((timestamp, frame) for timestamp, frame in source if timestamp <= LENGTH)
                got = list(recognizer.stream(shown))
            assert [prediction.timestamp for prediction in got] == golden[f"{name}/{n}/times"].tolist()
            assert [prediction.label for prediction in got] == golden[f"{name}/{n}/labels"].tolist()
            probabilities = np.stack([prediction.probabilities for prediction in got])
            np.testing.assert_allclose(probabilities, golden[f"{name}/{n}/probabilities"], atol=1e-5)
