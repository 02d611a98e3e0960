"""The label lists of the published models, and label files."""

from __future__ import annotations

from pathlib import Path

from edgevtn.errors import ModelFileError
from edgevtn.facts import TEXT, is_text
from edgevtn.reading import read_text

FOLDER = Path(__file__).parents[1] / "data" / "labels"
#: What each list is, by its name and its number of labels.
LISTS = {"kinetics400": 400, "ucf101": 101, "hmdb51": 51, "driver": 9}
#: Nobody's list of actions is longer.
LARGEST = 2**20


def read_labels(name: str | None, classes: int) -> list[str]:
    """K labels, from one of our lists, or from a file with one label a line.

    Parameters
    ----------
    name : str, optional
        One of `LISTS`, or a path. None: the dataset that has so many classes, where one is known (400, 101,
        51); else "class 0" and so on.
    classes : int
        K.

    Raises
    ------
    ModelFileError
        The file cannot be read, or has another number of labels.
    """
    if name is None:
        known = [key for key, count in LISTS.items() if count == classes and key != "driver"]
        if not known:
            return [f"class {number}" for number in range(classes)]
        name = known[0]
    file = FOLDER / f"{name}.txt" if name in LISTS else Path(name)
    try:
        text = read_text(file, LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(
            f"{name}: expected a text file with one label a line, or one of {', '.join(LISTS)} ({error})"
        ) from error
    labels = [line.strip() for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if len(labels) != classes:
        raise ModelFileError(f"{name}: has {len(labels)} labels, and the model has {classes} classes")
    strange = [label for label in labels if not is_text(label)]
    if strange:
        raise ModelFileError(f"{name}: expected labels that are {TEXT.expected}, got {strange[0][:80]!r}")
    repeated = {label for label in labels if labels.count(label) > 1}
    if repeated:
        raise ModelFileError(f"{name}: has {', '.join(sorted(repeated)[:3])} more than once; labels must differ")
    return labels
