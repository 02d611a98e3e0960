"""Labelled clips as the usual datasets lay them out: a manifest, a folder per class, UCF-101, HMDB-51, Kinetics."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from edgevtn.datasets.manifest import Clip, read_manifest
from edgevtn.errors import ManifestError
from edgevtn.reading import kind_of, read_text
from edgevtn.sources.file import video_files

#: Folds of datasets that have published splits.
TRAIN, TEST = "train", "test"
#: HMDB-51's marks in its split files; 0 is for clips that a split does not use.
HMDB_FOLDS = {"1": TRAIN, "2": TEST}


def read_dataset(place: str | Path, split: int = 1) -> list[Clip]:
    """Labelled clips from any of the layouts that are known.

    - a ``manifest.csv``, or a folder that has one: see `read_manifest`;
    - UCF-101: a folder with ``trainlist01.txt`` and ``testlist01.txt`` (there, or in ``ucfTrainTestlist``), and a
      folder of clips for each class (there, or in ``UCF-101``);
    - HMDB-51: ``*_test_split1.txt`` for each class (there, or in ``testTrainMulti_7030_splits``), and a folder of
      clips for each class (there, or in ``hmdb51_org``);
    - Kinetics: ``train.csv`` and ``test.csv`` or ``validate.csv`` with the columns label, youtube_id, time_start and
      time_end, and clips ``LABEL/ID_START_END.mp4`` (there, or in ``train``, ``val``, ``validate``, ``test``); clips
      that were never downloaded are left out;
    - a folder of clips for each class, with no folds.

    Clips of published splits have the folds "train" and "test".

    Parameters
    ----------
    place : path
    split : int
        Which published split of UCF-101 and HMDB-51, 1 to 3.

    Raises
    ------
    ManifestError
        The layout is none of these, a list names a clip that is not there, or there is no clip.
    """
    place = Path(place)
    if not kind_of(place):
        raise ManifestError(f"{place}: does not exist; expected a manifest.csv, or a folder of labelled clips")
    if place.suffix == ".csv" or (place / "manifest.csv").exists():
        return read_manifest(place)
    if not place.is_dir():
        raise ManifestError(f"{place}: is no folder; expected a manifest.csv, or a folder of labelled clips")
    lists = _first(place, "ucfTrainTestlist", f"trainlist{split:02}.txt")
    if lists is not None:
        return _ucf101(place, lists, split)
    splits = [place / "testTrainMulti_7030_splits", place]
    marked = [file for folder in splits for file in sorted(folder.glob(f"*_test_split{split}.txt"))]
    if marked:
        return _hmdb51(place, marked)
    if (place / "train.csv").exists():
        return _kinetics(place)
    clips = [
        Clip(file, folder.name, None)
        for folder in sorted(place.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
        for file in video_files(folder)
    ]
    if not clips:
        raise ManifestError(
            f"{place}: has neither a manifest.csv, nor the split files of UCF-101, HMDB-51 or Kinetics (for split "
            f"{split}), nor a folder of video files for each class"
        )
    return clips


def _first(place: Path, *names: str) -> Path | None:
    """The folder that holds the last of `names`: a subfolder of that name, or the place itself."""
    *folders, file = names
    return next((folder for folder in (*(place / name for name in folders), place) if (folder / file).exists()), None)


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in read_text(file).split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{file}: cannot be read ({error})") from error


def _inside(root: Path, name: str, source: Path) -> Path:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ManifestError(f"{source}: {name} lies outside {root}")
    if not path.exists():
        raise ManifestError(f"{source}: names {name}, which is not in {root}")
    return path


def _ucf101(place: Path, lists: Path, split: int) -> list[Clip]:
    root = place / "UCF-101" if (place / "UCF-101").is_dir() else place
    clips = []
    for fold in (TRAIN, TEST):
        file = lists / f"{fold}list{split:02}.txt"
        for line in _lines(file):
            name = line.split()[0]  # training lists have a number after it
            clips.append(Clip(_inside(root, name, file), name.partition("/")[0], fold))
    if not clips:
        raise ManifestError(f"{lists}: the lists of split {split} name no clip")
    return clips


def _hmdb51(place: Path, marked: list[Path]) -> list[Clip]:
    root = place / "hmdb51_org" if (place / "hmdb51_org").is_dir() else place
    clips = []
    for file in marked:
        label = file.name.rpartition("_test_split")[0]
        for line in _lines(file):
            name, _, mark = line.rpartition(" ")
            if mark not in ("0", *HMDB_FOLDS) or not name:
                raise ManifestError(f"{file}: expected lines of a file name and 0, 1 or 2, got {line!r}")
            if mark in HMDB_FOLDS:
                clips.append(Clip(_inside(root, f"{label}/{name.strip()}", file), label, HMDB_FOLDS[mark]))
    if not clips:
        raise ManifestError(f"{place}: the split files name no clip")
    return clips


def _kinetics(place: Path) -> list[Clip]:
    clips = []
    for names, fold in ((("train.csv",), TRAIN), (("test.csv", "validate.csv", "val.csv"), TEST)):
        file = next((place / name for name in names if (place / name).exists()), None)
        if file is None:
            continue
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(file), newline="")))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ManifestError(f"{file}: cannot be read as CSV ({error})") from error
        if rows and {"label", "youtube_id", "time_start", "time_end"} - rows[0].keys():
            raise ManifestError(f"{file}: expected the columns label, youtube_id, time_start, time_end")
        roots = [place / file.stem, place / "val", place]
        for row in rows:
            try:
                name = f"{row['youtube_id']}_{int(row['time_start']):06}_{int(row['time_end']):06}.mp4"
            except (ValueError, TypeError) as error:  # TypeError: a row is too short
                raise ManifestError(f"{file}: times must be whole seconds ({error})") from error
            for label in (row["label"], row["label"].replace(" ", "_")):
                found = next((root for root in roots if (root / label / name).exists()), None)
                if found is not None:
                    clips.append(Clip(_inside(found, f"{label}/{name}", file), row["label"], fold))
                    break
    if not clips:
        raise ManifestError(f"{place}: none of the clips that train.csv and test.csv name are there")
    return clips
