"""Encoders of the usual sizes with random weights, in float32 and INT8, and VTN bundles around them."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from networks import project
from tiny import head_facts, random_head, tiny_facts

from edgevtn.bundle import write_bundle
from edgevtn.calibration import Settings, quantize_graph
from edgevtn.networks import build_encoder

ENCODERS = ("lite0", "mobilenetv2", "resnet34")
S = 224


class Weights(dict):
    """Collects random tensors: convolutions that keep the size of what they are given, and batch norms."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def convolution(self, name, outputs, inputs, kernel, norm):
        std = (2 / (inputs * kernel * kernel)) ** 0.5
        self[f"{name}.weight"] = (self.rng.standard_normal((outputs, inputs, kernel, kernel)) * std).astype(np.float32)
        parts = {"weight": 1.0, "bias": 0.1, "running_mean": 0.0, "running_var": 1.0}
        for part, value in parts.items():
            noise = 0.1 * self.rng.standard_normal(outputs)
            self[f"{norm}.{part}"] = np.abs(value + noise).astype(np.float32) if value else noise.astype(np.float32)


def mobilenetv2():
    w, inputs, block = Weights(), 32, 1
    w.convolution("0.0", 32, 3, 3, "0.1")
    for expand, outputs, repeats in (
        (1, 16, 1),
        (6, 24, 2),
        (6, 32, 3),
        (6, 64, 4),
        (6, 96, 3),
        (6, 160, 3),
        (6, 320, 1),
    ):
        for _ in range(repeats):
            wide, layer = inputs * expand, 0
            if expand > 1:
                w.convolution(f"{block}.conv.0", wide, inputs, 1, f"{block}.conv.1")
                layer = 3
            w.convolution(f"{block}.conv.{layer}", wide, 1, 3, f"{block}.conv.{layer + 1}")
            w.convolution(f"{block}.conv.{layer + 3}", outputs, wide, 1, f"{block}.conv.{layer + 4}")
            inputs, block = outputs, block + 1
    w.convolution("18.0", 1280, 320, 1, "18.1")
    return w


def resnet34():
    w, inputs = Weights(), 64
    w.convolution("0", 64, 3, 7, "1")
    for stage, repeats in enumerate((3, 4, 6, 3)):
        outputs = 64 * 2**stage
        for block in range(repeats):
            name = f"{stage + 4}.{block}"
            w.convolution(f"{name}.conv1", outputs, inputs, 3, f"{name}.bn1")
            w.convolution(f"{name}.conv2", outputs, outputs, 3, f"{name}.bn2")
            if inputs != outputs:
                w.convolution(f"{name}.downsample.0", outputs, inputs, 1, f"{name}.downsample.1")
            inputs = outputs
    return w


def lite0():
    w, inputs, block = Weights(), 32, 0
    w.convolution("_conv_stem", 32, 3, 3, "_bn0")
    kernels = (3, 3, 5, 3, 5, 5, 3)
    stages = ((1, 16, 1), (6, 24, 2), (6, 40, 2), (6, 80, 3), (6, 112, 3), (6, 192, 4), (6, 320, 1))
    for (expand, outputs, repeats), kernel in zip(stages, kernels, strict=True):
        for _ in range(repeats):
            name, wide = f"_blocks.{block}", inputs * expand
            if expand > 1:
                w.convolution(f"{name}._expand_conv", wide, inputs, 1, f"{name}._bn0")
            w.convolution(f"{name}._depthwise_conv", wide, 1, kernel, f"{name}._bn1")
            w.convolution(f"{name}._project_conv", outputs, wide, 1, f"{name}._bn2")
            inputs, block = outputs, block + 1
    w.convolution("_conv_head", 1280, 320, 1, "_bn1")
    return w


@cache
def pictures(count=8):
    """Smooth random frames, uint8 (1, 3, S, S)."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        found.append(
            np.ascontiguousarray(cv2.resize(coarse, (S, S), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)[None])
        )
    return found


#: T, D, L, K of the published models.
SIZE = (16, 512, 4, 400)


@cache
def plain(name):
    """The fp32 encoder, which gives features."""
    return build_encoder({"lite0": lite0, "mobilenetv2": mobilenetv2, "resnet34": resnet34}[name]())


def width(name):
    return plain(name).graph.output[0].type.tensor_type.shape.dim[1].dim_value


@cache
def projection(name, D=512):
    """What brings features to embeddings; None where they are as wide."""
    W, rng = width(name), np.random.default_rng(1)
    if W == D:
        return None
    return (rng.standard_normal((W, D)) * W**-0.5).astype(np.float32), np.zeros(D, np.float32)


@cache
def encoder(name, precision, projected=True):
    """Serialised ONNX: uint8 pixels -> embeddings (1, 512), as other engines have it; or features, as we do."""
    model = plain(name)
    if projected and projection(name):
        model = project(model, *projection(name))
    if precision != "fp32":
        # The way that is fast for processors with VNNI, as a published INT8 file is; "int8 blocks": as in our bundles.
        settings = Settings(target="x86-vnni", after=())
        model = quantize_graph(model, pictures(), settings, progress=False, blocks=precision == "int8 blocks")
    return model.SerializeToString()


def facts(T=16, D=512, L=4, K=400, **more):
    return tiny_facts(
        window_len=T, embed_dim=D, heads=8, layers=L, ffn_dim=2 * D, attention_scale=D**-0.5, input_size=S,
        frame_rate=15.0, labels=[str(k) for k in range(K)], **{"width": D, **more},
    )  # fmt: skip


@cache
def decoder_weights(T=16, D=512, L=4, K=400):
    return random_head(facts(T, D, L, K))


def head(T=16, D=512, L=4, K=400, precision="auto"):
    """A VTN that sees embeddings."""
    return head_facts(facts(T, D, L, K)).build(decoder_weights(T, D, L, K), Path(), precision)


@cache
def bundle(name):
    """A VTN of the published size: a folder that lives as long as the process."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    arrays, found = dict(decoder_weights(*SIZE)), projection(name)
    if found:
        arrays |= {"w_features": found[0], "b_features": found[1]}
    known = facts(*SIZE, width=width(name), projection=bool(found))
    write_bundle(Path(folder.name) / "bundle", known, encoder(name, "int8 blocks", projected=False), arrays)
    return Path(folder.name) / "bundle"
