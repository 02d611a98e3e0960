"""What the recogniser says of one window, and what a detector makes of many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgevtn.arrays import Float

#: The label of a prediction that the model is not sure enough of.
UNKNOWN = "unknown"
#: The label that a model may have for an empty room and for idling: a prediction like any other, never an event.
NOTHING = "nothing"
#: Labels that are no action: they end events and begin none.
NO_ACTION = (NOTHING, UNKNOWN)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prediction:
    """A model's answer at one moment.

    Attributes
    ----------
    model : str
        The name of the model whose answer it is.
    label : str
        The most probable label, or "unknown" where its probability is below the recogniser's threshold.
    score : float
        The highest probability, 0 to 1.
    probabilities : float32 (K,)
        One for each of `labels`; they sum to 1.
    timestamp, window_start : float
        Times of the newest and of the oldest frame behind the prediction, seconds.
    labels : tuple of str
        The model's K labels.
    delay : float
        Seconds by which smoothing makes a change of the probabilities late.
    source, region : str
        The name of the camera, where there are several, and of the rectangle; else "".
    reused : bool
        Whether nothing had moved since the frame before, so that its features were used again and nothing was encoded.
    moments : float32 (T,), optional
        What each sampled frame of the window added to the best label's logit less the second's, the oldest first, where
        that was asked for and the head can tell.
    novelty : float, optional
        How unlike the model's training the newest encoded frame is: its distance over the one that 99 % of the
        training's frames keep below, so above 1 the scene is another; None where the bundle does not say. See
        `edgevtn.novelty`.
    calm : tuple of str
        Labels of which every clip that was learned from moved more than anything in this window, by a margin: they may
        be probable, as where someone sits who was seen to lie after a fall, but no event of theirs begins.
    """

    model: str
    label: str
    score: float
    probabilities: Float
    timestamp: float
    window_start: float
    labels: tuple[str, ...]
    delay: float = 0.0
    source: str = ""
    region: str = ""
    reused: bool = False
    moments: Float | None = None
    novelty: float | None = None
    calm: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """What it says, without the arrays."""
        where = "".join(f", {name}={getattr(self, name)!r}" for name in ("source", "region") if getattr(self, name))
        return (
            f"Prediction(label={self.label!r}, score={self.score:.3f}, timestamp={self.timestamp:.3f}, "
            f"window_start={self.window_start:.3f}, model={self.model!r}{where}, reused={self.reused})"
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can have it: probabilities by label; times in seconds, to the millisecond.

        Scores and probabilities have four digits; what is not finite is None. `moments` are there where they were asked
        for.
        """
        record: dict[str, Any] = {
            "model": self.model, "label": self.label, "score": rounded(self.score, 4),
            "timestamp": rounded(self.timestamp, 3), "window_start": rounded(self.window_start, 3),
            "delay": rounded(self.delay, 3), "source": self.source, "region": self.region, "reused": bool(self.reused),
            "calm": list(self.calm),
            "probabilities": {
                label: rounded(share, 4) for label, share in zip(self.labels, self.probabilities, strict=True)
            },
        }  # fmt: skip
        if self.moments is not None:
            record["moments"] = [rounded(share, 4) for share in self.moments]
        return record

    def top(self, n: int = 5) -> list[tuple[str, float]]:
        """Return the `n` most probable labels with their probabilities, highest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:n]
        return [(self.labels[k], float(self.probabilities[k])) for k in order]


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """An action that began, goes on, or has ended.

    Attributes
    ----------
    id : int
        Number of the event, counted from 1 by each detector; the same when the event begins and when it ends.
    model : str
        The name of the model that saw it.
    label : str
    start : float
        Seconds, in the source's time.
    end : float, optional
        Seconds; None while it goes on.
    score : float
        Mean probability of the label so far, 0 to 1.
    updated : float, optional
        Seconds; in an update, until when it is known to go on. None when it begins and when it has ended.
    source, region : str
        The name of the camera, where there are several, and of the rectangle; else "".
    """

    id: int
    model: str
    label: str
    start: float
    end: float | None
    score: float
    updated: float | None = None
    source: str = ""
    region: str = ""

    @property
    def kind(self) -> str:
        """What there is to tell: "begin", "update" or "end"."""
        if self.end is not None:
            return "end"
        return "begin" if self.updated is None else "update"

    def __repr__(self) -> str:
        """What happened, with times to the millisecond."""
        where = "".join(f", {name}={getattr(self, name)!r}" for name in ("source", "region") if getattr(self, name))
        until = "" if self.updated is None else f", updated={self.updated:.3f}"
        end = "None" if self.end is None else f"{self.end:.3f}"
        return (
            f"Event(id={self.id}, label={self.label!r}, start={self.start:.3f}, end={end}{until}, "
            f"score={self.score:.3f}, model={self.model!r}{where})"
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can have it, and its kind as "event"; times in seconds, to the millisecond, or None."""
        return {
            "event": self.kind, "id": self.id, "model": self.model, "label": self.label,
            "start": rounded(self.start, 3), "end": rounded(self.end, 3), "updated": rounded(self.updated, 3),
            "score": rounded(self.score, 4), "source": self.source, "region": self.region,
        }  # fmt: skip


def rounded(value: float | None, digits: int) -> float | None:
    """A number to so many digits behind the point; None for what JSON has no number for."""
    return round(float(value), digits) if value is not None and math.isfinite(value) else None
