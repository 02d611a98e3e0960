"""The VTN decoder in PyTorch, with a projection from the frozen encoder's features before it.

Parameter for parameter the arrays of a bundle, under the same names.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from edgevtn.kernels.reference import LAYER_NORM_EPSILON

Float = npt.NDArray[np.float32]


def sinusoids(clip_len: int, width: int) -> Tensor:
    """Position rows (T, D) to begin with: Vaswani et al.'s, and row 0 all zeros as in the authors' code."""
    position = torch.arange(clip_len)[:, None]
    frequency = torch.pow(10000.0, -(2 * (torch.arange(width) // 2)) / width)
    angle = position * frequency
    table = torch.where(torch.arange(width) % 2 == 0, angle.sin(), angle.cos())
    table[0] = 0
    return table


class Decoder(nn.Module):
    """Features (B, T, W) -> logits (B, K), as `edgevtn.kernels.reference.vtn` specifies, after a projection.

    Parameters
    ----------
    features : int
        W, the encoder's width.
    clip_len, embed_dim, heads, layers, ffn_dim, classes : int
        T, D, A, L, F, K.
    dropout : float
        Share of each residual branch's outputs that is dropped in training.
    motion : bool
        Let the projection see each frame's features and their difference to those of the frame before. The
        features then begin one frame before the window: (B, T + 1, W).
    """

    def __init__(
        self,
        features: int,
        clip_len: int,
        embed_dim: int,
        heads: int,
        layers: int,
        ffn_dim: int,
        classes: int,
        dropout: float = 0.2,
        motion: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.scale = heads, embed_dim**-0.5
        self.dropout = nn.Dropout(dropout)
        # Features are standardised for training; `projection` folds this away.
        self.feature_mean = nn.Buffer(torch.zeros(features))
        self.feature_std = nn.Buffer(torch.ones(features))
        self.reduce = nn.Linear(features, embed_dim)
        self.change = nn.Linear(features, embed_dim, bias=False) if motion else None
        self.position = nn.Parameter(sinusoids(clip_len, embed_dim))

        def matrix(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(layers, rows, columns) * (2 / (rows + columns)) ** 0.5)

        self.w_q, self.w_k, self.w_v = (matrix(embed_dim, embed_dim) for _ in range(3))
        self.w_1, self.w_2 = matrix(embed_dim, ffn_dim), matrix(ffn_dim, embed_dim)
        self.b_1, self.b_2 = (
            nn.Parameter(torch.zeros(layers, ffn_dim)),
            nn.Parameter(torch.zeros(layers, embed_dim)),
        )
        self.gain_1, self.gain_2 = (nn.Parameter(torch.ones(layers, embed_dim)) for _ in range(2))
        self.bias_1, self.bias_2 = (nn.Parameter(torch.zeros(layers, embed_dim)) for _ in range(2))
        self.w_classes = nn.Parameter(torch.randn(embed_dim, classes) * embed_dim**-0.5)
        self.b_classes = nn.Parameter(torch.zeros(classes))

    def forward(self, features: Tensor) -> Tensor:
        """float32 (B, T, W), with motion (B, T + 1, W) -> (B, K)."""
        standard = (features - self.feature_mean) / self.feature_std
        if self.change is None:
            return self.decode(self.dropout(self.reduce(standard)))
        x = self.reduce(standard[:, 1:]) + self.change(standard[:, 1:] - standard[:, :-1])
        return self.decode(self.dropout(x))

    def decode(self, embeddings: Tensor) -> Tensor:
        """float32 (B, T, D) -> (B, K)."""
        x = embeddings + self.position
        B, T, D = x.shape
        for block in range(len(self.w_q)):
            q, k, v = (
                (x @ w[block]).view(B, T, self.heads, D // self.heads).transpose(1, 2)
                for w in (self.w_q, self.w_k, self.w_v)
            )
            mixed = functional.scaled_dot_product_attention(q, k, v, scale=self.scale)
            mixed = mixed.transpose(1, 2).reshape(B, T, D)
            x = self._norm(self.dropout(mixed) + x, self.gain_1[block], self.bias_1[block])
            hidden = functional.relu(x @ self.w_1[block] + self.b_1[block])
            out = hidden @ self.w_2[block] + self.b_2[block]
            x = self._norm(self.dropout(out) + x, self.gain_2[block], self.bias_2[block])
        return x.mean(dim=1) @ self.w_classes + self.b_classes

    @staticmethod
    def _norm(z: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        if z.shape[1] == 1:
            return z
        std, mean = torch.std_mean(z, dim=-1, keepdim=True)  # unbiased
        return (z - mean) / (std + float(LAYER_NORM_EPSILON)) * gain + bias

    def projection(self) -> tuple[Float, Float]:
        """Weight (W, D) and bias (D,) of the projection on raw features, standardisation folded in.

        With motion (W, 2 D) and (2 D,), ``[u, v]``: because ``A f_t + B (f_t - f_(t-1))`` is
        ``(A + B) f_t - B f_(t-1)``, both are computed once per frame, and the window takes ``u_t - v_(t-1)``.
        """
        with torch.no_grad():
            w = self.reduce.weight.T / self.feature_std[:, None]
            b = self.reduce.bias - self.feature_mean @ w
            if self.change is not None:
                v = self.change.weight.T / self.feature_std[:, None]
                w, b = torch.cat([w + v, v], dim=1), torch.cat([b, torch.zeros_like(b)])
        return w.numpy().copy(), b.numpy().copy()

    def arrays(self) -> dict[str, Float]:
        """The arrays of a bundle's ``decoder.npz``."""
        names = ("position", "w_q", "w_k", "w_v", "w_1", "b_1", "w_2", "b_2", "w_classes", "b_classes",
                 "gain_1", "bias_1", "gain_2", "bias_2")  # fmt: skip
        return {name: getattr(self, name).detach().numpy().copy() for name in names}
