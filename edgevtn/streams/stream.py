"""One stream: the encoder and the decoder of a modality, and what a missing frame means to it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn.bundle.load import Bundle
from edgevtn.encoder import Encoder
from edgevtn.heads.onnx import OnnxDecoder
from edgevtn.heads.vtn import Decoder

Float = npt.NDArray[np.float32]


class Stream:
    """Pixels of sampled frames in, logits out. Every frame is encoded once.

    Three kinds of model differ in what becomes of an embedding. A plain one's goes into the window as it is. One
    with *motion input* gives two, u and v, and ``u_t - v_(t-1)`` goes into the window: the projection of
    ``[e_t, e_t - e_(t-1)]`` is linear, so it is computed once per frame for both places. One of *differences* sees
    two frames at a time, so its first frame gives none.
    """

    def __init__(self, bundle: Bundle, threads: int, spinning: bool, precision: str = "auto") -> None:
        self.model = bundle.model
        self._encoder = Encoder(bundle, threads, spinning)
        graph = bool(bundle.onnx_decoder)
        self._decoder: Decoder | OnnxDecoder = OnnxDecoder(bundle) if graph else Decoder(bundle, precision)
        D = self.model.embed_dim
        self._row = np.zeros((1, D), np.float32)
        self._before: Float = np.zeros((1, D), np.float32)  # v of the frame before
        self._still: Float | None = None  # embedding of a frame against itself: the same for every frame
        if self.model.modality == "rgbdiff":
            self._still = self._encoder().copy()  # both buffers are zeros
        self._begun = False

    @property
    def precision(self) -> str:
        """Of the decoder's matrix products: "fp32" or "int8"."""
        return self._decoder.precision

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """Where the next frame is to be written, uint8 (1, 3, S, S) or (1, 12, S / 2, S / 2)."""
        return self._encoder.pixels

    @property
    def previous(self) -> npt.NDArray[np.uint8]:
        """Where a frame is to be written that the next is to be compared with, in place of the last one pushed."""
        return self._encoder.previous

    @property
    def full(self) -> bool:
        """Whether the window has T rows."""
        return self._decoder.window.full

    def clear(self) -> None:
        """Forget all frames."""
        self._decoder.window.clear()
        self._begun = False

    def push(self, skipped: int = 0) -> None:
        """Take the frame in `pixels`; `skipped` slots before it had no frame, and repeat the one before."""
        if not self._begun and self._still is not None:
            self._encoder.advance()
            self._begun = True
            return
        embedding = self._encoder()
        if self._begun:
            for _ in range(skipped):
                self.repeat()
        if self.model.motion:
            D = self.model.embed_dim
            u, v = embedding[:, :D], embedding[:, D:]
            np.subtract(u, self._before if self._begun else v, out=self._row)
            self._before[...] = v
            self._decoder.push(self._row)
            np.subtract(u, v, out=self._row)  # what a repeated frame would give
        else:
            self._decoder.push(embedding)
        self._encoder.advance()
        self._begun = True

    def repeat(self) -> None:
        """Take the newest frame once more: time passed, and no frame came."""
        if self._still is not None:
            self._decoder.push(self._still)
        elif self.model.motion:
            self._decoder.push(self._row)
        else:
            self._decoder.repeat()

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,): a view, overwritten by the next call."""
        return self._decoder()
