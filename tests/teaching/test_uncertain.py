"""Clips that were kept because a model hesitated go into teaching it, once a person has moved them to their label."""

import shutil
import warnings

import pytest

from edgevtn import Recognizer, frames, watch
from edgevtn.cli.main import main
from edgevtn.prediction import Prediction
from edgevtn.teaching import Taught
from edgevtn.training.data.figure import Look, clip

pytest.importorskip("av")

from edgevtn.sinks.uncertain import Uncertain


class Hesitant:
    """Passes on what a model says as if it had been torn between two labels."""

    def __init__(self, sink):
        self._sink = sink
        self.frame, self.close = sink.frame, sink.close

    def prediction(self, told):
        values = told.probabilities * 0 + 0.5 / (len(told.labels) - 2)
        values[:2] = 0.25
        self._sink.prediction(Prediction(told.model, "x", 0.25, values, told.timestamp, told.window_start, told.labels))


def test_kept_clips_are_taught(taught, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "cache"))
    taught.save(tmp_path / "mine")
    figure = clip("wave2", 4.0, Look(seed=5, shirt=(10, 90, 200)), size=(160, 120))
    shown = [(n / 25, frame) for n, frame in enumerate(figure)]
    recognizer = Recognizer(tmp_path / "mine", threads=1)
    doubts, labelled = tmp_path / "doubts", tmp_path / "labelled" / "wave2"
    list(watch(shown, recognizer=recognizer, sinks=[Hesitant(Uncertain(doubts))]))
    (file,) = doubts.iterdir()
    with frames(file) as source:
        count = sum(1 for _ in source)
    assert count > 3 * 12
    # What a person does.
    labelled.mkdir(parents=True)
    shutil.move(file, labelled)
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # the command prints them
        assert main(["teach", str(tmp_path / "labelled"), "--add-to", str(tmp_path / "mine")]) == 0
    assert "wave2" in capsys.readouterr().out
    with pytest.warns(RuntimeWarning, match="one take alone of wave2"):
        again = Taught.load(tmp_path / "mine")
    assert again.labels == ("bend", "jack", "wave1", "wave2", "nothing", "unknown")
    assert again.report.clips == {"bend": 3, "jack": 3, "wave1": 3, "wave2": 1}
    # The clip is what the model saw: taught by it, the model knows the scene that it was cut of.
    found = list(Recognizer(tmp_path / "mine", threads=1).stream(shown))
    assert sum(prediction.label == "wave2" for prediction in found) > len(found) / 2
