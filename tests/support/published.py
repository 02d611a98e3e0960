"""The VTN authors' model in plain PyTorch, with the tensor names of the published checkpoints, random weights."""

import torch
from torch import nn
from torch.nn import functional


class Residual(nn.Module):
    """torchvision's BasicBlock and Bottleneck."""

    def __init__(self, inputs, width, stride, deep):
        super().__init__()
        self.deep = deep
        outputs = width * 4 if deep else width
        if deep:
            self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
            self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(outputs)
        else:
            self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.deep:
            y = self.bn3(self.conv3(functional.relu(y)))
        return functional.relu(y + self.downsample(x))


def resnet(blocks, deep, width=64):
    """torchvision's ResNet without its last layer; `width`: of the first stage, 64 where published."""
    stages, inputs = [], width
    for stage, count in enumerate(blocks):
        planes = width * 2**stage
        layers = []
        for block in range(count):
            layers.append(Residual(inputs, planes, 2 if stage and not block else 1, deep))
            inputs = planes * 4 if deep else planes
        stages.append(nn.Sequential(*layers))
    stem = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *stages)


class Squeezed(nn.Module):
    """SEResNeXtBottleneck of the package pretrainedmodels."""

    def __init__(self, inputs, planes, stride):
        super().__init__()
        width, outputs = planes // 16 * 32, planes * 4
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=32, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.se_module = nn.ModuleDict(
            {"fc1": nn.Conv2d(outputs, outputs // 16, 1), "fc2": nn.Conv2d(outputs // 16, outputs, 1)}
        )
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        gate = functional.relu(self.se_module["fc1"](y.mean((2, 3), keepdim=True)))
        y = y * torch.sigmoid(self.se_module["fc2"](gate))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


def se_resnext(blocks):
    stem = nn.Sequential()
    stem.add_module("conv1", nn.Conv2d(3, 64, 7, 2, 3, bias=False))
    stem.add_module("bn1", nn.BatchNorm2d(64))
    stem.add_module("relu1", nn.ReLU())
    stem.add_module("pool", nn.MaxPool2d(3, 2, ceil_mode=True))
    stages, inputs = [stem], 64
    for stage, count in enumerate(blocks):
        planes = 64 * 2**stage
        layers = []
        for block in range(count):
            layers.append(Squeezed(inputs, planes, 2 if stage and not block else 1))
            inputs = planes * 4
        stages.append(nn.Sequential(*layers))
    return nn.Sequential(*stages)


class LayerNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a_2, self.b_2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, z):
        return (z - z.mean(-1, keepdim=True)) / (z.std(-1, keepdim=True) + 1e-3) * self.a_2 + self.b_2


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.scale = width**-0.5
        for name in ("w_qs", "w_ks", "w_vs"):
            setattr(self, name, nn.Parameter(torch.randn(heads, width, width // heads) * width**-0.5))
        self.layer_norm = LayerNorm(width)

    def forward(self, x):
        q, k, v = (torch.einsum("btd,adh->abth", x, w) for w in (self.w_qs, self.w_ks, self.w_vs))
        heads = torch.softmax(q @ k.transpose(-1, -2) * self.scale, -1) @ v
        return self.layer_norm(torch.cat(list(heads), -1) + x)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w_1, self.w_2 = nn.Conv1d(width, 2 * width, 1), nn.Conv1d(2 * width, width, 1)
        self.layer_norm = LayerNorm(width)

    def forward(self, x):
        return self.layer_norm(self.w_2(functional.relu(self.w_1(x.mT))).mT + x)


class VTN(nn.Module):
    def __init__(self, encoder, encoder_width, width, classes, clip_len=16, heads=8, layers=4):
        super().__init__()
        self.resnet = encoder
        if encoder_width != width:
            self.reduce_conv = nn.Conv2d(encoder_width, width, 1)
        blocks = [
            nn.ModuleDict({"slf_attn": Attention(width, heads), "pos_ffn": FeedForward(width)}) for _ in range(layers)
        ]
        position = nn.ModuleDict({"enc": nn.Embedding(clip_len, width)})
        self.self_attention_decoder = nn.ModuleDict({"position_encoding": position, "layers": nn.ModuleList(blocks)})
        self.fc = nn.Linear(width, classes)

    def forward(self, frames):
        """Normalised frames (T, 3, S, S) -> embeddings (T, D), logits (K,)."""
        x = self.resnet(frames)
        if hasattr(self, "reduce_conv"):
            x = self.reduce_conv(x)
        embeddings = x.mean((2, 3))
        x = (embeddings + self.self_attention_decoder["position_encoding"]["enc"].weight)[None]
        for block in self.self_attention_decoder["layers"]:
            x = block["pos_ffn"](block["slf_attn"](x))
        return embeddings, self.fc(x)[0].mean(0)


def randomise(model, seed=0):
    """Weights, and batch norms' statistics, of a size at which everything matters."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, LayerNorm):
            nn.init.uniform_(module.a_2, 0.7, 1.3)
            nn.init.normal_(module.b_2, std=0.1)
    return model.eval()


def save(model, file, difference=False):
    """A checkpoint as it is published; of differences of frames, the tensors are those of a motion decoder."""
    prefix = "module.motion_decoder." if difference else "module."
    state = {f"{prefix}{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 1, "arch": "test"}, file)
