"""What trained models say of the clips that a student learns from: their logits, kept on disk."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from edgevtn.arrays import Float, Frame
from edgevtn.bundle import load_streams
from edgevtn.datasets import Clip
from edgevtn.errors import ManifestError, require
from edgevtn.recognizer import Recognizer
from edgevtn.sources import frames
from edgevtn.teaching.cache import fingerprint
from edgevtn.training.data.augment import mirrored_label
from edgevtn.training.data.features import Cache, Features
from edgevtn.training.data.windows import Times

#: Probabilities below this say no more than this.
LEAST = 1e-12


class Teacher:
    """One or several trained models, whose logits are averaged; they see clips as they are, through the camera's code.

    Parameters
    ----------
    places : sequence of path
        Bundles of any kind, or published checkpoints (.pth).
    labels : sequence of str
        The student's.
    cache : Path, optional
        Folder that keeps the logits.

    Raises
    ------
    ManifestError
        A teacher's labels are not the student's.
    BundleError, ModelFileError
        A teacher cannot be read.
    """

    def __init__(self, places: Sequence[str | Path], labels: Sequence[str], cache: Path | None = None) -> None:
        self._labels = list(labels)
        self._cache = Cache(cache)
        self._recognizers = []
        self._digest = hashlib.sha256()
        for place in places:
            recognizer, facts = open_teacher(Path(place))
            strange = sorted(set(labels) ^ set(recognizer.model.labels))
            if strange:
                raise ManifestError(
                    f"{place}: a teacher must know the labels of the clips and no others; these are not in both: "
                    f"{', '.join(strange[:5])}"
                )
            self._recognizers.append(recognizer)
            self._digest.update(facts.encode())

    def clip(self, clip: Clip, views: Sequence[Features]) -> list[Float]:
        """Logits (N, K) for each view of a clip, of the windows that end at each of its frames."""
        content = fingerprint(clip.path)

        def compute() -> dict[str, Float]:
            return {"logits": self.watch(clip.path, views[0].times)}

        logits = self._cache.get(f"{self._digest.hexdigest()} {content} {len(views[0].times)}", compute)["logits"]
        return [self._mirrored(logits) if view.label != clip.label else logits for view in views]

    def watch(self, moments: Path | Sequence[tuple[float, Frame]], times: Times) -> Float:
        """Logits (N, K) for N times of a file or of frames: of each time the last that was said before it."""
        total = np.zeros((len(times), len(self._labels)), np.float32)
        for recognizer in self._recognizers:
            recognizer.reset()
            with frames(moments) as source:  # read anew by each, and never whole in memory
                predictions = list(recognizer.stream(source))
            order = [recognizer.model.labels.index(label) for label in self._labels]
            logits = np.log(np.stack([p.probabilities for p in predictions])[:, order] + LEAST)
            last = np.searchsorted([p.timestamp for p in predictions], times, side="right") - 1
            total += logits[np.maximum(last, 0)]
        return total / np.float32(len(self._recognizers))

    def _mirrored(self, logits: Float) -> Float:
        names = [mirrored_label(label, self._labels) or label for label in self._labels]
        return logits[:, [self._labels.index(name) for name in names]]


def open_teacher(place: Path) -> tuple[Recognizer, str]:
    """A recogniser of a bundle, or of a checkpoint; and what identifies it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = place
        if not place.is_dir():
            require("onnx", "import")
            from edgevtn.importing import import_files

            folder = import_files([place], Path(temporary) / "teacher")
        facts = repr([stream.model for stream in load_streams(folder)])  # checksums of their files are among them
        return Recognizer(folder, start="repeat"), facts


def taught(
    teacher: Teacher, clips: Sequence[Clip], views: Sequence[Features], drawn: Iterable[tuple[str, list[Frame]]]
) -> list[Float]:
    """A teacher's logits for all features: first the views of each clip, as many of each, then those of drawn clips."""
    drawn = list(drawn)
    per_clip = (len(views) - len(drawn)) // len(clips)
    bar = require("tqdm", "training").tqdm(clips, "asking teachers", unit="clip")
    result = []
    for n, clip in enumerate(bar):
        result += teacher.clip(clip, views[n * per_clip : (n + 1) * per_clip])
    for (_, decoded), view in zip(drawn, views[len(clips) * per_clip :], strict=True):
        result.append(teacher.watch(list(zip(view.times.tolist(), decoded, strict=True)), view.times))
    return result
