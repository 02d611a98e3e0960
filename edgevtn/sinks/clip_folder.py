"""A folder of clips that stays small."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from edgevtn.errors import OutputError
from edgevtn.sinks.discovery import slug
from edgevtn.sinks.names import Names

#: Seconds of a clip: what goes on for hours must not fill the disk.
LONGEST_CLIP = 300.0
#: Names of our clips; nothing else is ever removed.
NAME = re.compile(r"\d{8}-\d{6}-[a-z0-9_]*-[0-9a-f]+-\d+\.mp4")
#: Names of what a kill leaves of a clip, and seconds after which nobody can be writing it any more.
PART, ABANDONED = re.compile(r"\.\d{8}-\d{6}-.*\.part\.mp4"), 2 * LONGEST_CLIP


class ClipFolder:
    """Where clips are, those of several sources in a folder each.

    Parameters
    ----------
    folder : path
        It is made.
    most_bytes : int
        All clips together; beyond that the oldest are removed.
    most_clips : int, optional
        Likewise.

    Raises
    ------
    OutputError
        The folder cannot be made or read.
    """

    def __init__(self, folder: str | Path, most_bytes: int, most_clips: int | None = None) -> None:
        self._folder, self._most_bytes, self._most_clips = Path(folder), most_bytes, most_clips
        self._names = Names()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for file in self._files(PART):
                if time.time() - file.stat().st_mtime > ABANDONED:
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{folder}: cannot be used as a folder ({error.strerror}); choose another place"
            ) from error

    def place(self, source: str, moment: float, what: str, id: str) -> Path:
        """The path of a new clip, at a moment in seconds since 1970.

        Raises
        ------
        OSError
            The folder of the source cannot be made.
        """
        folder = self._folder / self._names[source] if source else self._folder
        if source:
            folder.mkdir(exist_ok=True)
        return folder / f"{datetime.fromtimestamp(moment):%Y%m%d-%H%M%S}-{slug(what)}-{id}.mp4"

    def bound(self) -> None:
        """Remove the oldest until what is left is little enough; the newest stays.

        Raises
        ------
        OSError
            The folder cannot be read, or a clip not removed.
        """
        clips = sorted(self._files(NAME), key=lambda file: file.name)
        sizes = [file.stat().st_size for file in clips]
        for n, file in enumerate(clips[:-1]):
            few = self._most_clips is None or len(clips) - n <= self._most_clips
            if few and sum(sizes[n:]) <= self._most_bytes:
                break
            file.unlink()

    def _files(self, pattern: re.Pattern[str]) -> Iterator[Path]:
        """Files of that name here, and in the folders of sources."""
        for file in [*self._folder.iterdir(), *self._folder.glob("*/*")]:
            if pattern.fullmatch(file.name):
                yield file
