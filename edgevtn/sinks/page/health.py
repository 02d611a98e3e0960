"""How the board is: rates, latencies, and what the process uses."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import Counter, deque
from pathlib import Path

import numpy as np

#: Seconds over which rates are counted.
SPAN = 5.0
#: Moments that are kept for that; a source of more than 200 Hz is counted over less.
MOST_MOMENTS = 1000
#: Latencies that percentiles are of: the last minutes.
MOST_LATENCIES = 2000
#: Upper bounds of the latencies' histogram, seconds: from a frame's time on a NUC to a board that falls behind.
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
#: Seconds between two looks at the processor's time: shorter ones are noise.
CPU_INTERVAL = 1.0


class Rate:
    """How often something happens, now and altogether.

    Attributes
    ----------
    count : int
        Since the beginning.
    """

    def __init__(self) -> None:
        self.count = 0
        self._began = time.monotonic()
        self._moments: deque[float] = deque(maxlen=MOST_MOMENTS)

    def add(self) -> None:
        """It happened."""
        self.count += 1
        self._moments.append(time.monotonic())

    def hertz(self) -> float:
        """A second, over the last ones."""
        now = time.monotonic()
        recent = [moment for moment in self._moments.copy() if moment > now - SPAN]
        full = len(recent) == MOST_MOMENTS
        span = now - recent[0] if full else min(SPAN, now - self._began)
        return len(recent) / max(span, 1e-3)

    def since(self) -> float | None:
        """Seconds since the last time; None before the first."""
        return time.monotonic() - self._moments[-1] if self._moments else None


class Latency:
    """Seconds from a picture's capture to its prediction.

    Attributes
    ----------
    counts : list of int
        For each of `BOUNDS`, and for what is longer.
    total : float
        Their sum, seconds.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0
        self._recent: deque[float] = deque(maxlen=MOST_LATENCIES)

    def add(self, seconds: float) -> None:
        """Take another; clocks that are set while it is measured count as 0."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        self._recent.append(seconds)

    def percentiles(self) -> list[float] | None:
        """The recent median, 95th and 99th percentile, seconds; None if there is none."""
        recent = list(self._recent.copy())
        return [round(float(value), 4) for value in np.percentile(recent, (50, 95, 99))] if recent else None


class Tally:
    """What has come, of one source or of all.

    Attributes
    ----------
    frames : Rate
    predictions : dict of str to Rate
        By model.
    reused : Counter of str
        Predictions for which nothing was encoded, by model.
    begun : Counter of (str, str)
        Events that began, by model and label.
    latency : Latency
        Only of a source that knows when a picture was made.
    """

    def __init__(self) -> None:
        self.frames, self.latency = Rate(), Latency()
        self.predictions: dict[str, Rate] = {}
        self.reused: Counter[str] = Counter()
        self.begun: Counter[tuple[str, str]] = Counter()


class Cpu:
    """The share of all cores that this process has used lately."""

    def __init__(self) -> None:
        self.cores = os.cpu_count() or 1
        self._moment, self._used, self._share = time.monotonic(), time.process_time(), 0.0

    def share(self) -> float:
        """0 to 1."""
        now, used = time.monotonic(), time.process_time()
        if now - self._moment >= CPU_INTERVAL:
            self._share = min(1.0, (used - self._used) / (now - self._moment) / self.cores)
            self._moment, self._used = now, used
        return self._share


def memory() -> int | None:
    """Bytes of memory that the process has now, where Linux tells."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
