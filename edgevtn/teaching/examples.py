"""What is taught: labelled clips and parts of clips, from a folder, a manifest or a list."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgevtn.arrays import Frame
from edgevtn.datasets import TEST, TRAIN, manifest_rows, read_dataset
from edgevtn.errors import ManifestError
from edgevtn.facts import TEXT, is_text
from edgevtn.prediction import UNKNOWN
from edgevtn.reading import kind_of
from edgevtn.recording import likely_mistake

#: Columns of a manifest that say what belongs together, the first that is there.
GROUP_COLUMNS = ("group", "subject", "person", "recording", "fold")


@dataclass(frozen=True)
class Example:
    """A labelled clip, or a part of one.

    Attributes
    ----------
    source : path, or iterable of (seconds, frame)
        What `edgevtn.frames` opens.
    label : str
    group : str, optional
        What clips have in common that belong together, such as a person's or a recording's; found by names if None.
    start : float
        Seconds from the clip's beginning.
    end : float, optional
        To the clip's end if None.
    """

    source: str | Path | Iterable[tuple[float, Frame]]
    label: str
    group: str | None = None
    start: float = 0.0
    end: float | None = None

    @property
    def name(self) -> str:
        """The file's path; what is no file is named by its label."""
        return str(self.source) if isinstance(self.source, str | Path) else f"frames of {self.label}"


Given = str | Path | Sequence["Example | tuple[str | Path, str]"]


def read_examples(given: Given) -> list[Example]:
    """Examples from whatever the user has.

    Parameters
    ----------
    given : path, or sequence of Example or (path, label)
        A manifest or any layout of `edgevtn.datasets.read_dataset`, such as a folder of clips for each class. A
        manifest may have any name, and the columns start and end, seconds, and a group, subject, person, recording or
        fold.

    Raises
    ------
    ManifestError
        There is no clip, or a manifest is not what it should be.

    Warns
    -----
    RuntimeWarning
        A label is an action, and looks like one that is none, as "Nothing" does.
    """
    if isinstance(given, str | Path):
        place = Path(given)
        file = place / "manifest.csv" if kind_of(place) == "folder" else place
        if file.suffix == ".csv" and kind_of(file) == "file":
            return _checked(_manifest(file), str(file))
        if kind_of(file) == "file":
            raise ManifestError(
                f"{file}: is one file; list its parts in a CSV with the columns video, label, start and end, "
                "in seconds, and teach that"
            )
        folds = (None, TRAIN, TEST)  # a published split's are no groups
        clips = read_dataset(place)
        return _checked([Example(c.path, c.label, None if c.fold in folds else c.fold) for c in clips], str(place))
    return _checked([e if isinstance(e, Example) else Example(*e) for e in given], "the examples")


def _checked(examples: list[Example], where: str) -> list[Example]:
    if not examples:
        raise ManifestError(f"{where}: there is no clip; expected some for each of two or more labels")
    for example in examples:
        if not is_text(example.label) or example.label == UNKNOWN:
            expected = f"a label other than {UNKNOWN!r}, {TEXT.expected}"
            raise ManifestError(f"{where}: expected {expected}, for {example.name}")
    for label in sorted({example.label for example in examples}):
        mistake = likely_mistake(label)
        if mistake is not None:
            warnings.warn(f"{where}: {mistake}", RuntimeWarning, stacklevel=3)
    return examples


def _manifest(file: Path) -> list[Example]:
    examples = []
    for where, path, row in manifest_rows(file):
        start, end = _seconds(row.get("start"), where), _seconds(row.get("end"), where)
        if end is not None and end <= (start or 0.0):
            raise ManifestError(f"{where}: the end, {end:g} s, is not later than the start")
        column = next((name for name in GROUP_COLUMNS if name in row), None)
        examples.append(Example(path, row["label"], (row[column] or None) if column else None, start or 0.0, end))
    return examples


def _seconds(text: str | None, where: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ManifestError(f"{where}: expected seconds, 0 or more, got {text!r}")
    return seconds
