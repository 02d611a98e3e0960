"""The decoder: embeddings in, one at a time; logits of the window out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn._bundle import Bundle
from edgevtn._window import Window
from edgevtn.kernels import fast
from edgevtn.kernels._jit import PANEL
from edgevtn.kernels.packing import attention_scratch, pack

Float = npt.NDArray[np.float32]


def _stack(weights: Float) -> Float:
    """(L, M, N) -> packed (L, P, M, R)."""
    return np.stack([pack(w) for w in weights])


class Decoder:
    """Weights packed for the kernels, the window, and scratch that is allocated once.

    The window's rows hold an embedding and its first-block projections, which are computed once per frame:
    ``[e, e W_q, e W_k, e W_v]``, 4 D floats.
    """

    def __init__(self, bundle: Bundle) -> None:
        model, arrays = bundle.model, bundle.decoder
        T, D, F, L = model.clip_len, model.embed_dim, model.ffn_dim, model.layers
        K = len(model.labels)
        self._classes = K
        padded = max(K, PANEL)  # the kernels write whole panels

        w_qkv = np.concatenate([arrays["w_q"], arrays["w_k"], arrays["w_v"]], axis=2)  # (L, D, 3 D)
        position = np.concatenate([arrays["position"], arrays["position"] @ w_qkv[0]], axis=1)  # (T, 4 D)
        norm = model.layer_norm == "vtn"
        unused = np.zeros((L, D), np.float32)
        self._w_qkv = _stack(w_qkv)
        self._b_qkv = np.zeros(3 * D, np.float32)
        self._b_classes = np.zeros(padded, np.float32)
        self._b_classes[:K] = arrays["b_classes"]
        self._weights = (
            position,
            self._w_qkv,
            self._b_qkv,
            arrays["gain_1"] if norm else unused,
            arrays["bias_1"] if norm else unused,
            _stack(arrays["w_1"]),
            arrays["b_1"],
            _stack(arrays["w_2"]),
            arrays["b_2"],
            arrays["gain_2"] if norm else unused,
            arrays["bias_2"] if norm else unused,
            pack(arrays["w_classes"]),
            self._b_classes,
            model.heads,
            model.attention_scale,
            norm,
        )
        self._logits = np.zeros((1, padded), np.float32)
        self._scratch = (
            np.zeros((T, D), np.float32),  # x
            np.zeros((T, 3 * D), np.float32),  # qkv
            np.zeros((T, D), np.float32),  # mixed
            *attention_scratch(T, D // model.heads),
            np.zeros((T, F), np.float32),  # hidden
            np.zeros((1, D), np.float32),  # pooled
        )
        self._embed_dim = D
        self._row = np.zeros((1, 4 * D), np.float32)
        self._projected = self._row[:, D:]  # (1, 3 D), a view: the kernel writes where the row is read
        self.window = Window(T, 4 * D)

    def push(self, embedding: Float) -> None:
        """Append the embedding of a new frame, float32 (1, D)."""
        fast.linear(embedding, self._w_qkv[0], self._b_qkv, self._projected)
        self._row[:, : self._embed_dim] = embedding
        self.window.push(self._row)

    def repeat(self) -> None:
        """Append the newest embedding once more: time passed, and no frame came."""
        self.window.push(self.window.newest)

    def __call__(self) -> Float:
        """Logits of the window, float32 (K,): a view, overwritten by the next call."""
        fast.decode(self.window.rows, *self._weights, *self._scratch, self._logits)
        return self._logits[0, : self._classes]
