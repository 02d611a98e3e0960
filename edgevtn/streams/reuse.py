"""Features used again while nothing moves."""

from __future__ import annotations

from edgevtn.arrays import Float, Frame
from edgevtn.streams.base import Stream
from edgevtn.streams.stillness import Stillness


class Reuse:
    """A stream as models of one rhythm see it: it is encoded where something has moved since it was encoded for them.

    A stream that compares two frames is encoded until neither of the two that its features are of has moved: after a
    movement that takes one frame more than a stream of single frames needs.

    Parameters
    ----------
    stream : Stream
        Models of other rhythms may see it, too, each in its own way.
    stillness : Stillness, optional
        None: every frame is encoded.

    Attributes
    ----------
    held : bool
        Whether nothing had moved in the last sampled frame, so that it got the last features.
    """

    def __init__(self, stream: Stream, stillness: Stillness | None) -> None:
        self.stream = stream
        self._stillness = stillness
        self.clear()

    def clear(self) -> None:
        """Forget all frames."""
        self.held = False
        self._features: Float | None = None
        self._older_moved = False  # the frame to compare the next one with shows something else
        self._settled = not self.stream.compares
        if self._stillness is not None:
            self._stillness.clear()

    def compare_with(self, frame: Frame, timestamp: float) -> None:
        """Take a frame, between two slots, that the next slot's is to be compared with."""
        if self._stillness is not None:
            self._older_moved = not self._stillness(frame, timestamp)
        self.stream.compare_with(frame)

    def __call__(self, frame: Frame, timestamp: float, encoded: dict[Stream, Float | None]) -> Float | None:
        """Features of a sampled frame, float32 (1, W), valid until the next call; None where it has none.

        Parameters
        ----------
        frame : uint8 (H, W, 3)
        timestamp : float
            Seconds.
        encoded : dict of Stream to float32 (1, W)
            What was encoded of this frame so far; what is encoded here is added.
        """
        self.held = self._holds(frame, timestamp)
        if self.held:
            self.stream.skip(frame)
            return self._features
        if self.stream not in encoded:
            encoded[self.stream] = self.stream.encode(frame)
        features = encoded[self.stream]
        if self._stillness is not None:
            self._stillness.keep(frame, timestamp)
            self._features = None if features is None else features.copy()  # others may encode before these are wanted
        return features

    def _holds(self, frame: Frame, timestamp: float) -> bool:
        """Whether the last features are those of this frame, too."""
        if self._stillness is None or self._features is None:
            return False
        same = self._stillness(frame, timestamp) and not self._older_moved
        holds = same and self._settled
        self._older_moved, self._settled = False, same or not self.stream.compares
        return holds
