#!/usr/bin/env python3
"""Narrow EfficientNet-Lite0: its late blocks lose the inner channels that are missed least, and learn from the whole.

python scripts/narrow_encoder.py DATA WEIGHTS.npz

A block's inner channels go one by one, each time the one without which least squares lose least of the block's output;
its projection is then fitted to those that stay (He, Zhang and Sun, arXiv 1707.06168). After that all late layers learn
the whole network's last maps, on pictures that are cut, lit and mixed at random (Hinton, Vinyals and Dean, arXiv
1503.02531). There are no labels in it, and nothing of weizmann64, so that figures on it stay figures of unknown people.
`scripts/make_encoder.py` makes the INT8 encoder of the weights. Half an hour on one core of an AMD EPYC. The encoder
that ships was made so, on other random pictures.
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import onnx
import torch
from late_layers import FIRST, Late, tensors
from make_encoder import but_fourths
from onnxruntime import InferenceSession
from torch import Tensor, nn
from torch.nn import functional

from edgevtn.calibration import sample_frames
from edgevtn.files import replacing
from edgevtn.graph.sizes import with_open_side, with_side
from edgevtn.training.pretrained import pretrained_encoder, pretrained_weights

SETS = ("ceiling", "ucf101_10", "gmdcsa24")
#: Inner channels that stay, by block: the cheapest way to save a sixth of the time on 160 pixels, by the error of the
#: last features when each block is narrowed alone. Blocks that halve the picture or change its width are missed most.
KEPT = {6: 400, 7: 368, 9: 384, 10: 288, 12: 608, 13: 608, 14: 512, 15: 1088}
#: Sides of pictures and their shares: those that the bundled encoder takes, most often seen first.
SIDES = {160: 0.45, 224: 0.35, 192: 0.1, 128: 0.1}
#: Pictures that are learned from, those that fit the projections, and those that show how far it is.
PICTURES, FITTED, HELD_OUT = 24_000, 1_200, 128
#: Pictures that go through the layers at a time where nothing is learned.
LOOKED_AT = 64
#: A quarter are pictures of differences, the second stream's.
DIFFERENCES, INTERVAL = 0.25, 0.16
STEPS, BATCH = 3_000, 32
#: Thrice as much makes it worse at first, and no better in the end.
LEARNING_RATE = 1.2e-4
#: Share of the newest weights in their running mean, which is what is kept.
AVERAGED = 0.01


class Seen(NamedTuple):
    """Pictures of one side as the late layers see them, and the whole network's last maps of them.

    Attributes
    ----------
    early, last : float16 (N, H, W, C)
    """

    early: np.ndarray
    last: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the shared data folder's data")
    parser.add_argument("output", type=Path)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    weights = pretrained_weights("lite0")
    whole = Late(weights).requires_grad_(False)
    seen = look(whole, source(arguments.data, arguments.pictures), arguments.pictures)
    narrow = copy.deepcopy(whole).requires_grad_(True)
    fit(narrow, whole, seen)
    report("fitted", narrow, seen)
    narrow = learn(narrow, seen, arguments.steps)
    report("taught", narrow, seen)
    with replacing(arguments.output) as part, part.open("wb") as file:
        np.savez(file, **weights | tensors(narrow))


def source(data: Path, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Frames and pictures of differences, uint8 (224, 224, 3), of three clips of four; the fourth is for measuring."""
    files: list[Path] = []
    for name in SETS:
        files += but_fourths(sorted(path for path in (data / name).rglob("*") if path.suffix in (".mp4", ".avi")))
    pictures = [sample.pixels[0].transpose(1, 2, 0) for sample in sample_frames(files, count // 3, 224, seed=3)]
    changes = sample_frames(files, count // 6, 224, seed=4, difference_interval=INTERVAL)
    return pictures, [sample.pixels[0].transpose(1, 2, 0) for sample in changes]


def changed(picture: np.ndarray, side: int, light: bool, rng: np.random.Generator) -> np.ndarray:
    """A part of a picture, at random, perhaps mirrored, in another light and with noise: float32 (side, side, 3)."""
    area, aspect = (rng.uniform(0.25, 1) if rng.random() < 0.7 else 1.0), math.exp(rng.uniform(-0.25, 0.25))
    whole = picture.shape[0]
    height, width = (min(whole, round(whole * math.sqrt(part))) for part in (area * aspect, area / aspect))
    top, left = rng.integers(0, whole - height + 1), rng.integers(0, whole - width + 1)
    part = cv2.resize(picture[top : top + height, left : left + width], (side, side), interpolation=cv2.INTER_AREA)
    values = part[:, :: -1 if rng.random() < 0.5 else 1].astype(np.float32)
    if light and rng.random() < 0.6:
        values = (values - 127) * rng.uniform(0.6, 1.4) + 127 + rng.uniform(-30, 30) + rng.uniform(-15, 15, 3)
    if rng.random() < 0.3:
        values = values + rng.normal(0, rng.uniform(1, 10), values.shape)
    return np.clip(values, 0, 255)


def pictures(source: tuple[list[np.ndarray], list[np.ndarray]], side: int, seed: int) -> Iterator[np.ndarray]:
    """Changed pictures without end, uint8 (1, 3, side, side): alone, laid over another, or with a part of another."""
    rng = np.random.default_rng(seed)
    while True:
        kind = int(rng.random() < DIFFERENCES)
        chosen = rng.integers(len(source[kind]), size=2)
        picture, second = (changed(source[kind][n], side, not kind, rng) for n in chosen)
        chance = rng.random()
        if chance < 0.25:
            share = rng.random()
            picture = share * picture + (1 - share) * second
        elif chance < 0.4:
            height, width = rng.integers(side // 4, 3 * side // 4, 2)
            top, left = rng.integers(0, side - height), rng.integers(0, side - width)
            picture[top : top + height, left : left + width] = second[top : top + height, left : left + width]
        yield picture.round().astype(np.uint8).transpose(2, 0, 1)[None]


def look(whole: Late, source: tuple[list[np.ndarray], list[np.ndarray]], count: int) -> dict[int, Seen]:
    """Changed pictures of each side, as the unchanged early blocks and the whole network see them."""
    early = with_open_side(pretrained_encoder("lite0"))
    del early.graph.output[:]  # what only leads to the features is not run
    early.graph.output.append(onnx.helper.make_empty_tensor_value_info(f"block{FIRST - 1}.project"))
    seen = {}
    for side, share in SIDES.items():
        session = InferenceSession(with_side(early, side).SerializeToString(), providers=["CPUExecutionProvider"])
        shown = pictures(source, side, seed=side)
        maps = [session.run(None, {"pixels": next(shown)})[0] for _ in range(round(count * share))]
        x = np.concatenate(maps).transpose(0, 2, 3, 1).astype(np.float16)
        with torch.no_grad():
            last = [whole(part.float()).numpy().astype(np.float16) for part in torch.from_numpy(x).split(LOOKED_AT)]
        seen[side] = Seen(x, np.concatenate(last))
    return seen


def fit(narrow: Late, whole: Late, seen: dict[int, Seen]) -> None:
    """Narrow each block in turn; its projection makes good what those before it lost."""
    with torch.no_grad():
        wanted = [
            part.float()
            for side, share in SIDES.items()
            for part in torch.from_numpy(seen[side].early[HELD_OUT:][: round(FITTED * share)]).split(LOOKED_AT)
        ]
        got = wanted
        for number, (block, original) in enumerate(zip(narrow.blocks, whole.blocks, strict=True), FIRST):
            wanted = [original(x) for x in wanted]
            if number in KEPT:
                inner = torch.cat([block.inner(x).flatten(0, 2) for x in got]).double()
                out = torch.cat(
                    [(y - x if block.added else y).flatten(0, 2) for x, y in zip(got, wanted, strict=True)]
                ).double()
                block.keep(*fewer(inner, out, KEPT[number]))
            got = [block(x) for x in got]


def fewer(inner: Tensor, out: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which inner channels stay, and the projection and bias from them by least squares.

    A channel's price is the squared error that its going adds, its row of the solution over the diagonal of the
    inverse; the inverse without a channel follows from the one with it.

    Parameters
    ----------
    inner : float64 (N, C)
    out : float64 (N, O)
    """
    mean, mean_out = inner.mean(0), out.mean(0)
    gram = (inner - mean).T @ (inner - mean) / len(inner)
    cross = (inner - mean).T @ (out - mean_out) / len(inner)
    # A ten-thousandth of the mean variance: channels that never fire have none.
    gram += 1e-4 * gram.trace() / len(gram) * torch.eye(len(gram), dtype=gram.dtype)
    left, inverse = torch.arange(len(gram)), torch.linalg.inv(gram)
    while len(left) > count:
        price = ((inverse @ cross[left]) ** 2).sum(1) / inverse.diagonal()
        gone = int(price.argmin())
        column = inverse[:, gone]
        stay = torch.arange(len(left)) != gone
        inverse = (inverse - torch.outer(column, column) / inverse[gone, gone])[stay][:, stay]
        left = left[stay]
    project = torch.linalg.solve(gram[left][:, left], cross[left])
    return left, project, mean_out - mean[left] @ project


def learn(narrow: Late, seen: dict[int, Seen], steps: int) -> Late:
    """Match the whole network's last maps, and above all their means; returns the running mean of the weights."""
    rng = np.random.default_rng(5)
    target = torch.from_numpy(seen[160].last[:1024]).float()
    map_variance, variance = target.var((0, 1, 2)).mean(), target.mean((1, 2)).var(0)
    # Half by each channel's own variance, so that quiet channels count, too.
    weight = 0.5 / variance.mean() + 0.5 / (variance + 0.1 * variance.mean())
    parameters = list(narrow.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0, betas=(0.9, 0.99))
    average = copy.deepcopy(narrow)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        known = seen[int(rng.choice(list(SIDES), p=list(SIDES.values())))]
        rows = rng.integers(HELD_OUT, len(known.early), BATCH)
        wanted = torch.from_numpy(known.last[rows]).float()
        with torch.autocast("cpu", torch.bfloat16):
            got = narrow(torch.from_numpy(known.early[rows]).float())
        error = got.float() - wanted
        loss = 0.5 * (error**2).mean() / map_variance + (error.mean((1, 2)) ** 2 * weight).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        with torch.no_grad():
            for mean, new in zip(average.parameters(), parameters, strict=True):
                mean.lerp_(new, max(AVERAGED, 1 / (step + 1)))
    return average


def report(what: str, narrow: Late, seen: dict[int, Seen]) -> None:
    """Print how near the features of held-out pictures are to the whole network's."""
    for side, known in seen.items():
        with torch.no_grad():
            got = narrow(torch.from_numpy(known.early[:HELD_OUT]).float()).mean((1, 2))
        wanted = torch.from_numpy(known.last[:HELD_OUT]).float().mean((1, 2))
        error = ((got - wanted) ** 2).sum() / ((wanted - wanted.mean(0)) ** 2).sum()
        cosine = functional.cosine_similarity(got, wanted).mean()
        print(f"{what} {side}: cosine {cosine:.4f}, error {error:.4f} of the variance", flush=True)


if __name__ == "__main__":
    main()
