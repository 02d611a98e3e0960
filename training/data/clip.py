"""A clip's frames in the order of their times: in memory where they are few, else decoded again as they are asked for.

Ten minutes of 4K are 450 GB as frames, and half a gigabyte as a file.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from edgevtn.arrays import Frame
from edgevtn.errors import SourceError
from edgevtn.sources import Source, frames
from edgevtn.training.data.windows import Times

#: Bytes of frames that stay in memory: a minute of 640x480 at 15 Hz, which is longer than nearly all labelled clips.
KEPT = 2**30
#: Bytes of the last frames of a longer clip, in which the older frame of a difference is looked for.
RECENT = 2**28


class ClipFrames(Sequence[Frame]):
    """All frames of a clip, uint8 (H, W, 3).

    Frames are asked for in rising order, more than once: of a long clip each time means to decode it again.

    Parameters
    ----------
    path : Path
    kept, recent : int
        Bytes of frames in memory: of a clip that is kept, and of one that is not.

    Attributes
    ----------
    times : float64 (N,)
        Seconds.

    Raises
    ------
    SourceError
        It cannot be read.
    """

    def __init__(self, path: Path, kept: int = KEPT, recent: int = RECENT) -> None:
        self._path, self._most = path, recent
        self._whole: list[Frame] | None = []
        self._source: Source | None = None
        times, bytes_ = [], 0
        with frames(path) as source:
            for seconds, frame in source:
                times.append(seconds)
                bytes_ += frame.nbytes
                if self._whole is not None:
                    self._whole.append(frame)
                    if bytes_ > kept:
                        self._whole = None
        self.times: Times = np.array(times)
        self._recent: OrderedDict[int, Frame] = OrderedDict()
        self._pairs: Iterator[tuple[float, Frame]] = iter(())
        self._next = len(times)  # what `_pairs` gives next; nothing is open yet

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, n: int) -> Frame: ...
    @overload
    def __getitem__(self, n: slice) -> Sequence[Frame]: ...
    def __getitem__(self, n: int | slice) -> Frame | Sequence[Frame]:
        if isinstance(n, slice):
            return [self[k] for k in range(*n.indices(len(self)))]
        n = range(len(self))[n]
        if self._whole is not None:
            return self._whole[n]
        if n not in self._recent:
            self._decode(n)
        return self._recent[n]

    def _decode(self, n: int) -> None:
        """Until frame `n`, from where it stands, or from the beginning."""
        if n < self._next:
            self.close()
            self._source = frames(self._path)
            self._pairs, self._next = iter(self._source), 0
        while self._next <= n:
            pair = next(self._pairs, None)
            if pair is None:
                raise SourceError(f"{self._path}: had {len(self)} frames when it was read first, now {self._next}")
            self._recent[self._next] = pair[1]
            self._next += 1
            while len(self._recent) > 2 and len(self._recent) * pair[1].nbytes > self._most:
                self._recent.popitem(last=False)

    def close(self) -> None:
        """Close the file and forget its frames; may be called twice."""
        self._recent.clear()
        if self._source is not None:
            self._source.close()
            self._source = None

    def __enter__(self) -> ClipFrames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
