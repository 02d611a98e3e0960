"""Features of clips under a frozen encoder, computed once, with their augmentations, and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from edgevtn.archive import read_arrays
from edgevtn.arrays import Array, Frame, Half, Pixels
from edgevtn.cpu import default_threads
from edgevtn.datasets import Clip
from edgevtn.errors import require
from edgevtn.files import replacing
from edgevtn.kernels.difference import difference
from edgevtn.kernels.prepare import Prepare
from edgevtn.reading import read_regular
from edgevtn.teaching.cache import fingerprint
from edgevtn.training.data.augment import mirrored_label, random_change
from edgevtn.training.data.clip import ClipFrames
from edgevtn.training.data.windows import Rows, Times, before, nearest

#: Frames kept for each slot of the model: a window of another phase or speed finds one near enough.
FRAMES_A_SLOT = 4


@dataclass(frozen=True)
class Features:
    """One clip as its encoder saw it: (N, W) features and the N frames' times, seconds."""

    values: Half
    times: Times
    label: str
    fold: str | None


#: Bytes of a clip's features: days of them, and below what an archive may have.
LARGEST = 2**32 - 1


class Cache:
    """Arrays on disk, by what they depend on; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str, compute: Callable[[], dict[str, Array]]) -> dict[str, Array]:
        """What `compute` gives, from the folder where it is there; `key` is all that it depends on."""
        if self._folder is None:
            return compute()
        file = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.npz"
        with suppress(OSError, ValueError):  # not there, or damaged: computed again
            return read_arrays(read_regular(file, LARGEST))
        arrays = compute()
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as part:
            np.savez(part, **arrays)  # type: ignore[arg-type]
        return arrays


class Extractor:
    """Runs a frozen encoder over clips; results are cached by the encoder's and the clip's contents.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 (1, 3, S, S) or by 2x2 blocks -> float32 (1, W).
    cache : Path, optional
        Folder for the results.
    difference_interval : float, optional
        Seconds: the encoder is one of the picture of the difference of two frames so far apart; see
        `edgevtn.calibration`.
    """

    def __init__(
        self, encoder: onnx.ModelProto, cache: Path | None = None, difference_interval: float | None = None
    ) -> None:
        content = encoder.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = default_threads()  # onnxruntime's own choice counts cores that are not ours
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._digest = hashlib.sha256(content).hexdigest()
        self._cache = Cache(cache)
        self._difference_interval = difference_interval
        entry = self._session.get_inputs()[0]
        self._entry, self._shape = entry.name, entry.shape  # planes, or planes by 2x2 blocks
        self._prepare = Prepare(entry.shape[2] if entry.shape[1] == 3 else 2 * entry.shape[2])

    def encode(
        self, decoded: Sequence[Frame], times: Times, rows: Rows, change: Callable[[Frame], Frame] | None = None
    ) -> Half:
        """Features (N, W) of N frames of a clip, given as rows (N,) of all its frames."""
        older = None if self._difference_interval is None else before(times, self._difference_interval)
        pixels: dict[int, Pixels] = {}

        def picture(n: int) -> Pixels:
            if n not in pixels:
                pixels[n] = np.empty(self._shape, np.uint8)
                self._prepare(np.ascontiguousarray(decoded[n] if change is None else change(decoded[n])), pixels[n])
            return pixels[n]

        features = []
        for n in rows:
            first = n if older is None else older[n]
            for gone in [m for m in pixels if m < first]:
                del pixels[gone]
            seen = picture(n) if older is None else difference(picture(n), picture(first))
            features.append(self._session.run(None, {self._entry: seen})[0][0].astype(np.float16))
        return np.stack(features)

    def kept(self, content: str, decoded: Sequence[Frame], times: Times) -> Half:
        """`encode` of all frames, from the cache where it is there; `content` identifies them."""
        key = f"{self._digest} {content} {self._difference_interval}"
        return self._cache.get(key, lambda: {"values": self.encode(decoded, times, np.arange(len(times)))})["values"]

    def clip(self, clip: Clip, labels: Sequence[str], variants: int, step: float, seed: int) -> list[Features]:
        """A clip as it is, and changed at random `variants` times; `step` is the model's slot, seconds."""

        other = mirrored_label(clip.label, labels)

        def compute() -> dict[str, Array]:
            with ClipFrames(clip.path) as decoded:
                times = decoded.times
                rows = thinned(times, step)
                rng = np.random.default_rng(seed)
                mirrored = np.zeros(1 + variants, bool)
                views = [self.encode(decoded, times, rows)]
                for n in range(variants):
                    mirrored[n + 1] = rng.random() < 0.5 and other is not None
                    change = random_change(decoded, rng, mirror=bool(mirrored[n + 1]))
                    views.append(self.encode(decoded, times, rows, change))
            return {"values": np.stack(views), "times": times[rows], "mirrored": mirrored}

        content = fingerprint(clip.path)
        stored = self._cache.get(
            f"{self._digest} {content} {variants} {seed} {step} {self._difference_interval} {other is None}", compute
        )
        return [
            Features(values, stored["times"], str(other) if mirrored else clip.label, clip.fold)
            for values, mirrored in zip(stored["values"], stored["mirrored"], strict=True)
        ]

    def clips(
        self, clips: Sequence[Clip], labels: Sequence[str], variants: int, step: float, seed: int = 0
    ) -> list[Features]:
        """All clips, each as it is and `variants` times changed, with a progress bar."""
        bar: Any = require("tqdm", "training").tqdm(clips, "encoding clips", unit="clip")
        return [view for n, clip in enumerate(bar) for view in self.clip(clip, labels, variants, step, seed + n)]


def thinned(times: Times, step: float) -> Rows:
    """Rows of a clip's frames, so many that each slot of `step` seconds has `FRAMES_A_SLOT` of them."""
    count = int((times[-1] - times[0]) / step * FRAMES_A_SLOT + 0.5) + 1
    return np.unique(nearest(times, times[0] + np.arange(count) * step / FRAMES_A_SLOT))
