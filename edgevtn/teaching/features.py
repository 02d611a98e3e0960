"""Clips through the sampler, the preparation and the encoder of the recogniser: rows of features at a rate."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgevtn.arrays import Float, Frame, Half
from edgevtn.bundle import RGB, RGBDIFF, TWO_STREAM, Bundle, load_streams
from edgevtn.bundle.facts import ENCODER
from edgevtn.cpu import default_threads
from edgevtn.encoder import Encoder
from edgevtn.errors import BundleError, SourceError
from edgevtn.frame import check_frame
from edgevtn.sampler import Sampler
from edgevtn.sources import frames
from edgevtn.streams import MODALITIES, Picture, Stream
from edgevtn.teaching.cache import Arrays, FeatureCache, default_cache, fingerprint

Source = str | int | Path | Iterable[tuple[float, Frame]]

#: Hz. Every second row is then what a model of 6.25 Hz sees: where one rate divides the other, slots share frames.
RATE = 12.5
#: Frames and differences, of which these count most.
MOVEMENT = "movement"
#: What a model may look at: frames, or frames and the differences of two, whose features lie side by side.
STREAMS = {RGB: (RGB,), TWO_STREAM: (RGB, RGBDIFF), MOVEMENT: (RGB, RGBDIFF)}
#: Seconds between the two frames of a difference: a slot of the highest rate. A lower rate has the same two.
DIFFERENCE_INTERVAL = 1 / RATE
#: Seconds for which a missing frame is filled with the one before. No window is longer, so after more a stream begins
#: anew.
LONGEST_GAP = 6.0


def moving(modality: str, width: int) -> int:
    """How many of so many features, the last ones, are of differences."""
    return width - width // len(STREAMS[modality])


@dataclass(frozen=True)
class ClipFeatures:
    """A clip, or a part of it, as its encoder saw it.

    Attributes
    ----------
    views : dict of int to float16 (N, W)
        Features of every slot's frame by the side of the pictures, pixels, as the encoder saw them; the largest first.
        Half precision is an eighth of what INT8 encoding rounds, and half the bytes.
    rate : float
        Hz; row n lies n / rate seconds after the first.
    notes : tuple of str
        What was odd about the clip, a sentence each.
    differences : dict of int to float16 (N, W)
        Likewise of the differences to the slots before, the first of which is none; empty where they are not looked at.
    """

    views: dict[int, Half]
    rate: float
    notes: tuple[str, ...] = ()
    differences: dict[int, Half] = field(default_factory=dict)

    @property
    def rows(self) -> Half:
        """Features of the largest frames, float16 (N, W)."""
        return next(iter(self.views.values()))

    @property
    def seconds(self) -> float:
        """From the first row to the end of the last one's slot."""
        return len(self.rows) / self.rate

    def at(self, rate: float, size: int | None = None, modality: str = RGB) -> Float:
        """What a model would see: float32 (N, W); of two streams (N, 2 W), those of frames first.

        Parameters
        ----------
        rate : float
            Hz; it must divide the clip's own.
        size : int, optional
            Side of the pictures, pixels; the largest if None.
        modality : {"rgb", "two-stream", "movement"}
        """
        side = next(iter(self.views)) if size is None else size
        rows = [self.of(name, side, rate) for name in STREAMS[modality]]
        return np.concatenate(rows, axis=1, dtype=np.float32)

    def of(self, stream: str, size: int, rate: float) -> Half:
        """Likewise of one stream, "rgb" or "rgbdiff": float16 (N, W), a view."""
        step = self.rate / rate
        if step < 1 or step != round(step):
            raise ValueError(f"expected a rate that divides {self.rate:g} Hz, got {rate:g}")
        rows = (self.views if stream == RGB else self.differences)[size]
        return rows[:: round(step)]


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
    modality : {"rgb", "two-stream", "movement"}
        Whether differences are encoded, too.

    Attributes
    ----------
    bundle : Bundle
    sizes : tuple of int
        The largest first.
    modality : str

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
        modality: str = RGB,
    ) -> None:
        self.bundle = encoder if isinstance(encoder, Bundle) else load_streams(encoder)[0]
        facts = self.bundle.model.encoder
        if facts.modality != RGB:
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
        self.modality, self._names = modality, STREAMS[modality]
        self._streams: dict[tuple[str, int], Stream] = {}

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
            return {view_name(*view): rows for view, rows in views.items()} | {"notes": np.array(notes, np.str_)}

        if content is None:
            stored = compute()
        else:
            more = f" {DIFFERENCE_INTERVAL}" if RGBDIFF in self._names else ""
            stored = self._cache.get(f"{digest} {content} {self.rate} {start} {end} {self.sizes}{more}", compute)
        found = {name: {size: stored[view_name(name, size)] for size in self.sizes} for name in self._names}
        assert all(rows.ndim == 2 and rows.shape[1] == W for views in found.values() for rows in views.values())
        notes = tuple(map(str, stored["notes"]))
        return ClipFeatures(found[RGB], self.rate, notes, found.get(RGBDIFF, {}))

    def _begin(self) -> None:
        """Load what there is to be run: a session costs half a second, and all clips may be cached."""
        model = self.bundle.model
        for size in self.sizes:
            facts = replace(model.encoder, input_size=size)
            encoder = Encoder(replace(self.bundle, model=replace(model, encoder=facts)), self._threads)
            picture = Picture(size, facts.color_order, encoder.input_shape)
            self._streams |= {(name, size): MODALITIES[name](encoder, picture) for name in self._names}

    def _encode(self, source: Source, start: float, end: float | None) -> tuple[dict[tuple[str, int], Half], list[str]]:
        if not self._streams:
            self._begin()
        for stream in self._streams.values():
            stream.clear()
        sampler = Sampler(self.rate, DIFFERENCE_INTERVAL if RGBDIFF in self._names else 0.0)
        # As bytes, which grow where they are: rows that are stacked at the end would lie in memory twice.
        views = {view: bytearray() for view in self._streams}
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
                        self._take(np.ascontiguousarray(frame), min(slots - 1, round(LONGEST_GAP * self.rate)), views)
                    elif sampler.older:
                        self._compare_with(np.ascontiguousarray(frame))
        if first is None or not all(views.values()):
            until = "its end" if end is None else f"{end:g} s"
            raise SourceError(f"{source}: has no frame between {start:g} s and {until}")
        W = self.bundle.model.encoder.width
        found = {view: np.frombuffer(rows, np.float16).reshape(-1, W) for view, rows in views.items()}
        return found, [str(entry.message) for entry in caught]

    def _compare_with(self, frame: Frame) -> None:
        """Take a frame between two slots that the next slot's is to be compared with."""
        for stream in self._streams.values():
            stream.picture.forget()
            stream.compare_with(frame)

    def _take(self, frame: Frame, missing: int, views: dict[tuple[str, int], bytearray]) -> None:
        """Add the rows of a sampled frame, and of the slots before it for which none came."""
        for stream in self._streams.values():
            stream.picture.forget()
        for view, stream in self._streams.items():
            rows = views[view]
            if missing and rows:
                size = 2 * self.bundle.model.encoder.width
                rows += (rows[-size:] if stream.still is None else _bytes(stream.still)) * missing
            features = stream.encode(frame)
            known = stream.still if features is None else features
            assert known is not None
            rows += _bytes(known)


def _bytes(features: Float) -> bytes:
    return features.astype(np.float16).tobytes()


def view_name(modality: str, size: int) -> str:
    """The name of a view's rows where they are kept."""
    return str(size) if modality == RGB else f"{modality}_{size}"
