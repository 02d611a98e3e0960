"""Train an encoder's last layers, or all of them, together with the head, on pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Sampler, Subset

from edgevtn.arrays import Float, Pixels
from edgevtn.calibration import input_size
from edgevtn.datasets import Clip
from edgevtn.kernels.difference import difference
from edgevtn.kernels.prepare import Prepare
from edgevtn.training.data.augment import mirrored_label, random_change
from edgevtn.training.data.clip import ClipFrames
from edgevtn.training.data.features import thinned
from edgevtn.training.data.windows import before, random_window
from edgevtn.training.learn import distributed
from edgevtn.training.learn.encoder import TorchEncoder
from edgevtn.training.learn.fit import chances, distillation_loss, softened, targets_of, uncertain
from edgevtn.training.learn.loop import Run, optimise
from edgevtn.training.learn.model import Decoder
from edgevtn.training.recipe import Recipe

#: Processes that decode clips for a GPU; a CPU has better things to do.
WORKERS = 8


class Whole(nn.Module):
    """Pictures uint8 (B, slots, 3, S, S) -> logits (B, K)."""

    def __init__(self, encoder: TorchEncoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, pictures: Tensor) -> Tensor:
        B, slots = pictures.shape[:2]
        features = self.encoder(pictures.flatten(0, 1)).view(B, slots, -1)
        logits: Tensor = self.decoder(features)
        return logits


class Windows(Dataset[tuple[Pixels, int, int, int, int]]):
    """Random windows of clips as pictures; the n-th is the same in every run, whoever asks for it."""

    def __init__(
        self, clips: Sequence[Clip], labels: Sequence[str], recipe: Recipe, seed: int, size: int, swap: bool
    ) -> None:
        self._clips, self._labels, self._recipe, self._seed = clips, list(labels), recipe, seed
        self._size, self._swap = size, swap
        self._chance = chances([clip.label for clip in clips])

    def __len__(self) -> int:
        return self._recipe.tuning_steps * self._recipe.tuning_batch

    def __getitem__(self, n: int) -> tuple[Pixels, int, int, int, int]:
        """Pictures (slots, 3, S, S); label; slots seen; which clip; and which of its frames is the last."""
        rng = np.random.default_rng((self._seed, n))
        chosen = int(rng.choice(len(self._clips), p=self._chance))
        clip = self._clips[chosen]
        with ClipFrames(clip.path) as decoded:
            return self._item(clip, chosen, decoded, rng)

    def _item(
        self, clip: Clip, chosen: int, decoded: ClipFrames, rng: np.random.Generator
    ) -> tuple[Pixels, int, int, int, int]:
        recipe, times = self._recipe, decoded.times
        kept = thinned(times, 1 / recipe.frame_rate)
        chosen_rows, seen = random_window(times[kept], recipe, rng)
        rows = kept[chosen_rows]
        other = mirrored_label(clip.label, self._labels)
        mirror = bool(rng.random() < 0.5) and other is not None and (self._swap or other == clip.label)
        change = random_change(decoded, rng, mirror=mirror)
        prepare = Prepare(self._size)
        prepared: dict[int, Pixels] = {}

        def picture(row: int) -> Pixels:
            if row not in prepared:
                prepared[row] = np.empty((1, 3, self._size, self._size), np.uint8)
                prepare(np.ascontiguousarray(change(decoded[row])), prepared[row])
            return prepared[row]

        if recipe.difference_interval is not None:
            older = before(times, recipe.difference_interval)
            pictures = [difference(picture(row), picture(older[row])) for row in rows]
        else:
            pictures = [picture(row) for row in rows]
        label = self._labels.index(str(other) if mirror else clip.label)
        return np.concatenate(pictures), label, seen, chosen, int(chosen_rows[-1])


def finetune(
    encoder: onnx.ModelProto,
    decoder: Decoder,
    clips: Sequence[Clip],
    labels: Sequence[str],
    recipe: Recipe,
    seed: int,
    tuned: int | None,
    run: Run,
    answers: Sequence[Float] | None = None,
) -> tuple[onnx.ModelProto, Decoder]:
    """Train both further.

    On GPUs in bfloat16 where that is safe; under torchrun on as many as there are processes.

    Parameters
    ----------
    encoder : onnx.ModelProto
        fp32; of differences: of their picture.
    decoder : Decoder
        Trained on the encoder's features.
    clips, labels, recipe, seed
        As in `edgevtn.training.learn.fit.fit`.
    tuned : int, optional
        Convolutions from the last one back; None: all.
    run : Run
    answers : sequence of float32 (N, K), optional
        A teacher's logits for each clip as it is.

    Returns
    -------
    onnx.ModelProto, Decoder
    """
    torch.manual_seed(seed)
    device = distributed.device()
    whole = Whole(TorchEncoder(encoder, tuned), decoder).to(device)
    wrapped = distributed.shared(whole)
    recipe = recipe.changed(steps=recipe.tuning_steps, batch=recipe.tuning_batch, learning_rate=recipe.tuning_rate)
    windows = Windows(clips, labels, recipe, seed, input_size(encoder), swap=answers is None)
    wanted_of = targets_of(labels, labels, recipe.label_smoothing)
    source: Iterator[list[Tensor]] | None = None

    def loss(rng: np.random.Generator) -> Tensor:
        nonlocal source
        if source is None:
            source = batches(windows, recipe, run.looks[-1].step if run.looks else 0)
        pictures, label, seen, chosen, last = next(source)
        wanted = uncertain(wanted_of[label], seen.tolist(), recipe)
        soft = None
        if answers is not None:
            taught = np.stack([answers[n][row] for n, row in zip(chosen.tolist(), last.tolist(), strict=True)])
            soft = softened(torch.from_numpy(taught), recipe).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits = wrapped(pictures.to(device))
        return distillation_loss(logits.float(), wanted.to(device), soft, recipe)

    trained = optimise(whole, loss, recipe, np.random.default_rng(seed), run)
    assert isinstance(trained, Whole)
    trained = trained.cpu()
    return trained.encoder.to_onnx(), trained.decoder


def batches(windows: Windows, recipe: Recipe, done: int) -> Iterator[list[Tensor]]:
    """Batches of this process's share of the windows, after those of the steps that are done."""
    rest = Subset(windows, range(done * recipe.batch, len(windows)))
    sampler: Sampler[Any] | None = DistributedSampler(rest, shuffle=False) if distributed.running() else None
    workers = WORKERS if torch.cuda.is_available() else 0
    processes = torch.distributed.get_world_size() if distributed.running() else 1
    # Together the processes see one batch at each step.
    size = max(1, recipe.batch // processes)
    # A generator of its own: a loader draws from PyTorch's, and a resumed run would draw once more than another.
    return iter(DataLoader(rest, size, sampler=sampler, num_workers=workers, generator=torch.Generator()))
