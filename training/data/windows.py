"""Windows of a clip: random ones to train on, and those that the recogniser would see."""

from __future__ import annotations

import numpy as np

from edgevtn.arrays import Float64, Int64
from edgevtn.bundle import RGBDIFF
from edgevtn.training.recipe import Recipe

#: Numbers of a clip's frames.
Rows = Int64
#: Moments of a clip's frames, seconds.
Times = Float64


def nearest(times: Times, slots: Times) -> Rows:
    """For each slot the row of the frame nearest to it; of two as near, the later."""
    if len(times) == 1:
        return np.zeros(len(slots), np.int64)
    upper = np.clip(np.searchsorted(times, slots), 1, len(times) - 1)
    rows: Rows = np.where(slots - times[upper - 1] < times[upper] - slots, upper - 1, upper)
    return rows


def before(times: Times, difference_interval: float) -> Rows:
    """For each frame the row of the one to compare it with: nearest to the interval earlier, and not itself."""
    rows = np.arange(len(times))
    return np.maximum(0, np.minimum(nearest(times, times - difference_interval), rows - 1))


def random_window(times: Times, recipe: Recipe, rng: np.random.Generator) -> tuple[Rows, int]:
    """Rows (slots,) of a window at random, and how many of its slots have a frame of their own.

    Some are one frame, held; of these no slot was seen, as nothing was seen to happen. Some are cut off at the clip's
    beginning, as the first windows of a stream are: the first frame fills what came before it.

    Parameters
    ----------
    times : (N,)
        Moments of the clip's frames, seconds, rising.
    recipe : Recipe
    rng : Generator
    """
    length = recipe.slots
    if rng.random() < recipe.stills:
        return np.full(length, rng.integers(len(times))), 0
    step = rng.uniform(recipe.slowest, recipe.fastest) / recipe.frame_rate
    elapsed = times - times[0]
    available = seen = min(length, int(elapsed[-1] / step) + 1)
    if rng.random() < recipe.beginnings:
        seen = int(rng.integers(1, available + 1))
    if seen < length:
        slots = np.maximum(0.0, step * (np.arange(length) - (length - seen)))
    else:
        slots = rng.uniform(0, elapsed[-1] - (length - 1) * step) + step * np.arange(length)
    return nearest(elapsed, slots), seen


def windows(times: Times, recipe: Recipe) -> Rows:
    """Rows (M, slots) of the windows by which a clip is judged.

    Those that are full, of a clip shorter than a window the fullest, its beginning filled with the first frame: as
    `edgevtn.evaluate` does. With motion input each begins with the frame before; of the first that is its own first.
    """
    elapsed = times - times[0]
    # The sampler fills a slot with a frame if the next, one interval later, would be farther from it.
    interval = elapsed[-1] - elapsed[-2] if len(times) > 1 else 0.0
    count = int(elapsed[-1] * recipe.frame_rate + min(interval / 2 * recipe.frame_rate + 0.01, 0.5)) + 1
    rows = nearest(elapsed, np.arange(count) / recipe.frame_rate)
    if recipe.modality == RGBDIFF and count > recipe.window_len:
        rows = rows[1:]  # the first frame has none before it, and its difference to itself is nothing
    missing = max(0, recipe.window_len - len(rows)) + (recipe.motion != "none")
    rows = np.concatenate([np.repeat(rows[:1], missing), rows])
    return np.lib.stride_tricks.sliding_window_view(rows, recipe.slots)


def ending_windows(times: Times, recipe: Recipe) -> Rows:
    """Rows (N, slots) of the windows that end at each of the N frames; the first frame fills what came before it."""
    elapsed = times - times[0]
    back = np.arange(recipe.slots)[::-1] / recipe.frame_rate
    slots = np.maximum(0.0, elapsed[:, None] - back)
    return nearest(elapsed, slots.ravel()).reshape(slots.shape)
