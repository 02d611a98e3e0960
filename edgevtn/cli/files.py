"""`edgevtn run` on several files: one after the other, and on after one that cannot be read."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgevtn.arrays import Frame
from edgevtn.cli.detection import detector
from edgevtn.cli.outputs import outputs
from edgevtn.cli.parts import load, saving, say, why_unknown
from edgevtn.cli.regions import regions
from edgevtn.cli.service import Draining
from edgevtn.cores import keep_to_big_cores
from edgevtn.errors import FrameError, SourceError, TimestampError
from edgevtn.naming import free_name
from edgevtn.prediction import Event, Prediction
from edgevtn.reading import kind_of, read_text
from edgevtn.region import WHOLE, Scene
from edgevtn.sinks.base import Sink, StopWatching, telling
from edgevtn.sources.secret import SUSPICIOUS, source_name

#: Options that change what is recognised in a file.
SETTINGS = (
    "smoothing", "unknown_below", "stillness", "frame_rate", "seconds", "enter", "leave", "min_duration", "cool_down",
    "label", "region", "engine",
)  # fmt: skip


def clips_of(sources: Sequence[str], wanted: bool) -> list[Path] | None:
    """The files that are to be watched one after the other; None where sources are watched at once, as cameras are.

    Parameters
    ----------
    sources : sequence of str
        As they are given. A folder that has videos and no images stands for all of its clips.
    wanted : bool
        Whether a single file is to be watched so, too.

    Raises
    ------
    ValueError
        It is wanted, and a source is no file.
    """
    found: dict[Path, Path] = {}
    expanded = False
    for source in sources:
        if not _is_file(source):
            if wanted:
                raise ValueError(
                    f"--out is for files and folders, got {source_name(source)}; for a camera there are --timeline and "
                    "--record"
                )
            return None
        clips = _clips(Path(source))
        expanded |= clips is not None
        for path in clips or [Path(source)]:
            found.setdefault(Path(os.path.realpath(path)), path)  # Path.resolve fails where links go in circles
    several = len(sources) > 1 or expanded or wanted
    return list(found.values()) if several else None


def _is_file(source: str) -> bool:
    """Whether it names a file or a folder, be it there or not: no camera, no address, and nothing like one."""
    if re.fullmatch(r"[0-9]+|picamera|.*://.*", source, re.S):
        return False
    if source.startswith("/dev/"):  # /dev/shm has files
        return kind_of(source) in ("file", "folder")
    return bool(kind_of(source)) or not SUSPICIOUS.search(source)


def _clips(path: Path) -> list[Path] | None:
    """The videos of a folder that has no images; None for everything else."""
    from edgevtn.sources.file import video_files
    from edgevtn.sources.folder import IMAGE_SUFFIXES

    if kind_of(path) != "folder":
        return None
    with contextlib.suppress(OSError):
        if not any(file.suffix.lower() in IMAGE_SUFFIXES for file in path.iterdir() if file.name[0] != "."):
            return video_files(path) or None
    return None


def watch_files(
    arguments: argparse.Namespace,
    clips: Sequence[Path],
    draining: Draining,
    pulse: Callable[[], bool],
    ready: Callable[[], object],
) -> None:
    """Watch each to its end, with `ready` called when it begins, until `pulse` says that there are other arguments.

    Raises
    ------
    SourceError
        At once: one of them does not exist. At the end: files could not be read.
    """
    from edgevtn.results import Results, Shots
    from edgevtn.sinks import Display, JsonLines, Origin, Text
    from edgevtn.sources import Cameras, frames
    from edgevtn.watching import watch

    if arguments.teach is not None:
        raise ValueError("--teach is done before a camera; give it a single source")
    if len(arguments.name or ()) > 1:
        raise ValueError("--name: expected one for all files, which have names of their own, got several")
    for clip in clips:
        if not kind_of(clip):  # a wrong name is told at once, not after hours with the others
            frames(clip)
    models = arguments.model or [None]
    names: dict[str, Path] = {}
    for clip in clips:
        names[free_name(source_name(clip), names)] = clip
    given = {str(clip): name for name, clip in names.items()}
    wanted = regions(arguments.region, list(given), list(names))
    results = None if arguments.out is None else Results(arguments.out, _settings(arguments, models))
    todo = {name: clip for name, clip in names.items() if results is None or not results.is_done(clip)}
    if len(todo) < len(names):
        say(f"{len(names) - len(todo)} of {len(names)} files were done before")
    recognizer = load(models, arguments) if todo else None  # before anything is written
    if recognizer is not None:
        detector(arguments).check(label for model in recognizer.models.values() for label in model.labels)
    stopped = False
    failed: list[str] = []

    def stop() -> None:
        nonlocal stopped
        stopped = True
        if cameras is not None:
            cameras.stop()

    cameras: Cameras | None = None
    origin = Origin(*(arguments.name or [""]))
    run = origin.run
    with contextlib.ExitStack() as stack:
        if results is not None:
            stack.callback(lambda: say(f"wrote {', '.join(map(str, results.write()))}"))
        text = None if arguments.json else Text(name_models=len(models) > 1)
        lasting = [_Lasting(stack.enter_context(JsonLines(None, origin) if text is None else text))]
        if arguments.show:
            lasting.append(_Alone(stack.enter_context(Display())))
        lasting += [_Lasting(stack.enter_context(sink)) for sink in outputs(arguments, origin)]
        video = None if arguments.save is None else saving(arguments.save, [str(clip) for clip in clips], list(names))
        draining.by(stop)
        ready()
        if recognizer is not None:
            keep_to_big_cores(recognizer.threads)  # this thread, which recognises
        for number, (name, clip) in enumerate(todo.items(), 1):
            shots, events = Shots(), list[Event]()
            why = why_unknown(arguments, live=False)
            key = None
            with contextlib.suppress(OSError):  # whoever opens it says what is wrong
                key = None if results is None else results.key(clip)
            try:
                with Cameras(
                    {name: clip}, frame_rate=arguments.frame_rate, pulse=lambda: stop() if pulse() else None
                ) as cameras:
                    if stopped:  # between two clips there was nothing to stop
                        break
                    if text is not None:
                        text.follow(cameras, f"{number} of {len(todo)}", arguments.seconds)
                    origin.run = f"{run}{number:04x}"  # events are counted from 1 in each
                    for event in watch(
                        cameras,
                        sinks=[*lasting, shots, why, *([] if video is None else [video])],
                        recognizer=recognizer,
                        detector=detector(arguments),
                        seconds=arguments.seconds,
                        regions=[region for region in wanted if region.source in ("", name)],
                    ):
                        events += [event] if event.end is not None else []
            except (SourceError, FrameError, TimestampError) as error:
                say(f"{error}; going on with the next")
                failed.append(name)
                if results is not None:
                    results.forget(clip)
                continue
            if stopped or any(sink.stopped for sink in lasting):
                break
            if results is not None:
                results.keep(clip, key, events, shots.pictures, shots.seconds)
    if failed:
        shown = ", ".join(failed[:5]) + (", ..." if len(failed) > 5 else "")
        raise SourceError(f"{len(failed)} of {len(names)} files could not be read: {shown}")


def _settings(arguments: argparse.Namespace, models: Sequence[str | None]) -> dict[str, Any]:
    """What the answers depend on beside the file: options, and the models' facts, which have their files' checksums."""
    from edgevtn.bundle import stream_folders
    from edgevtn.bundle.facts import FACTS

    facts = [read_text(folder / FACTS) for model in models for folder in stream_folders(model)]
    sums = [hashlib.sha256(text.encode()).hexdigest() for text in facts]
    return {name: getattr(arguments, name) for name in SETTINGS} | {"models": sums}


class _Lasting(Sink):
    """A sink that is told of several files and closed after all of them, not after each."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._frame = sink, telling(sink)
        self.wants_moments = sink.wants_moments
        self.stopped = False

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        try:
            self._frame(frame, timestamp, scene)
        except StopWatching:
            self.stopped = True
            raise

    def prediction(self, prediction: Prediction) -> None:
        self._sink.prediction(prediction)

    def event(self, event: Event) -> None:
        self._sink.event(event)

    def pulse(self) -> None:
        self._sink.pulse()

    def ended(self, source: str) -> None:
        self._sink.ended(source)


class _Alone(_Lasting):
    """A window, in which each file takes the place of the one before."""

    def frame(self, frame: Frame, timestamp: float, scene: Scene = WHOLE) -> None:
        super().frame(frame, timestamp, replace(scene, source=""))

    def prediction(self, prediction: Prediction) -> None:
        super().prediction(replace(prediction, source=""))

    def ended(self, source: str) -> None:
        """It is the same window."""
