"""Clips changed at random, the same way in every frame: what differs between one camera and the next."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from edgevtn.arrays import Frame
from edgevtn.training.data.figure import background, random_look

#: Share of clips from a camera that stands still whose background is replaced.
REPLACED = 0.5
#: Grey levels by which a pixel differs from the background before it belongs to someone.
FOREGROUND = 18
#: Share of a picture that moves: less is noise, and whoever sits still is part of the background; more, and the
#: camera moves.
LEAST_MOVING, MOST_MOVING = 0.005, 0.35
#: Frames that the background is the median of: more change it no further.
MEDIAN_FRAMES = 25


def mirrored_label(label: str, labels: Sequence[str]) -> str | None:
    """What a clip shows in a mirror: "turn left" becomes "turn right"; None if no label says what it becomes."""

    def swap(found: re.Match[str]) -> str:
        return {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}[found.group()]

    other = re.sub(r"(?<![a-zA-Z])([lL]eft|[rR]ight)(?![a-zA-Z])", swap, label)
    return other if other == label or other in labels else None


def static_background(frames: Sequence[Frame]) -> Frame | None:
    """The median picture of a clip whose camera stands still and in which someone moves; else None."""
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), MEDIAN_FRAMES)).round().astype(int)
    some = np.stack([frames[n] for n in chosen])
    median = np.median(some, axis=0).astype(np.uint8)
    moving = (cv2.absdiff(frame, median).max(axis=2) > FOREGROUND for frame in some)
    shares = np.array([mask.mean() for mask in moving])
    still = np.median(shares) >= LEAST_MOVING and shares.max() <= MOST_MOVING
    return median if still else None


def replace_background(frame: Frame, old: Frame, new: Frame) -> Frame:
    """Whoever stands out from the old background, before the new one."""
    changed = (cv2.absdiff(frame, old).max(axis=2) > FOREGROUND).astype(np.float32)
    height = frame.shape[0]
    size = max(3, height // 24 | 1)  # a person's holes are closed, and the edge is softened, in proportion
    kernel = np.ones((size, size), np.uint8)
    mask = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, kernel)
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.8, height / 120))[:, :, None]
    result: Frame = (new + mask * (frame.astype(np.float32) - new)).round().astype(np.uint8)
    return result


def random_change(
    frames: Sequence[Frame], rng: np.random.Generator, *, mirror: bool, backgrounds: bool = True
) -> Callable[[Frame], Frame]:
    """A change of view, light and surroundings for the frames of a clip.

    Shifted and scaled by up to a tenth, brighter or darker, its colours turned, sharper or more blurred; mirrored if
    `mirror`; and half of the clips in which someone moves before a camera that stands still are moved to another,
    drawn, place, so that a model learns the person and not the wall.
    """
    scale, shift = rng.uniform(0.9, 1.12), rng.uniform(-0.08, 0.08, 2)
    gain, offset = rng.uniform(0.75, 1.25), rng.uniform(-20, 20)
    tint = rng.uniform(0.92, 1.08, 3)
    blur = rng.uniform(0, 0.9)
    replaced, look = rng.random() < REPLACED, random_look(rng)
    old = static_background(frames) if backgrounds and replaced else None
    new = None if old is None else background(old.shape[1], old.shape[0], look)

    def apply(frame: Frame) -> Frame:
        if old is not None and new is not None:
            frame = replace_background(frame, old, new)
        H, W = frame.shape[:2]
        turn = np.array([[scale, 0, W * ((1 - scale) / 2 + shift[0])], [0, scale, H * ((1 - scale) / 2 + shift[1])]])
        moved = cv2.warpAffine(frame, turn, (W, H), borderMode=cv2.BORDER_REPLICATE)
        if blur > 0.3:
            moved = cv2.GaussianBlur(moved, (0, 0), blur * min(H, W) / 64)
        if mirror:
            moved = moved[:, ::-1]
        return np.clip(moved * (gain * tint) + offset, 0, 255).astype(np.uint8)

    return apply
