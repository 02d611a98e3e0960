"""Features of clips under a frozen encoder, computed once, with their augmentations, and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from edgevtn._errors import require
from edgevtn._manifest import Clip
from edgevtn._sources import frames
from edgevtn.kernels.prepare import Prepare

Frame = npt.NDArray[np.uint8]
Half = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Features:
    """One clip as its encoder saw it: (N, W) features and the N frames' times, seconds."""

    values: Half
    times: npt.NDArray[np.float64]
    label: str
    fold: str | None


def jitter(rng: np.random.Generator) -> Callable[[Frame], Frame]:
    """A random change of view and light, the same for every frame of a clip.

    Mirrored or not, shifted and scaled by up to a tenth, brighter or darker, its colours turned, sharper or
    more blurred: what differs between one camera and the next.
    """
    mirror = rng.random() < 0.5
    scale, shift = rng.uniform(0.9, 1.12), rng.uniform(-0.08, 0.08, 2)
    gain, offset = rng.uniform(0.75, 1.25), rng.uniform(-20, 20)
    tint = rng.uniform(0.92, 1.08, 3)
    blur = rng.uniform(0, 0.9)

    def apply(frame: Frame) -> Frame:
        H, W = frame.shape[:2]
        turn = np.array([[scale, 0, W * ((1 - scale) / 2 + shift[0])], [0, scale, H * ((1 - scale) / 2 + shift[1])]])
        moved = cv2.warpAffine(frame, turn, (W, H), borderMode=cv2.BORDER_REPLICATE)
        if blur > 0.3:
            moved = cv2.GaussianBlur(moved, (0, 0), blur * min(H, W) / 64)
        if mirror:
            moved = moved[:, ::-1]
        return np.clip(moved * (gain * tint) + offset, 0, 255).astype(np.uint8)

    return apply


class Extractor:
    """Runs a frozen encoder over clips; results are cached by the encoder's and the clip's contents.

    Parameters
    ----------
    encoder : onnx.ModelProto
        uint8 (1, 3, S, S) -> float32 (1, W).
    cache : Path, optional
        Folder for the results.
    """

    def __init__(self, encoder: onnx.ModelProto, cache: Path | None = None) -> None:
        content = encoder.SerializeToString()
        self._session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        self._digest = hashlib.sha256(content).hexdigest()
        self._cache = cache
        shape = self._session.get_inputs()[0].shape  # planes, or planes by 2x2 blocks
        self._prepare = Prepare(shape[2] if shape[1] == 3 else 2 * shape[2])
        self._pixels = np.empty(shape, np.uint8)

    def encode(self, decoded: Sequence[Frame], change: Callable[[Frame], Frame] | None = None) -> Half:
        """Features (N, W) of N frames."""
        rows = []
        for frame in decoded:
            view = frame if change is None else change(frame)
            self._prepare(np.ascontiguousarray(view), self._pixels)
            rows.append(self._session.run(None, {"pixels": self._pixels})[0][0].astype(np.float16))
        return np.stack(rows)

    def cached(self, key: str, compute: Callable[[], dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
        """What `compute` gives, from the cache where it is there; `key` is all that it depends on."""
        if self._cache is None:
            return compute()
        file = self._cache / f"{hashlib.sha256(f'{self._digest} {key}'.encode()).hexdigest()}.npz"
        if file.exists():
            with np.load(file, allow_pickle=False) as stored:
                return dict(stored)
        arrays = compute()
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".part.npz")
        np.savez(beside, **arrays)  # type: ignore[arg-type]
        beside.replace(file)
        return arrays

    def clip(self, clip: Clip, variants: int, seed: int) -> list[Features]:
        """A clip as it is, and `variants` times jittered."""

        def compute() -> dict[str, npt.NDArray[Any]]:
            with frames(clip.path) as source:
                moments = list(source)
            decoded = [frame for _, frame in moments]
            rng = np.random.default_rng(seed)
            views = [self.encode(decoded)] + [self.encode(decoded, jitter(rng)) for _ in range(variants)]
            return {"values": np.stack(views), "times": np.array([timestamp for timestamp, _ in moments])}

        content = hashlib.sha256(clip.path.read_bytes()).hexdigest()
        stored = self.cached(f"{content} {variants} {seed}", compute)
        return [Features(values, stored["times"], clip.label, clip.fold) for values in stored["values"]]

    def clips(self, clips: Sequence[Clip], variants: int, seed: int = 0) -> list[Features]:
        """All clips, each as it is and `variants` times jittered, with a progress bar."""
        bar: Any = require("tqdm", "training").tqdm(clips, "encoding clips", unit="clip")
        return [features for n, clip in enumerate(bar) for features in self.clip(clip, variants, seed + n)]
