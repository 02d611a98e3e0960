"""A list of labelled clips: manifest.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgevtn.errors import ManifestError
from edgevtn.facts import TEXT, is_text
from edgevtn.reading import kind_of, read_text


@dataclass(frozen=True)
class Clip:
    """One labelled clip; `fold` groups clips that must not be split between training and test.

    Raises
    ------
    ManifestError
        The label has line ends or escapes in it, or is empty or endless.
    """

    path: Path
    label: str
    fold: str | None

    def __post_init__(self) -> None:
        if not is_text(self.label):  # told here, not after hours of training
            raise ManifestError(f"{self.path}: a label must be {TEXT.expected}, got {self.label[:80]!r}")


def read_manifest(file: str | Path) -> list[Clip]:
    """Read a manifest.

    Parameters
    ----------
    file : path
        CSV with a header; columns `clip` or `video` (relative to the manifest's folder) and `label`, and `fold` if the
        clips are to be cross-validated; other columns are ignored. Or a folder that has a ``manifest.csv``.

    Raises
    ------
    ManifestError
        The file is missing or not such a CSV, names no clip, or names one that does not exist or lies
        outside the manifest's folder.
    """
    file = Path(file)
    if kind_of(file) == "folder":
        file = file / "manifest.csv"
    clips = []
    for where, path, row in manifest_rows(file):
        if kind_of(path) not in ("file", "folder"):
            raise ManifestError(f"{where}: {path} is no file or folder")
        clips.append(Clip(path, row["label"], row.get("fold")))
    if not clips:
        raise ManifestError(f"{file}: names no clip")
    return clips


def manifest_rows(file: Path) -> Iterator[tuple[str, Path, dict[str, str]]]:
    """The rows of a manifest: where each stands, for messages; its clip, which may not be there; and all its columns.

    Raises
    ------
    ManifestError
        As `read_manifest`.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(file), newline="")))
    except FileNotFoundError:
        raise ManifestError(f"{file}: does not exist; expected a CSV with the columns clip and label") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{file}: cannot be read as CSV ({getattr(error, 'strerror', None) or error})") from error
    if rows and "clip" not in rows[0]:  # whoever cut one long video into parts calls it what it is
        rows = [{"clip" if name == "video" else name: value for name, value in row.items()} for row in rows]
    if rows and {"clip", "label"} - rows[0].keys():
        found = ", ".join(map(str, rows[0]))
        raise ManifestError(f"{file}: expected the columns clip and label, found {found[:200]}")
    folder = file.parent.resolve()
    for number, row in enumerate(rows, start=2):
        where = f"{file}, line {number}"
        if not row["clip"] or not row["label"]:
            raise ManifestError(f"{where}: clip or label is empty")
        try:
            path = (folder / row["clip"]).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # too long, a circle of links, a NUL
            raise ManifestError(f"{where}: {row['clip']} is no path ({error})") from error
        if not path.is_relative_to(folder):
            raise ManifestError(f"{where}: {row['clip']} lies outside the manifest's folder")
        yield where, path, row
