"""One model at work: its heads' windows, the mean of their logits, smoothing, and the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgevtn.arrays import Float
from edgevtn.bundle import Bundle, Model
from edgevtn.errors import NotFiniteError
from edgevtn.heads import Head
from edgevtn.novelty import doubt, doubted
from edgevtn.prediction import UNKNOWN, Prediction
from edgevtn.sampler import Sampler
from edgevtn.smoothing import Smoothing, softmax
from edgevtn.streams import Reuse, Stream


@dataclass(frozen=True)
class Options:
    """What a caller chooses for every model alike; see `edgevtn.Recognizer`."""

    precision: str = "auto"
    start: str = "wait"
    smoothing: float = 0.0
    unknown_below: float | None = None


class Runner:
    """A model, fed with the features of its streams.

    Parameters
    ----------
    name : str
        The model's name in its predictions.
    bundles : sequence of Bundle
        One for each stream.
    views : sequence of Reuse
        How it sees each of them; others may see them so, too.
    sampler : Sampler
        Says which frames the model sees; others may use it, too.
    options : Options

    Attributes
    ----------
    model : Model
        The facts; with two streams those of the first.
    window_duration : float
        Seconds from the first frame of a window to the last.
    """

    def __init__(
        self, name: str, bundles: Sequence[Bundle], views: Sequence[Reuse], sampler: Sampler, options: Options
    ) -> None:
        self.name, self.sampler, self.views = name, sampler, tuple(views)
        self.streams = tuple(view.stream for view in views)
        self.model: Model = bundles[0].model
        self.heads = [
            bundle.model.head.build(bundle.head, bundle.path / bundle.model.head.file, options.precision)
            for bundle in bundles
        ]
        self._known = [bundle.novelty for bundle in bundles]
        self.window_duration = max(bundle.model.window_duration for bundle in bundles)
        #: Slots of the longest window; a window of differences needs one frame more than it has features.
        self._slots = round(self.window_duration * self.model.frame_rate) + 1
        self._repeat_start = options.start == "repeat"
        own = self.model.head.threshold
        self._unknown_below = own if options.unknown_below is None else options.unknown_below
        self._smoothing = Smoothing(options.smoothing)
        self.reset()

    @property
    def precision(self) -> str:
        """Precision of the first head's matrix products: "fp32" or "int8"."""
        return self.heads[0].precision

    def reset(self) -> None:
        """Forget all frames."""
        for head in self.heads:
            head.clear()
        self._smoothing.reset()
        self._first: float | None = None  # timestamp of the first frame since then, seconds
        self._last: list[Float | None] = [None] * len(self.heads)  # features of the last frame
        self._same = 0  # slots in a row that had the features of the one before
        self._novelty: float | None = None  # of the newest frame that was encoded
        self._doubt = 1.0  # that follows from it
        self._settled: Float | None = None  # probabilities of a window of which all rows are the same
        self._calm: tuple[str, ...] = ()  # labels that it moves too little for

    def take(self, features: Sequence[Float | None], slots: int, timestamp: float) -> Prediction | None:
        """Take a sampled frame.

        Parameters
        ----------
        features : sequence of float32 (1, W)
            One for each stream; None for a stream that compares two frames and has seen one.
        slots : int
            How many slots the frame closes: all but the last had no frame.
        timestamp : float
            Seconds.

        Returns
        -------
        Prediction or None
            None while the window is not full, unless it is to be filled with the first frame.
        """
        if slots > self._slots:
            self.reset()  # no frame of the last window would be left, so a new one begins
        first = self._first is None
        if self._first is None:
            self._first = timestamp
        reused = all(view.held for view in self.views)
        # A slot whose frame was lost repeats the features, but those of a difference: it has none.
        meant = slots <= self.sampler.factor
        if not reused:
            pairs = zip(self._known, features, strict=True)
            measured = [known(values) for known, values in pairs if known is not None and values is not None]
            self._novelty = max(measured, default=None)
            self._doubt = doubt(measured) if self.model.head.rejects else 1.0
        repeats = meant or not any(stream.compares for stream in self.streams)
        self._same = self._same + slots if reused and repeats else 0
        if not self._same:
            self._settled = None
        elif self._settled is not None:
            return self._predict(self._settled, timestamp, self._first, reused)
        for n, (head, stream, values) in enumerate(zip(self.heads, self.streams, features, strict=True)):
            if first and stream.compares:
                continue  # nothing before it in this window to compare it with
            # A slot that was left out on purpose lies between two encoded frames, and has what the nearer shows.
            last = self._last[n] if meant and not first and not reused else None
            for slot in range(1, 1 if first else slots):
                if last is not None and 2 * slot < slots:
                    head.push(last)
                else:
                    self._repeat(head, stream, values if meant else None)
            if values is not None:
                head.push(values)
                self._last[n] = values.copy() if self.sampler.factor > 1 else None
        for head, stream in zip(self.heads, self.streams, strict=True):
            if not head.window.full and not self._repeat_start:
                return None
            while not head.window.full:
                self._repeat(head, stream)
        probabilities = doubted(softmax(self.logits()), self._doubt)
        self._calm = tuple(self.model.labels[k] for k in self.heads[0].calm())
        if self._same > self._slots:  # every row is the same, so what follows will say the same
            self._settled = probabilities
        return self._predict(probabilities, timestamp, self._first, reused)

    @staticmethod
    def _repeat(head: Head, stream: Stream, values: Float | None = None) -> None:
        """A slot without a frame; with the features that it has all the same, if they are known."""
        if values is not None:
            head.push(values)
        elif stream.still is None:
            head.repeat()
        else:
            head.push(stream.still)

    def logits(self) -> Float:
        """Mean of the heads' logits, float32 (K,).

        Raises
        ------
        NotFiniteError
            They are no finite numbers; nothing is remembered of them but what the window has.
        """
        plain = self.heads[0].plain()
        for head in self.heads[1:]:
            plain = plain + head.plain()
        if len(self.heads) > 1:
            plain /= np.float32(len(self.heads))
        logits = self.heads[0].finish(plain)
        if not np.isfinite(logits).all():
            raise NotFiniteError(f"{self.name}: its head gives scores that are no finite numbers; export it again")
        return logits

    def moments(self, prediction: Prediction) -> Float | None:
        """Which rows of the present window spoke for its prediction; None where the head cannot tell."""
        if len(prediction.labels) < 2:
            return None
        best, second = np.argsort(-prediction.probabilities, kind="stable")[:2].tolist()
        found = [head.moments(best, second) for head in self.heads]
        known = [moments for moments in found if moments is not None]
        if len(known) < len(found) or len({len(moments) for moments in known}) > 1:
            return None
        shares: Float = np.mean(known, axis=0)
        return shares

    def _predict(self, found: Float, timestamp: float, first: float, reused: bool) -> Prediction:
        probabilities = self._smoothing(found, timestamp)
        best = int(probabilities.argmax())
        score = float(probabilities[best])
        labels = self.model.labels
        label = labels[best] if score >= self._unknown_below else UNKNOWN
        window_start = max(first, timestamp - self.window_duration)
        delay = self._smoothing.delay
        return Prediction(
            self.name,
            label,
            score,
            probabilities,
            timestamp,
            window_start,
            labels,
            delay,
            reused=reused,
            novelty=self._novelty,
            calm=self._calm,
        )
