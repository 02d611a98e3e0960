"""The VTN decoder in PyTorch, with a projection from the encoder's features before it.

Parameter for parameter the arrays of a bundle, under the same names.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from edgevtn.arrays import Float
from edgevtn.kernels.reference import LAYER_NORM_EPSILON
from edgevtn.training.recipe import Recipe


def sinusoids(window_len: int, width: int) -> Tensor:
    """Position rows (T, D) to begin with: Vaswani et al.'s, and row 0 all zeros as in the authors' code."""
    position = torch.arange(window_len)[:, None]
    frequency = torch.pow(10000.0, -(2 * (torch.arange(width) // 2)) / width)
    angle = position * frequency
    table = torch.where(torch.arange(width) % 2 == 0, angle.sin(), angle.cos())
    table[0] = 0
    return table


def principal_axes(values: Tensor, weights: Tensor, rank: int, emphasis: float) -> tuple[Tensor, Tensor]:
    """Mean (W,) and axes (W, R) on which features are seen: ``(features - mean) @ axes``, of mean variance 1.

    Parameters
    ----------
    values : float32 (N, W)
    weights : float32 (N,)
        Each row's; frames of a long clip are to weigh no more together than those of a short one.
    rank : int
        R, at most: so many principal components are kept.
    emphasis : float
        The standard deviation on a component is its own to this power: 0 makes all equal, 1 leaves them as they
        are, more than 1 favours the leading ones. Few clips cannot tell which of a thousand features matter; what
        varies most is the better guess.
    """
    share = (weights / weights.sum())[:, None]
    mean = (values * share).sum(dim=0)
    centred = values - mean
    variances, vectors = torch.linalg.eigh(centred.T.double() @ (centred * share).double())
    kept = variances.flip(0)[:rank].clamp(min=1e-10 * float(variances[-1]))
    scale = kept ** ((emphasis - 1) / 2)
    scale /= (scale.square() * kept).mean().sqrt()
    return mean, (vectors.flip(1)[:, :rank] * scale).float()


class Head(nn.Module):
    """What is trained on an encoder's features: their principal axes, a projection, and a decoder, which differs.

    Parameters
    ----------
    features : int
        W, the encoder's width.
    recipe : Recipe
    classes : int
        K.
    """

    def __init__(self, features: int, recipe: Recipe, classes: int) -> None:
        super().__init__()
        rank, D = min(recipe.rank, features), recipe.embed_dim
        self.dropout = nn.Dropout(recipe.dropout)
        # `projection` folds this away.
        self.feature_mean = nn.Buffer(torch.zeros(features))
        self.axes = nn.Buffer(torch.eye(features, rank))
        self.reduce = nn.Linear(rank, D)
        self.motion = recipe.motion
        self.change = None if self.motion == "none" else nn.Linear(rank, D, bias=False)
        if self.motion == "size":  # has axes of its own
            self.size_mean = nn.Buffer(torch.zeros(features))
            self.size_axes = nn.Buffer(torch.eye(features, rank))

    def forward(self, features: Tensor) -> Tensor:
        """float32 (B, T, W), with motion input (B, T + 1, W) and beginning one frame before -> (B, K)."""
        return self.classify(self.standard(features))

    def standard(self, features: Tensor) -> Tensor:
        """Windows on the principal axes, from which noise and mixtures are made: float32 (B, T, R).

        With motion "change" the frame before is kept, (B, T + 1, R); with "size" the size of changes follows, on axes
        of its own, (B, T, 2 R).
        """
        standard = (features - self.feature_mean) @ self.axes
        if self.motion != "size":
            return standard
        sizes = (features[:, 1:] - features[:, :-1]).abs()
        return torch.cat([standard[:, 1:], (sizes - self.size_mean) @ self.size_axes], dim=-1)

    def classify(self, standard: Tensor) -> Tensor:
        """What `standard` gives -> (B, K)."""
        if self.change is None:
            x = self.reduce(standard)
        elif self.motion == "size":
            own, sizes = standard.chunk(2, dim=-1)
            x = self.reduce(own) + self.change(sizes)
        else:
            x = self.reduce(standard[:, 1:]) + self.change(standard[:, 1:] - standard[:, :-1])
        return self.decode(self.dropout(x))

    def decode(self, embeddings: Tensor) -> Tensor:
        """float32 (B, T, D) -> (B, K)."""
        raise NotImplementedError

    def projection(self) -> dict[str, Float]:
        """The arrays of a bundle that project raw features, mean and axes folded in.

        ``w_features`` (W, D), ``b_features`` (D,), and with motion ``w_change`` or ``w_size`` (W, D).
        """
        with torch.no_grad():
            w = self.axes @ self.reduce.weight.T
            arrays = {"w_features": w, "b_features": self.reduce.bias - self.feature_mean @ w}
            if self.change is not None:
                w = (self.size_axes if self.motion == "size" else self.axes) @ self.change.weight.T
                arrays[f"w_{self.motion}"] = w
                if self.motion == "size":
                    arrays["b_features"] = arrays["b_features"] - self.size_mean @ w
        return {name: value.cpu().numpy().copy() for name, value in arrays.items()}


class Decoder(Head):
    """The VTN decoder, as `edgevtn.kernels.reference.vtn` specifies it.

    Parameters
    ----------
    features : int
        W, the encoder's width.
    recipe : Recipe
        T, D, A, L, F are its `window_len`, `embed_dim`, `heads`, `layers`, `ffn_dim`.
    classes : int
        K.
    """

    def __init__(self, features: int, recipe: Recipe, classes: int) -> None:
        super().__init__(features, recipe, classes)
        embed_dim, ffn_dim, layers = recipe.embed_dim, recipe.ffn_dim, recipe.layers
        self.heads, self.scale = recipe.heads, embed_dim**-0.5
        self.position = nn.Parameter(sinusoids(recipe.window_len, embed_dim))

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

    def arrays(self) -> dict[str, Float]:
        """The arrays of a bundle's ``head.npz``."""
        names = ("position", "w_q", "w_k", "w_v", "w_1", "b_1", "w_2", "b_2", "w_classes", "b_classes",
                 "gain_1", "bias_1", "gain_2", "bias_2")  # fmt: skip
        own = {name: getattr(self, name).detach().cpu().numpy().copy() for name in names}
        return self.projection() | own
