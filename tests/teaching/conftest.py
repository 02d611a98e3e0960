"""Drawn clips of three actions by three figures, encoded once."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from edgevtn.teaching import Example, FeatureCache, Taught, teach
from edgevtn.training.data.figure import Look, clip

LABELS = ("bend", "jack", "wave1")


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of clips for each label, named by who is seen."""
    folder = tmp_path_factory.mktemp("taught")
    for label in LABELS:
        (folder / label).mkdir()
        for n, who in enumerate(("ann", "bob", "cleo")):
            file = folder / label / f"{who}_{label}.avi"
            writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
            for frame in clip(label, 1.5, Look(seed=n, shirt=(40 + 90 * n, 60, 160)), size=(160, 120)):
                writer.write(frame)
            writer.release()
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    return FeatureCache(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="session")
def examples(videos: Path) -> list[Example]:
    return [Example(file, file.parent.name) for file in sorted(videos.glob("*/*.avi"))]


@pytest.fixture(scope="session")
def taught(examples: list[Example], cache: FeatureCache) -> Taught:
    return teach(examples, cache=cache, threads=1)
