"""Processes that recognise recordings, one at a time each; one that dies takes one recording with it, not the run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

import cv2

from edgevtn.errors import one_line
from edgevtn.indexing.recording import Reader, Recording

#: Seconds between two words of a worker on how far it is.
WORD = 1.0
#: How often a recording is tried whose worker died: what was killed for memory, or by hand, is not to blame; what
#: crashes a decoder does so again.
TRIES = 2
#: Seconds without a word after which a worker counts as hanging, and is killed: a decoder may wait in a damaged file
#: for ever; a board that compiles the kernels first needs a minute or two.
SILENCE = 600.0
#: Seconds until a worker that does not end when asked to is killed.
ENDING = 5.0


@dataclass(frozen=True)
class Progress:
    """How far a recording is: seconds of it, and how much of it, 0 to 1."""

    file: str
    seconds: float
    share: float


@dataclass(frozen=True)
class Finished:
    """A recording that is done: what was found, or the reason why it could not be read."""

    file: str
    found: Recording | None
    reason: str = ""


class _Worker:
    """A process, and what it is at."""

    def __init__(self, model: str | None) -> None:
        # Spawned, not forked: the parent may have threads, and a fork of them hangs where a lock was held.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, model, os.getpid()), daemon=True)
        self.process.start()
        theirs.close()
        self.file: str | None = None
        self.heard = time.monotonic()

    def give(self, file: str) -> None:
        self.file, self.heard = file, time.monotonic()
        with contextlib.suppress(OSError):  # it has died, which is seen next
            self.pipe.send(file)

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(ENDING)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


def recognise(files: Iterable[str], model: str | None, jobs: int) -> Iterator[Progress | Finished]:
    """Recognise recordings on several processes, of one thread each; yields each file's `Finished` once, as it comes.

    Parameters
    ----------
    files : iterable of str
        In the order in which they are begun.
    model : str, optional
        A bundle's folder.
    jobs : int
        Processes.
    """
    waiting, tries = deque(files), dict[str, int]()
    workers = [_Worker(model) for _ in range(min(jobs, len(waiting)))]
    try:
        for worker in workers:
            worker.give(waiting.popleft())
        while any(worker.file is not None for worker in workers):
            ready = set(wait([worker.pipe for worker in workers if worker.file is not None], WORD))
            for worker in workers:
                if worker.pipe in ready:
                    worker.heard = time.monotonic()
                elif worker.file is not None and time.monotonic() - worker.heard > SILENCE:
                    worker.process.kill()  # its end is what comes next
            for n, worker in enumerate(workers):
                if worker.pipe not in ready or worker.file is None:
                    continue
                file = worker.file
                try:
                    word = worker.pipe.recv()
                except (EOFError, OSError):
                    worker.process.join()
                    reason = f"the process that read it was ended ({_how(worker.process.exitcode)})"
                    worker.end()
                    workers[n] = worker = _Worker(model)
                    tries[file] = tries.get(file, 0) + 1
                    if tries[file] < TRIES:
                        waiting.appendleft(file)
                    else:
                        yield Finished(file, None, f"{reason}, {TRIES} times")
                else:
                    yield word
                    if isinstance(word, Progress):
                        continue
                worker.file = None
                if waiting:
                    worker.give(waiting.popleft())
    finally:
        for worker in workers:
            worker.end()


def _how(status: int | None) -> str:
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"status {status}"


def _work(pipe: Connection, model: str | None, parent: int) -> None:
    """A worker: names come, what was found goes, until the parent ends it or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent, which ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    reader, last = reader_of_one_thread(model), time.monotonic()

    def tick(seconds: float, share: float) -> None:
        nonlocal last
        if time.monotonic() - last > WORD:
            last = time.monotonic()
            if os.getppid() != parent:  # it was killed, and nobody wants the rest
                raise EOFError
            pipe.send(Progress(file, seconds, share))

    with contextlib.suppress(EOFError, OSError):  # the parent is gone
        while True:
            file = pipe.recv()
            pipe.send(finished(reader, file, tick))


def reader_of_one_thread(model: str | None) -> Reader:
    """What recognises in a process of its own; there are as many as cores, so each has one thread, its decoder too."""
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "threads;1"
    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")  # what is odd about a recording is in its notes
    return Reader(model)


def finished(reader: Reader, file: str, tick: Callable[[float, float], object] | None = None) -> Finished:
    """Recognise a file, or say why that cannot be done; `tick` is the reader's, and may raise EOFError to end it."""
    try:
        return Finished(file, reader(file, tick))
    except (BrokenPipeError, EOFError):
        raise
    except Exception as error:  # a decoder may fail in ways of its own, and the others go on
        reason = one_line(str(error) or type(error).__name__)
        return Finished(file, None, reason.removeprefix(f"{one_line(file)}:").strip())
