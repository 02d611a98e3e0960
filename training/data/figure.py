"""A jointed figure, drawn by code: clips with known ground truth, free of any licence.

Used for the demo clip, for tests, and beside real clips for training, so that the model also knows cleaner
pictures than its 64x64 training videos. Nothing but NumPy and OpenCV.

Angles are radians, from straight down, positive towards the side that the figure faces (in a side view) or
towards the right of the picture (in a front view). Lengths are shares of the figure's height.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np

from edgevtn.arrays import Frame

Color = tuple[int, int, int]

#: What the figure can do.
ACTIONS = ("bend", "jack", "jump", "pjump", "run", "side", "walk", "wave1", "wave2")

THIGH, SHIN, TORSO, UPPER_ARM, FOREARM, HEAD, SHOULDER, HIP = 0.25, 0.24, 0.30, 0.17, 0.16, 0.065, 0.1, 0.05


class Pose(NamedTuple):
    """Joint angles, and where the figure is: `x` and `lift` in figure heights."""

    side_view: bool
    x: float = 0.0
    lift: float = 0.0
    lean: float = 0.0
    thighs: tuple[float, float] = (0.0, 0.0)
    knees: tuple[float, float] = (0.0, 0.0)  # bend backwards
    arms: tuple[float, float] = (0.05, -0.05)
    elbows: tuple[float, float] = (0.0, 0.0)  # bend forwards


@dataclass(frozen=True)
class Look:
    """What varies between figures; the defaults are the demo's.

    Attributes
    ----------
    height : float
        Share of the picture's height.
    center, ground : float
        Where the figure stands, shares of the picture's width and height.
    tempo : float
        Factor on the speed of every movement.
    facing : int
        1: towards the right of the picture; -1: towards the left.
    """

    height: float = 0.62
    center: float = 0.5
    ground: float = 0.93
    tempo: float = 1.0
    facing: int = 1
    thickness: float = 1.0
    shirt: Color = (90, 60, 120)
    trousers: Color = (110, 80, 50)
    skin: Color = (130, 160, 205)
    hair: Color = (30, 30, 40)
    wall: Color = (165, 165, 160)
    floor: Color = (115, 105, 110)
    texture: float = 7.0  # standard deviation of the wall's blotches, grey levels
    seed: int = 0
    swing: float = field(default=1.0)  # factor on the size of every movement


def random_look(rng: np.random.Generator) -> Look:
    """A figure of random size, place, speed, build, colours and wall."""

    def color(low: int, high: int) -> Color:
        blue, green, red = (int(channel) for channel in rng.integers(low, high, 3))
        return blue, green, red

    wall = int(rng.integers(90, 220))
    skin = rng.uniform(0.45, 1.05)
    return Look(
        height=rng.uniform(0.5, 0.75),
        center=rng.uniform(0.42, 0.58),
        ground=rng.uniform(0.86, 0.97),
        tempo=rng.uniform(0.8, 1.25),
        facing=int(rng.choice([-1, 1])),
        thickness=rng.uniform(0.8, 1.25),
        shirt=color(20, 230),
        trousers=color(20, 180),
        skin=(int(130 * skin), int(160 * skin), int(205 * skin)),
        hair=color(10, 90),
        wall=tuple(int(np.clip(wall + shift, 0, 255)) for shift in rng.integers(-20, 20, 3)),  # type: ignore[arg-type]
        floor=color(60, 170),
        texture=rng.uniform(2, 14),
        seed=int(rng.integers(2**31)),
        swing=rng.uniform(0.85, 1.1),
    )


def pose(action: str, t: float, look: Look) -> Pose:
    """The figure's pose `t` seconds into an action; unknown actions stand still."""
    s, w = look.swing, 2 * math.pi * look.tempo
    if action in ("walk", "run"):
        running = action == "run"
        phase = w * t * (1.35 if running else 0.9)
        reach = (0.75 if running else 0.45) * s
        swing = math.sin(phase)
        # The leg that comes forward is bent, most so when it passes the other.
        bend = [(1.5 if running else 0.7) * s * max(0.0, math.cos(phase + side)) for side in (0, math.pi)]
        arm = (0.8 if running else 0.4) * s * swing
        return Pose(
            True,
            x=(1.5 if running else 0.62) * look.tempo * t,
            lift=(0.05 if running else 0.015) * abs(math.cos(phase)),
            lean=0.18 if running else 0.04,
            thighs=(reach * swing + 0.05, -reach * swing + 0.05),
            knees=(0.12 + bend[0], 0.12 + bend[1]),
            arms=(-arm, arm),
            elbows=(1.5, 1.5) if running else (0.25, 0.25),
        )
    if action == "jump":  # forwards, feet together
        phase = (t * look.tempo * 1.5) % 1.0
        air = math.sin(math.pi * min(1.0, phase / 0.6)) if phase < 0.6 else 0.0
        crouch = math.sin(math.pi * (phase - 0.6) / 0.4) if phase >= 0.6 else 0.0
        progress = math.floor(t * look.tempo * 1.5) + min(1.0, phase / 0.6)
        legs = (0.55 * s * crouch, 0.55 * s * crouch)
        return Pose(
            True, x=0.45 * progress, lift=0.12 * s * air, lean=0.25 * crouch + 0.05, thighs=legs,
            knees=(2 * legs[0] + 0.1, 2 * legs[0] + 0.1), arms=(-0.3 * crouch, -0.3 * crouch),
            elbows=(0.3, 0.3),
        )  # fmt: skip
    if action == "pjump":  # on the spot, seen from the front
        height = abs(math.sin(w * t * 0.75))
        return Pose(False, lift=0.14 * s * height, arms=(0.06, -0.06))
    if action == "side":  # a gallop sideways, seen from the front
        spread = 0.32 * s * abs(math.sin(w * t * 0.85))
        return Pose(
            False, x=0.85 * look.tempo * t, lift=0.04 * abs(math.cos(w * t * 0.85)),
            thighs=(spread, -spread), arms=(0.08, -0.08),
        )  # fmt: skip
    if action == "bend":
        # Down and up, then a moment of standing.
        cycle = (t * look.tempo / 2.6) % 1.0
        down = math.sin(math.pi * min(1.0, cycle / 0.9)) ** 0.7 if cycle < 0.9 else 0.0
        lean = 1.75 * s * down
        return Pose(
            True, lean=lean, thighs=(-0.12 * down, -0.12 * down), knees=(0.05, 0.05),
            arms=(0.05 + 0.25 * down, -0.05 + 0.2 * down), elbows=(0.1, 0.1),
        )  # fmt: skip
    if action == "jack":
        open_ = 0.5 - 0.5 * math.cos(w * t * 0.75)
        spread = 0.38 * s * open_
        arm = 0.12 + 2.75 * open_
        return Pose(False, lift=0.06 * math.sin(math.pi * open_), thighs=(spread, -spread), arms=(arm, -arm))
    if action in ("wave1", "wave2"):
        arm = 2.25 + 0.65 * s * math.sin(w * t * 0.85)
        other = -arm if action == "wave2" else -0.06
        return Pose(False, arms=(arm, other), elbows=(0.15, -0.15 if action == "wave2" else 0.0))
    sway = 0.02 * math.sin(w * t * 0.3)
    return Pose(False, lean=sway, arms=(0.06 + sway, -0.06 + sway))


def background(width: int, height: int, look: Look) -> Frame:
    """A blotchy wall over a floor, uint8 (height, width, 3) BGR."""
    rng = np.random.default_rng(look.seed)
    coarse = rng.normal(0, 1, (height // 8 + 1, width // 8 + 1)).astype(np.float32)
    blotches: Any = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    canvas = np.array(look.wall, np.float32) + look.texture * blotches
    floor = round(height * (look.ground - 0.02))
    canvas[floor:] = np.array(look.floor, np.float32) + 0.4 * look.texture * blotches[floor:]
    wall: Frame = np.clip(canvas, 0, 255).astype(np.uint8)
    return wall


def draw(canvas: Frame, figure: Pose, look: Look) -> None:
    """Draw the figure onto a BGR canvas, in place."""
    H, W = canvas.shape[:2]
    unit = look.height * H
    shift = 4  # fractional bits of OpenCV's coordinates
    x0 = look.center * W + look.facing * figure.x * unit

    def point(angle: float, length: float, start: tuple[float, float]) -> tuple[float, float]:
        return start[0] + look.facing * math.sin(angle) * length * unit, start[1] + math.cos(angle) * length * unit

    def fixed(p: tuple[float, float]) -> tuple[int, int]:
        return round(p[0] * 2**shift), round(p[1] * 2**shift)

    def limb(a: tuple[float, float], b: tuple[float, float], width: float, color: Color) -> None:
        pixels = max(1, round(width * unit * look.thickness))
        cv2.line(canvas, fixed(a), fixed(b), color, pixels, cv2.LINE_AA, shift)

    def darker(color: Color) -> Color:
        return tuple(int(0.8 * channel) for channel in color)  # type: ignore[return-value]

    # The hip is as high as the lower foot lets it be.
    ankles = [
        THIGH * math.cos(thigh) + SHIN * math.cos(thigh - knee)
        for thigh, knee in zip(figure.thighs, figure.knees, strict=True)
    ]
    hip = (x0, look.ground * H - (max(ankles) + 0.02 + figure.lift) * unit)
    neck = point(math.pi - figure.lean, TORSO, hip)
    half_hips, half_shoulders = (0.0, 0.0) if figure.side_view else (HIP * unit, SHOULDER * unit)
    for side, order in ((1, 0), (-1, 1)):  # the far side first
        index = 1 - order
        thigh, knee = figure.thighs[index], figure.knees[index]
        start = (hip[0] - side * half_hips, hip[1])
        joint = point(thigh, THIGH, start)
        ankle = point(thigh - knee, SHIN, joint)
        color = look.trousers if order else darker(look.trousers)
        limb(start, joint, 0.085, color)
        limb(joint, ankle, 0.07, color)
        toe = 0.06 if figure.side_view else -0.03 * side * look.facing
        limb(ankle, (ankle[0] + look.facing * toe * unit, ankle[1] + 0.01 * unit), 0.05, look.hair)
    arms = []
    for side, order in ((1, 0), (-1, 1)):
        index = 1 - order
        start = (neck[0] - side * half_shoulders, neck[1] + 0.03 * unit)
        # In a lean the arms hang: their angles are from straight down, whatever the torso does.
        elbow = point(figure.arms[index], UPPER_ARM, start)
        hand = point(figure.arms[index] + figure.elbows[index], FOREARM, elbow)
        arms.append((start, elbow, hand, look.shirt if order else darker(look.shirt)))

    def draw_arm(arm: tuple[tuple[float, float], tuple[float, float], tuple[float, float], Color]) -> None:
        limb(arm[0], arm[1], 0.06, arm[3])
        limb(arm[1], arm[2], 0.05, arm[3])
        cv2.circle(canvas, fixed(arm[2]), round(0.03 * unit * 2**shift), look.skin, -1, cv2.LINE_AA, shift)

    draw_arm(arms[0])
    if figure.side_view:
        limb(hip, neck, 0.13, look.shirt)
    else:
        for sideways in (-0.055, 0.0, 0.055):
            limb((hip[0] + sideways * 0.7 * unit, hip[1]), (neck[0] + sideways * unit, neck[1] + 0.03 * unit), 0.1, look.shirt)  # fmt: skip  # noqa: E501
    draw_arm(arms[1])
    head = point(math.pi - figure.lean, 0.09, neck)
    radius = round(HEAD * unit * 2**shift)
    cv2.circle(canvas, fixed(head), radius, look.skin, -1, cv2.LINE_AA, shift)
    crown = (head[0] - (0.015 * look.facing * unit if figure.side_view else 0), head[1] - 0.02 * unit)
    cv2.ellipse(canvas, fixed(crown), (radius, round(radius * 0.8)), 0, 180, 360, look.hair, -1, cv2.LINE_AA, shift)


def clip(
    action: str, seconds: float, look: Look, frame_rate: float = 25.0, size: tuple[int, int] = (240, 240)
) -> list[Frame]:
    """Frames of one action, uint8 (height, width, 3) BGR.

    Movements that travel are centred: the figure crosses the picture's middle at half time.
    """
    width, height = size
    wall = background(width, height, look)
    middle = pose(action, seconds / 2, look).x
    result = []
    for n in range(round(seconds * frame_rate)):
        canvas = wall.copy()
        figure = pose(action, n / frame_rate, look)
        draw(canvas, figure._replace(x=figure.x - middle), look)
        result.append(canvas)
    return result
