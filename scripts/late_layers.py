"""EfficientNet-Lite0's late layers in PyTorch, as `narrow_encoder.py` narrows and teaches them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edgevtn.graph.build import fold
from edgevtn.networks.efficientnet import BATCH_NORM_EPSILON, stages

#: Blocks before it see large maps, which are dear to learn on; narrowing them saves little.
FIRST = 6


class Block(nn.Module):
    """An inverted residual on (B, H, W, C): expand, depthwise, project; the depthwise filters stay as they are."""

    def __init__(self, weights: dict[str, np.ndarray], number: int, stride: int, added: bool) -> None:
        super().__init__()
        name = f"_blocks.{number}"
        self.expand, self.expand_bias = _matrix(weights, f"{name}._expand_conv", f"{name}._bn0")
        filters, bias = fold(weights, f"{name}._depthwise_conv", f"{name}._bn1", BATCH_NORM_EPSILON)
        self.register_buffer("filters", torch.from_numpy(np.array(filters)))
        self.filters_bias = nn.Parameter(torch.from_numpy(np.array(bias)))
        self.project, self.project_bias = _matrix(weights, f"{name}._project_conv", f"{name}._bn2")
        self.stride, self.added = stride, added

    def inner(self, x: Tensor) -> Tensor:
        """What the projection sees."""
        x = functional.relu6(functional.linear(x, self.expand, self.expand_bias)).permute(0, 3, 1, 2)
        kernel, side = self.filters.shape[-1], x.shape[-1]
        missing = max(0, (-(-side // self.stride) - 1) * self.stride + kernel - side)
        x = functional.pad(x, (missing // 2, missing - missing // 2) * 2)
        x = Depthwise.apply(x, self.filters.to(x.dtype))[:, :, :: self.stride, :: self.stride]
        return functional.relu6(x.permute(0, 2, 3, 1) + self.filters_bias)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.linear(self.inner(x), self.project, self.project_bias)
        return y + x if self.added else y

    def keep(self, channels: Tensor, project: Tensor, bias: Tensor) -> None:
        """Leave these inner channels alone, under another projection (C, O)."""
        self.expand = nn.Parameter(self.expand.detach()[channels])
        self.expand_bias = nn.Parameter(self.expand_bias.detach()[channels])
        self.filters = self.filters[channels]
        self.filters_bias = nn.Parameter(self.filters_bias.detach()[channels])
        self.project, self.project_bias = nn.Parameter(project.T.float()), nn.Parameter(bias.float())


class Depthwise(torch.autograd.Function):
    """A depthwise convolution of stride 1 with fixed filters; PyTorch's own way back is several times slower."""

    @staticmethod
    def forward(ctx, x: Tensor, filters: Tensor) -> Tensor:  # type: ignore[no-untyped-def, override]
        ctx.save_for_backward(filters)
        return functional.conv2d(x, filters, groups=len(filters))

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def, override]
        (filters,) = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        padding = filters.shape[-1] - 1
        return functional.conv2d(gradient, filters.flip(2, 3), padding=padding, groups=len(filters)), None


class Late(nn.Module):
    """Blocks from `FIRST` on and the last convolution: (B, H, W, C) -> (B, H', W', 1280)."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        layout = [(stage.stride if n == 0 else 1, n > 0) for stage in stages(16) for n in range(stage.repeats)]
        self.blocks = nn.ModuleList(Block(weights, n, *layout[n]) for n in range(FIRST, 16))
        self.head, self.head_bias = _matrix(weights, "_conv_head", "_bn1")

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return functional.relu6(functional.linear(x, self.head, self.head_bias))


def tensors(narrow: Late) -> dict[str, np.ndarray]:
    """The late layers under the network's names; their norms do nothing but add the bias."""
    named: dict[str, Tensor] = {}

    def put(convolution: str, norm: str, weight: Tensor, bias: Tensor) -> None:
        named[f"{convolution}.weight"], named[f"{norm}.weight"] = weight, torch.ones_like(bias)
        named[f"{norm}.bias"], named[f"{norm}.running_mean"] = bias, torch.zeros_like(bias)
        named[f"{norm}.running_var"] = torch.full_like(bias, 1 - BATCH_NORM_EPSILON)

    for number, block in enumerate(narrow.blocks, FIRST):
        name = f"_blocks.{number}"
        put(f"{name}._expand_conv", f"{name}._bn0", block.expand[:, :, None, None], block.expand_bias)
        put(f"{name}._depthwise_conv", f"{name}._bn1", block.filters, block.filters_bias)
        put(f"{name}._project_conv", f"{name}._bn2", block.project[:, :, None, None], block.project_bias)
    put("_conv_head", "_bn1", narrow.head[:, :, None, None], narrow.head_bias)
    return {name: tensor.detach().numpy() for name, tensor in named.items()}


def _matrix(weights: dict[str, np.ndarray], convolution: str, norm: str) -> tuple[nn.Parameter, nn.Parameter]:
    weight, bias = fold(weights, convolution, norm, BATCH_NORM_EPSILON)
    return nn.Parameter(torch.from_numpy(np.array(weight[:, :, 0, 0]))), nn.Parameter(torch.from_numpy(np.array(bias)))
