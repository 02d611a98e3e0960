"""What was learned from, kept beside the model: features, so that labels and clips can come and go without the videos.

The features themselves are kept, as float16 rows, 32 KB a second of video for each size of pictures, and as much again
for their differences: a clip's statistics would be 20 KB for each window length and rate that is to be compared, and
these are chosen anew when clips come or go. What is fitted again is then exactly what would have been fitted at once.
There are no pictures in it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgevtn.archive import read_arrays
from edgevtn.bundle import RGB, RGBDIFF
from edgevtn.errors import BundleError
from edgevtn.reading import read_regular
from edgevtn.teaching.features import ClipFeatures, view_name

FILE, REPORT = "teach.npz", "teach.json"
#: Files of a bundle, each with what writes it to the path that it is given.
Beside = dict[str, Callable[[Path], object]]
VERSION, READ = 3, (2, 3)
#: Bytes: nine hours of clips at 32 KB a second, as much as the features that are cached.
LARGEST = 2**30


@dataclass(frozen=True)
class Learned:
    """A clip that was learned from.

    Attributes
    ----------
    features : ClipFeatures
    label : str
    group : str, optional
        As given; None where it is found by the name.
    name : str
        The file.
    start : float
        Seconds, in the file.
    """

    features: ClipFeatures
    label: str
    group: str | None
    name: str
    start: float

    @property
    def key(self) -> tuple[str, str, str, float, int]:
        """By which clips are sorted, so that the order in which they came does not matter."""
        return self.label, self.group or "", self.name, self.start, len(self.features.rows)

    @property
    def title(self) -> str:
        """For people."""
        path = Path(self.name)
        part = f" from {self.start:g} s" if self.start else ""
        return f"{path.parent.name}/{path.name}{part}" if path.parent.name else f"{self.name}{part}"


def files(learned: Sequence[Learned], encoder: str, options: dict[str, object], report: dict[str, object]) -> Beside:
    """`FILE` and `REPORT`, each with what writes it; `encoder` is the checksum of the bundle's encoder."""
    told = json.dumps(report, indent=1) + "\n"
    return {
        FILE: lambda file: _store(file, learned, encoder, options),
        REPORT: lambda file: file.write_text(told, "utf-8"),
    }


def _store(file: Path, learned: Sequence[Learned], encoder: str, options: dict[str, object]) -> None:
    facts = {
        "version": VERSION, "encoder": encoder, "options": options,
        "clips": [
            {"label": c.label, "group": c.group, "name": c.name, "start": c.start, "rate": c.features.rate,
             "rows": len(c.features.rows), "notes": list(c.features.notes)} for c in learned
        ],
    }  # fmt: skip
    first = learned[0].features
    views = {view_name(RGB, size): [clip.features.views[size] for clip in learned] for size in first.views}
    views |= {
        view_name(RGBDIFF, size): [clip.features.differences[size] for clip in learned] for size in first.differences
    }
    # As numpy.savez writes them, but a clip after the other: an array of all of them would be as much again.
    with zipfile.ZipFile(file, "w") as archive:
        for name, parts in views.items():
            shape = sum(len(rows) for rows in parts), *parts[0].shape[1:]
            header = {"descr": "<f2", "fortran_order": False, "shape": shape}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                for rows in parts:
                    member.write(np.ascontiguousarray(rows, "<f2").data)
        with archive.open("facts.npy", "w") as member:
            np.lib.format.write_array(member, np.array(json.dumps(facts)))


def load_learned(folder: Path, encoder: str) -> tuple[list[Learned], dict[str, object]]:
    """Read the file of a bundle's folder.

    Raises
    ------
    BundleError
        It is missing or damaged, or belongs to another encoder.
    """
    file = folder / FILE
    try:
        arrays = read_arrays(read_regular(file, LARGEST))
        facts = json.loads(str(arrays["facts"]))
        every = {name: arrays[name] for name in arrays if name != "facts"}
        clips = facts["clips"]
        fits = every and all(rows.dtype == np.float16 and rows.ndim == 2 for rows in every.values())
        if facts["version"] not in READ or not fits:
            raise ValueError("of another version or shape")
        ends = np.cumsum([int(clip["rows"]) for clip in clips])
        whole = len(ends) and all(len(rows) == ends[-1] for rows in every.values())
        if not whole or min(int(clip["rows"]) for clip in clips) < 1:
            raise ValueError("clips and rows do not agree")
        differ = {name for name in every if name.startswith(RGBDIFF)}
        views, differences = (
            {
                int(name.rpartition("_")[2]): np.split(every[name], ends[:-1])
                for name in every
                if (name in differ) == own
            }
            for own in (False, True)
        )
        if not views or (differences and views.keys() != differences.keys()):
            raise ValueError("features of some pictures are missing")
        learned = [
            Learned(
                ClipFeatures(
                    {size: split[n] for size, split in views.items()}, float(clip["rate"]),
                    tuple(map(str, clip["notes"])), {size: split[n] for size, split in differences.items()},
                ),
                str(clip["label"]),
                None if clip["group"] is None else str(clip["group"]), str(clip["name"]), float(clip["start"]),
            )
            for n, clip in enumerate(clips)
        ]  # fmt: skip
    except FileNotFoundError:
        raise BundleError(
            f"{file}: missing; only a model that was taught, and saved whole, can be taught more"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise BundleError(f"{file}: cannot be read ({error}); teach the model again from its clips") from error
    if facts["encoder"] != encoder:
        raise BundleError(f"{file}: belongs to another encoder; teach the model again from its clips")
    return learned, dict(facts["options"])
