"""False alarms: what would have been reported while clips of nothing ran, by models that did not learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgevtn.arrays import Half
from edgevtn.events import EventDetector
from edgevtn.heads.linear import ROOT, Linear, LinearFacts, rooted
from edgevtn.prediction import NOTHING, UNKNOWN, Event, Prediction
from edgevtn.smoothing import softmax
from edgevtn.teaching.fit import Fitted, Material, fit
from edgevtn.teaching.movement import least_movements
from edgevtn.teaching.nothing import PARTS
from edgevtn.teaching.ridge import Int


def alarms(
    material: Material, fitted: Fitted, make_nothing: bool, whole: Sequence[tuple[Sequence[Half], Int]]
) -> tuple[float, float]:
    """Alarms in an hour, and the hours behind that.

    The clips run from beginning to end, window after window, as before a camera, and `EventDetector` says what would
    have been an event. Each part of a clip is judged by a model fitted again without it and its like of other clips.

    Parameters
    ----------
    material : Material
    fitted : Fitted
        What was chosen for it.
    make_nothing : bool
        As for `fit`.
    whole : sequence of (sequence of float16 (N, W), int64 (P,))
        Features of each clip of nothing at the material's rate, by stream, and the groups of its parts, the first one
        first.
    """
    candidate = fitted.candidate
    step = round(material.rate / candidate.rate)
    moves = least_movements(material, candidate.rate, material.named)
    streams = [
        _Stream([rows[::step] for rows in clip], len(groups), candidate.window_len, candidate.rate, moves)
        for clip, groups in whole
    ]
    for part in range(PARTS):
        apart = [groups[part] for _, groups in whole if part < len(groups)]
        if not apart:
            break
        less = material.only(np.flatnonzero(~np.isin(material.group_of, apart)))
        if not (less.classes == material.named).any():
            less = replace(less, labels=material.labels[: material.named])
        model, _ = fit([less], make_nothing, [candidate])
        for stream in streams:
            stream.judge(model, material.labels[: material.named])
    hours = sum(len(clip[0]) for clip, _ in whole) / material.rate / 3600
    return sum(stream.finish() for stream in streams) / hours, hours


class _Stream:
    """A clip that runs, part by part."""

    def __init__(
        self, streams: Sequence[Half], parts: int, window_len: int, rate: float, moves: Sequence[float]
    ) -> None:
        self._streams = streams
        frames = rooted(streams[0].astype(np.float32))
        self._changes = np.append(0.0, np.abs(frames[1:] - frames[:-1]).mean(axis=1))
        self._moves = moves
        self._bounds = [len(streams[0]) * n // parts for n in range(parts + 1)]
        self._window_len, self._rate = window_len, rate
        self._detector = EventDetector()
        self._alarms = 0

    def judge(self, model: Fitted, named: Sequence[str]) -> None:
        """The next part, if there is one."""
        if len(self._bounds) < 2:
            return
        first, last = self._bounds[:2]
        self._bounds = self._bounds[1:]
        labels = (*named, *((NOTHING,) if model.nothing else ()), UNKNOWN)
        facts = LinearFacts(
            sum(rows.shape[1] for rows in self._streams), len(labels), self._window_len, model.candidate.statistics,
            ROOT, model.temperature,
        )  # fmt: skip
        head = Linear(facts, {"w_classes": model.w, "b_classes": model.b})
        past = self._window_len - 1
        for n in range(first, last + past):
            row = max(0, n - past)  # the first window is filled with the first frame, so that every second counts
            head.push(np.concatenate([rows[row : row + 1] for rows in self._streams], axis=1, dtype=np.float32))
            if n < first + past:
                continue
            moment = (n - past) / self._rate
            found = softmax(head())
            best = int(found.argmax())
            begun = max(0.0, moment - past / self._rate)
            largest = self._changes[max(1, row - past + 1) : row + 1].max(initial=0.0)
            calm = tuple(label for label, least in zip(named, self._moves, strict=True) if largest < least)
            self._count(
                self._detector.update(
                    Prediction("", labels[best], float(found[best]), found, moment, begun, labels, calm=calm)
                )
            )

    def finish(self) -> int:
        """The alarms, when the clip is over."""
        self._count(self._detector.finish())
        return self._alarms

    def _count(self, events: list[Event]) -> None:
        self._alarms += sum(event.end is None for event in events)
