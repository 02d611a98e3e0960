"""A folder of clips that stays small, whatever else its owner keeps in it."""

from __future__ import annotations

import contextlib
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
#: Letters of a label in a file's name, which file systems bound.
LONGEST_NAME = 100
#: A file with the names of the sources' folders, which tells them from those that somebody has made.
SOURCES = ".sources"
#: Names of our clips; nothing else is ever removed.
NAME = re.compile(r"\d{8}-\d{6}-[a-z0-9_]*-[0-9a-f]+-\d+\.mp4")
#: Names of what a kill leaves of a clip, and seconds after which nobody can be writing it any more.
PART, ABANDONED = re.compile(r"\.\d{8}-\d{6}-.*\.part\.mp4"), 2 * LONGEST_CLIP


class ClipFolder:
    """Where clips are, those of several sources in a folder each.

    Clips that somebody has sorted into other folders in it are left alone.

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
        self._written: list[Path] = []  # the clips of this run, in the order of their ends
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folders = {self._folder, *self._of_sources()}
            for place in self._folders:
                self._tidy(place)
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
        if folder not in self._folders:
            folder.mkdir(exist_ok=True)
            with (self._folder / SOURCES).open("a", encoding="utf-8") as names:
                names.write(f"{folder.name}\n")
            self._folders.add(folder)
        return folder / f"{datetime.fromtimestamp(moment):%Y%m%d-%H%M%S}-{slug(what)[:LONGEST_NAME]}-{id}.mp4"

    def bound(self, newest: Path) -> None:
        """Remove the oldest until what is left is little enough; a clip that is new stays.

        Clips of earlier runs are in the order of their names, which are dates, and before those of this run: a clock
        may have been put back.

        Raises
        ------
        OSError
            The folder cannot be read, or a clip not removed.
        """
        self._written.append(newest)
        own = set(self._written)
        found = {file: size for folder in self._folders for file, size in _files(folder, NAME)}
        earlier = sorted((file for file in found if file not in own), key=lambda file: file.name)
        self._written = [file for file in self._written if file in found]
        clips = [*earlier, *self._written]
        sizes = [found[file] for file in clips]
        for n, file in enumerate(clips[:-1]):
            few = self._most_clips is None or len(clips) - n <= self._most_clips
            if few and sum(sizes[n:]) <= self._most_bytes:
                break
            file.unlink(missing_ok=True)  # another process may bound the same folder

    def _of_sources(self) -> list[Path]:
        """The folders of sources that there were in this run or an earlier one."""
        try:
            names = (self._folder / SOURCES).read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        folders = [self._folder / name for name in names if name == slug(name)]  # and so within this folder
        return [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]

    @staticmethod
    def _tidy(folder: Path) -> None:
        """Remove what a kill has left of a clip."""
        for file, _ in _files(folder, PART):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > ABANDONED:
                    file.unlink()


def _files(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, int]]:
    """Files of that name in a folder, with their bytes."""
    for file in folder.iterdir():
        if pattern.fullmatch(file.name):
            with contextlib.suppress(FileNotFoundError):  # somebody removed it meanwhile
                yield file, file.stat().st_size
