"""From features of clips to a head: the choice, the fit, and what left-out clips say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float
from edgevtn.bundle import RGB
from edgevtn.teaching.choose import (
    LIVE_WINDOWS,
    RATES,
    SETS,
    Candidate,
    Tried,
    best_strength,
    candidates,
    cheapest,
    choose,
)
from edgevtn.teaching.confidence import fit_gate, fit_temperature
from edgevtn.teaching.features import moving
from edgevtn.teaching.nothing import RECIPES, made
from edgevtn.teaching.ridge import Float64, Int, Ridge, balanced, targets_of
from edgevtn.teaching.scale import Scale
from edgevtn.teaching.windows import Measure, columns

#: What is taken where no group can be left out, so that nothing can be compared: of one take of each of ten labels it
#: recognised most. The rate is 12.5 Hz, or the highest that may be; the window is in seconds.
FALLBACK, FALLBACK_SECONDS = SETS[0], 1.28
FALLBACK_STRENGTH = 0.1
#: For scores, where there are none of clips left out: that of a few clips of each class.
FALLBACK_TEMPERATURE, FALLBACK_OFFSET, FALLBACK_LEVEL = 0.2, -0.5, -0.9


@dataclass(frozen=True)
class Material:
    """Clips to fit on, sorted so that their order does not matter.

    Attributes
    ----------
    clips : list of float32 (N, W)
        Roots of features at `rate`; of clips of nothing a piece each.
    classes, group_of : int64 (n,)
    rate : float
        Hz.
    labels : tuple of str
        K; "nothing", if it has clips, is the last.
    named : int
        Labels without "nothing".
    size : int
        Side of the pictures that were encoded, pixels.
    modality : {"rgb", "two-stream", "movement"}
        What the features are of; those of differences stand behind those of frames.
    """

    clips: list[Float]
    classes: Int
    group_of: Int
    rate: float
    labels: tuple[str, ...]
    named: int
    size: int
    modality: str = RGB

    def only(self, kept: Int) -> Material:
        """The same of some of its clips, int64 indices."""
        clips = [self.clips[n] for n in kept]
        return replace(self, clips=clips, classes=self.classes[kept], group_of=self.group_of[kept])

    @property
    def moving(self) -> int:
        """How many of the features, the last ones, are of differences."""
        return moving(self.modality, self.clips[0].shape[1])

    @property
    def groups(self) -> list[Int]:
        """Clips that are left out together."""
        return [np.flatnonzero(self.group_of == group) for group in np.unique(self.group_of)]

    @property
    def single(self) -> tuple[str, ...]:
        """Labels of one take: with it left out, nothing of them is left to learn from."""
        takes = [len(np.unique(self.group_of[self.classes == k])) for k in range(self.named)]
        return tuple(label for label, count in zip(self.labels, takes, strict=False) if count < 2)

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Whether a clip of a label that has another take, or of nothing: left out, it tells something; bool (n,)."""
        return ~np.isin(self.classes, [self.labels.index(label) for label in self.single])

    @property
    def judged(self) -> Int:
        """The counted clips that are of actions, int64 indices."""
        return np.flatnonzero(self.counted & (self.classes < self.named))

    @property
    def comparable(self) -> bool:
        """Whether candidates can be compared by clips left out: the most clips are judged, of two labels or more."""
        judged = self.judged
        most = 2 * len(judged) > np.count_nonzero(self.classes < self.named)
        return bool(most) and len(np.unique(self.classes[judged])) > 1


@dataclass(frozen=True)
class Fitted:
    """A head, and what it says of clips that were left out.

    Attributes
    ----------
    candidate : Candidate
    strength, temperature, level : float
    w : float32 (M, K + 1 or K + 2)
        Classes, "nothing" where there is any, and "unknown", whose column is 0.
    b : float32 (K + 1 or K + 2,)
    nothing : bool
        Whether there is a class "nothing".
    tried : tuple of Tried
        Empty where nothing could be compared.
    scores : float64 (n, K or K + 1)
        Scores of the clips with their group left out, "nothing" as it is in the head; NaN where it could not be.
    plain : bool (m,)
        Whether each clip of the labels was recognised before anything was taken off "nothing".
    recipe : tuple of str
        What "nothing" was made of, beside clips.
    """

    candidate: Candidate
    strength: float
    temperature: float
    level: float
    w: Float
    b: Float
    nothing: bool
    tried: tuple[Tried, ...]
    scores: Float64
    plain: npt.NDArray[np.bool_]
    recipe: tuple[str, ...]


def fit(
    materials: Sequence[Material],
    make_nothing: bool = True,
    among: Sequence[Candidate] | None = None,
    rates: Sequence[float] = RATES,
) -> tuple[Fitted, Material]:
    """Choose, and fit.

    Parameters
    ----------
    materials : sequence of Material
        The same clips in pictures of one size or several, and of one modality or several; the first is taken where
        nothing can be compared.
    make_nothing : bool
        Make material for "nothing" of the clips themselves.
    among : sequence of Candidate, optional
        What to choose among; what suits the clips' lengths if None.
    rates : sequence of float
        Hz, to choose among in that case.

    Returns
    -------
    Fitted
    Material
        The one that it was fitted on.
    """
    material = materials[0]
    known = np.flatnonzero(material.classes < material.named)
    classes, group_of = material.classes[known], material.group_of[known]
    tried: list[Tried] = []
    candidate = Candidate(FALLBACK, max(rates), round(FALLBACK_SECONDS * max(rates)), material.size, material.modality)
    if material.comparable:
        groups, counted = material.only(known).groups, material.counted[known]
        for own in materials:
            clips = [own.clips[n] for n in known]
            every = candidates(lengths(clips, own.rate), own.size, rates, own.modality) if among is None else among
            fitting = [c for c in every if (c.size, c.modality) == (own.size, own.modality)]
            tried += choose(clips, classes, groups, own.rate, fitting, counted)
        judged = material.judged
        weights = balanced(material.classes[judged], np.ones(len(judged)))
        candidate = cheapest(tried, weights, material.only(judged).groups).candidate
        found = candidate.size, candidate.modality
        material = next(own for own in materials if (own.size, own.modality) == found)
    elif among:
        candidate = among[0]
    W = material.clips[0].shape[1]
    step = round(material.rate / candidate.rate)
    measure, which = Measure(candidate.window_len, W), columns(candidate.statistics, W)
    thinned = [clip[::step] for clip in material.clips]
    rows = np.stack([measure.clip(clip, step) for clip in material.clips])[:, which]
    some = [measure.some(clip, LIVE_WINDOWS)[:, which] for clip in thinned]
    results = []
    for recipe in RECIPES if make_nothing else RECIPES[-1:]:
        extra, extra_groups = made(
            recipe, [thinned[n] for n in known], classes, group_of, measure, candidate.window_len, material.moving
        )
        results.append(_fit(material, rows, some, extra[:, which], extra_groups, candidate, tuple(tried), recipe))
        if not material.comparable:
            break
    return _most(results, classes), material


def _fit(
    material: Material, rows: Float, some: list[Float], extra: Float, extra_groups: Int, candidate: Candidate,
    tried: tuple[Tried, ...], recipe: tuple[str, ...],
) -> Fitted:  # fmt: skip
    n, W, K = len(rows), material.clips[0].shape[1], material.named
    weights = balanced(material.classes, np.ones(n))
    scale = Scale.of(rows, weights, candidate.statistics, W, material.modality)
    scaled = scale(np.concatenate([rows, extra]))
    products = (scaled @ scaled.T).astype(np.float64)
    owner = np.repeat(np.arange(n), [len(part) for part in some])
    asked = (scale(np.concatenate(some)) @ scaled.T).astype(np.float64)
    # Labels are fitted on what was recorded alone: what is made of nothing would bend them.
    targets = targets_of(material.classes, len(material.labels))[:, :K]
    counted = material.counted if material.comparable else None
    parts = [_Columns.fit(products[:n, :n], weights, targets, material.group_of, asked[:, :n], owner, counted)]
    nothing = bool(len(extra)) or len(material.labels) > K
    if nothing:
        kinds = np.concatenate([material.classes, np.full(len(extra), len(material.labels))])
        weights, targets = balanced(kinds, np.ones(len(kinds))), np.where(kinds >= K, 1.0, -1.0)[:, None]
        groups = np.concatenate([material.group_of, extra_groups])
        if counted is not None:
            counted = np.append(counted, np.ones(len(extra), bool))
        parts.append(_Columns.fit(products, weights, targets, groups, asked, owner, counted))
    scores = np.concatenate([part.scores[:n] for part in parts], axis=1)
    temperature, offset, level = FALLBACK_TEMPERATURE, FALLBACK_OFFSET, FALLBACK_LEVEL
    # Where labels have one take there are few clips, of which those without one more say too little: of what they are
    # sure, models of still less are not, and half of what is recognised would be "unknown".
    if material.comparable and not material.single:
        named = material.classes[owner] < K
        live = np.concatenate([part.live for part in parts], axis=1)[named]
        truth, share = material.classes[owner][named], (parts[0].weights[owner] / np.bincount(owner)[owner])[named]
        temperature = fit_temperature(live[:, :K], truth, share)
        offset, level = fit_gate(live, K, truth, share, temperature)
    B = np.concatenate([scaled[: len(part.a)].T.astype(np.float64) @ part.a for part in parts], axis=1)
    B *= scale.factor[:, None]
    b = np.concatenate([part.b for part in parts]) - scale.mean @ B
    b[K:] += offset
    plain = (scores.argmax(axis=1) == material.classes)[material.classes < K]
    scores[:, K:] += offset
    w = np.concatenate([B, np.zeros((len(B), 1))], axis=1) / temperature
    return Fitted(
        candidate, parts[0].strength, temperature, level, w.astype(np.float32),
        (np.append(b, level) / temperature).astype(np.float32), nothing, tried, scores, plain, recipe,
    )  # fmt: skip


def lengths(clips: Sequence[Float], rate: float) -> list[float]:
    """Seconds of clips, float32 (N, W) at a rate in Hz."""
    return [len(clip) / rate for clip in clips]


@dataclass(frozen=True)
class _Columns:
    """Some of a head's labels, fitted: coefficients, and scores of rows and windows with their group left out."""

    weights: Float64
    strength: float
    a: Float64
    b: Float64
    scores: Float64
    live: Float64

    @classmethod
    def fit(
        cls, products: Float64, weights: Float64, targets: Float64, group_of: Int, asked: Float64, owner: Int,
        counted: npt.NDArray[np.bool_] | None,
    ) -> _Columns:  # fmt: skip
        ridge = Ridge.of(products, weights, targets)
        strength = FALLBACK_STRENGTH
        scores, live = np.full(targets.shape, np.nan), np.full((len(asked), targets.shape[1]), np.nan)
        if counted is not None:
            groups = [np.flatnonzero(group_of == group) for group in np.unique(group_of)]
            strength, scores, _ = best_strength(ridge, groups, counted)
            live = ridge.left_out_others(strength, groups, asked, owner, scores)
        return cls(weights, strength, *ridge.coefficients(strength), scores, live)


def _most(results: list[Fitted], classes: Int) -> Fitted:
    """The first, which makes most material, of those that take as few clips for nothing as the best, within an error.

    So what is still is no "nothing" where an action is.
    """
    if len(results) == 1:
        return results[0]
    shares = balanced(classes, np.ones(len(classes)))
    shares /= shares.sum()
    right = [result.plain.astype(float) for result in results]
    best = max(right, key=lambda own: float(shares @ own))
    for result, own in zip(results, right, strict=True):
        lost = (best - own) * shares
        error = np.sqrt(len(lost) / (len(lost) - 1) * ((lost - lost.mean()) ** 2).sum())
        if lost.sum() <= error + 1e-12:
            return result
    raise AssertionError("the best is within an error of itself")
