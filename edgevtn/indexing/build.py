"""From folders of recordings to an index: what is new is recognised, what is known is not, what is gone is noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgevtn.arguments import whole
from edgevtn.bundle.load import DEFAULT, bundle_folder
from edgevtn.cpu import available_cores
from edgevtn.errors import SourceError
from edgevtn.indexing import workers
from edgevtn.indexing.store import DONE, GONE, UNREADABLE, Index, Stamp
from edgevtn.indexing.workers import Finished, Progress
from edgevtn.sources.file import video_files

#: What recognises files, in whatever order, and yields each file's `Finished` once.
Engine = Callable[[list[str], str | None, int], Iterator[Progress | Finished]]


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    indexed : list of str
        Recordings that were recognised now.
    kept : int
        Recordings that were known, and have not changed since.
    unreadable : dict of str to str
        Recordings that could not be read, with the reason.
    gone : list of str
        Recordings that were there in the last run and are no longer.
    duration : float
        Seconds of video that were recognised now.
    """

    indexed: list[str] = field(default_factory=list)
    kept: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    duration: float = 0.0


@dataclass
class State:
    """How far a run is, for who shows it.

    Attributes
    ----------
    files, done : int
        To recognise in this run, and recognised.
    video : float
        Seconds of video that were recognised.
    elapsed : float
        Seconds since it began.
    share : float
        How much of the bytes that are to be read was read, 0 to 1, as far as it is known.
    started : (float, float)
        `elapsed` and `share` when the first word came: processes start before they read.
    """

    files: int
    done: int = 0
    video: float = 0.0
    elapsed: float = 0.0
    share: float = 0.0
    started: tuple[float, float] | None = None

    @property
    def left(self) -> float | None:
        """Seconds that it may still take; None while nobody can tell."""
        if self.started is None:
            return None
        elapsed, share = self.elapsed - self.started[0], self.share - self.started[1]
        return elapsed / share * (1 - self.share) if elapsed > 0 and share > 0 else None


def index(
    videos: Iterable[str | Path],
    folder: str | Path,
    model: str | Path | None = None,
    *,
    jobs: int | None = None,
    progress: Callable[[State], object] | None = None,
    engine: Engine = workers.recognise,
) -> Summary:
    """Recognise recordings into an index; what it knows already, and has not changed, is left as it is.

    It may be ended at any moment: a recording is in the index whole or not at all, and the next run goes on.

    Parameters
    ----------
    videos : iterable of path
        Video files, and folders of them with all their subfolders.
    folder : path
        The index's; it is made.
    model : path, optional
        A bundle's folder; the model that comes with edgevtn if None.
    jobs : int, optional
        Processes, of one thread each; as many as there are cores if None.
    progress : callable, optional
        Told how far it is, after each recording and between.
    engine : callable
        What recognises the files: processes on this machine, or `edgevtn.indexing.cluster`.

    Raises
    ------
    SourceError
        One of `videos` is not there, or none is a video.
    IndexFileError
        The index is damaged, of another model, or another process writes it.
    BundleError
        The model cannot be used.
    """
    jobs = available_cores() if jobs is None else whole(jobs, "jobs", low=1, high=1024)
    # Found once, and whole, for processes that may have another folder; a download is made once.
    place = None if model in (None, DEFAULT) else str(bundle_folder(model).absolute())
    roots = [Path(video).absolute() for video in videos]
    files = _listed(roots)
    with Index(folder, write=True) as target:
        target.claim(place)
        summary, stamps = _compare(target, roots, files)
        # The largest first: a long one that is begun last would keep one core busy alone.
        wanted = sorted(stamps, key=lambda file: -stamps[file].size)
        state, begun, tracker = State(len(wanted)), time.monotonic(), _Tracker(stamps)
        for word in engine(wanted, place, jobs):
            if isinstance(word, Finished):
                state.done += 1
                _keep(target, word, stamps[word.file], summary)
            tracker.take(word)
            state.video, state.share, state.elapsed = tracker.video, tracker.share, time.monotonic() - begun
            state.started = state.started or (state.elapsed, state.share)
            if progress is not None:
                progress(state)
    return summary


def _listed(roots: Sequence[Path]) -> list[Path]:
    """The video files, each once and in order."""
    files: dict[Path, None] = {}
    for root in roots:
        if root.is_dir():
            files |= dict.fromkeys(video_files(root))
        elif root.exists():
            files[root] = None
        else:
            raise SourceError(f"{root}: does not exist; expected a video file or a folder of them")
    if not files:
        raise SourceError(f"{roots[0] if roots else 'nothing'}: has no video files")
    return list(files)


def _compare(target: Index, roots: Sequence[Path], files: Iterable[Path]) -> tuple[Summary, dict[str, Stamp]]:
    """What need not be done, and the files that must be, with their stamps."""
    summary, stamps, known = Summary(), dict[str, Stamp](), target.entries()
    for path in files:
        file = str(path)
        try:
            file.encode()
            stamp = Stamp.of(path)
        except UnicodeEncodeError:
            name = file.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            _refuse(target, name, Stamp(0, 0), "its name is not UTF-8; rename it", summary)
            continue
        except OSError:  # it went while the others were listed
            continue
        entry = known.pop(file, None)
        if entry is None or entry.stamp != stamp or entry.state == UNREADABLE:
            stamps[file] = stamp
        else:
            summary.kept += 1
            if entry.state == GONE:
                target.put_state(file, DONE)
    for file, entry in known.items():
        here = any(Path(file).is_relative_to(root) for root in roots)
        if entry.state == GONE or not here or Path(file).exists():
            continue
        if entry.state == DONE:
            target.put_state(file, GONE)
        else:
            target.forget(file)
        summary.gone.append(file)
    return summary, stamps


def _keep(target: Index, word: Finished, stamp: Stamp, summary: Summary) -> None:
    """Put what came into the index; a file that has changed meanwhile is of neither state, and is done next time."""
    try:
        changed = Stamp.of(Path(word.file)) != stamp
    except OSError:
        changed = True
    if word.found is None:
        _refuse(target, word.file, stamp, word.reason, summary)
    elif changed:
        _refuse(target, word.file, stamp, "it changed while it was read; index it again", summary)
    else:
        target.put(word.file, stamp, word.found)
        summary.indexed.append(word.file)
        summary.duration += word.found.duration


def _refuse(target: Index, file: str, stamp: Stamp, reason: str, summary: Summary) -> None:
    target.put_unreadable(file, stamp, reason)
    summary.unreadable[file] = reason


class _Tracker:
    """How much was done, by what came. Bytes stand for time: nobody knows how long a file is before it is opened."""

    def __init__(self, stamps: dict[str, Stamp]) -> None:
        self._sizes = {file: max(1, stamp.size) for file, stamp in stamps.items()}
        self._reading: dict[str, Progress] = {}
        self._bytes, self._seconds = 0, 0.0  # of those that are finished

    def take(self, word: Progress | Finished) -> None:
        """What an engine said."""
        if isinstance(word, Progress):
            self._reading[word.file] = word
        else:
            self._reading.pop(word.file, None)
            self._bytes += self._sizes[word.file]
            self._seconds += 0.0 if word.found is None else word.found.duration

    @property
    def video(self) -> float:
        """Seconds of video that were recognised."""
        return self._seconds + sum(word.seconds for word in self._reading.values())

    @property
    def share(self) -> float:
        """How much of the bytes was read, 0 to 1."""
        reading = sum(word.share * self._sizes[file] for file, word in self._reading.items())
        return (self._bytes + reading) / max(1, sum(self._sizes.values()))
