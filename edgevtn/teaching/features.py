"""Clips through the sampler, the preparation and the encoder of the recogniser: rows of features at a rate."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevtn.arrays import Float, Frame
from edgevtn.bundle import RGB as RGB_NAME
from edgevtn.bundle import Bundle, load_bundle
from edgevtn.bundle.facts import ENCODER
from edgevtn.cpu import default_threads
from edgevtn.encoder import Encoder
from edgevtn.errors import BundleError, SourceError
from edgevtn.frame import check_frame
from edgevtn.sampler import Sampler
from edgevtn.sources import frames
from edgevtn.streams import RGB, Picture
from edgevtn.teaching.cache import Arrays, FeatureCache, default_cache, fingerprint

Half = npt.NDArray[np.float16]
Source = str | int | Path | Iterable[tuple[float, Frame]]

#: Hz. Every second row is then what a model of 6.25 Hz sees: where one rate divides the other, slots share frames.
RATE = 12.5
#: Seconds for which a missing frame is filled with the one before. No window is longer, so after more a stream begins
#: anew.
LONGEST_GAP = 6.0


@dataclass(frozen=True)
class ClipFeatures:
    """A clip, or a part of it, as its encoder saw it.

    Attributes
    ----------
    views : dict of int to float16 (N, W)
        Features of every slot by the side of the pictures, pixels, as the encoder saw them; the largest first. Half
        precision is an eighth of what INT8 encoding rounds, and half the bytes.
    rate : float
        Hz; row n lies n / rate seconds after the first.
    notes : tuple of str
        What was odd about the clip, a sentence each.
    """

    views: dict[int, Half]
    rate: float
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> Half:
        """Features of the largest pictures, float16 (N, W)."""
        return next(iter(self.views.values()))

    @property
    def seconds(self) -> float:
        """From the first row to the end of the last one's slot."""
        return len(self.rows) / self.rate

    def at(self, rate: float, size: int | None = None) -> Float:
        """The rows, float32, that a model of `rate`, which must divide the clip's own, and of a side would see."""
        step = self.rate / rate
        if step < 1 or step != round(step):
            raise ValueError(f"expected a rate that divides {self.rate:g} Hz, got {rate:g}")
        rows = self.rows if size is None else self.views[size]
        return np.ascontiguousarray(rows[:: round(step)], np.float32)


class Extractor:
    """Encodes clips with a bundle's encoder, one frame at a time, and keeps the results.

    Parameters
    ----------
    encoder : path or Bundle
        A bundle, of which the encoder is used; "default" is the one that comes with edgevtn.
    rate : float
        Hz.
    cache : FeatureCache, optional
        The user's own if None.
    threads : int, optional
        Threads of the encoder; as `Recognizer` chooses if None.
    sizes : sequence of int, optional
        Sides of the pictures, pixels, each of which the encoder must take; the largest that it takes if None, which
        tells most actions apart.

    Attributes
    ----------
    bundle : Bundle
    sizes : tuple of int
        The largest first.

    Raises
    ------
    BundleError
        It cannot be used, or its encoder sees differences, or does not take one of the sizes.
    """

    def __init__(
        self,
        encoder: str | Path | Bundle = "default",
        rate: float = RATE,
        cache: FeatureCache | None = None,
        threads: int | None = None,
        sizes: Sequence[int] | None = None,
    ) -> None:
        self.bundle = encoder if isinstance(encoder, Bundle) else load_bundle(encoder)
        facts = self.bundle.model.encoder
        if facts.modality != RGB_NAME:
            raise BundleError(f"{self.bundle.path}: expected an encoder of frames to teach on, got one of differences")
        takes = facts.sizes or (facts.input_size,)
        wrong = sorted(set(sizes or ()) - set(takes))
        if wrong:
            known = ", ".join(map(str, takes))
            raise BundleError(f"{self.bundle.path}: its encoder takes pictures of {known} pixels, not of {wrong[0]}")
        self.sizes = tuple(sorted(set(sizes or (max(takes),)), reverse=True))
        self.rate = rate
        self._cache = default_cache() if cache is None else cache
        self._threads = default_threads() if threads is None else threads
        self._streams: dict[int, RGB] = {}

    def __call__(self, source: Source, start: float = 0.0, end: float | None = None) -> ClipFeatures:
        """Features of a clip between two times.

        Parameters
        ----------
        source : path, str, int, or iterable
            As `edgevtn.frames` opens. Files and folders of images are cached.
        start, end : float
            Seconds from the clip's first frame; to its end if None.

        Raises
        ------
        SourceError
            It cannot be read, or has no frame between the two times.
        ValueError
            `end` is not later than `start`, or `start` is negative.
        """
        if not (start >= 0 and (end is None or end > start)):
            raise ValueError(f"expected 0 <= start < end, got {start} and {end}")
        try:
            content = fingerprint(source)
        except OSError as error:
            raise SourceError(f"{source}: cannot be read ({error.strerror or error})") from error
        digest, W = self.bundle.model.sha256[ENCODER], self.bundle.model.encoder.width

        def compute() -> Arrays:
            views, notes = self._encode(source, start, end)
            return {str(size): rows for size, rows in views.items()} | {"notes": np.array(notes, np.str_)}

        if content is None:
            stored = compute()
        else:
            key = f"{digest} {content} {self.rate} {start} {end} {self.sizes}"
            stored = self._cache.get(key, compute)
        views: dict[int, Half] = {size: stored[str(size)] for size in self.sizes}
        assert all(rows.ndim == 2 and rows.shape[1] == W for rows in views.values())
        return ClipFeatures(views, self.rate, tuple(map(str, stored["notes"])))

    def _stream(self, size: int) -> RGB:
        model = self.bundle.model
        facts = replace(model.encoder, input_size=size)
        encoder = Encoder(replace(self.bundle, model=replace(model, encoder=facts)), self._threads)
        return RGB(encoder, Picture(size, facts.color_order, encoder.input_shape))

    def _encode(self, source: Source, start: float, end: float | None) -> tuple[dict[int, Half], list[str]]:
        if not self._streams:  # a session costs half a second, and a clip may be cached
            self._streams = {size: self._stream(size) for size in self.sizes}
        sampler, views = Sampler(self.rate), {size: list[Half]() for size in self.sizes}
        first: float | None = None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with frames(source) as opened:
                for timestamp, frame in opened:
                    check_frame(frame)
                    first = timestamp if first is None else first
                    elapsed = timestamp - first
                    if elapsed < start:
                        continue
                    if end is not None and elapsed > end:
                        break
                    slots = sampler.slots(timestamp)
                    if slots:
                        missing = min(slots - 1, round(LONGEST_GAP * self.rate))
                        whole = np.ascontiguousarray(frame)
                        for size, rows in views.items():
                            stream = self._streams[size]
                            stream.picture.forget()
                            rows += rows[-1:] * missing
                            rows.append(stream.encode(whole)[0].astype(np.float16))
        if first is None or not all(views.values()):
            until = "its end" if end is None else f"{end:g} s"
            raise SourceError(f"{source}: has no frame between {start:g} s and {until}")
        return {size: np.stack(rows) for size, rows in views.items()}, [str(entry.message) for entry in caught]
