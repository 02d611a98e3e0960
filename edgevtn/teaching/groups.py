"""Which clips are takes of one recording or person, and must be left out together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

#: Seconds between two takes, by the times in their names, after which another session begins.
SESSION = 300
MOMENT = re.compile(r"(?<!\d)(\d{8})[_\-T ]?(\d{6})(?!\d)")
DAY = re.compile(r"(?<!\d)(\d{4})[_\-]?(\d{2})[_\-]?(\d{2})(?!\d)")
#: UCF-101's: ``v_Label_g07_c02``.
NUMBERED = re.compile(r"(?:^|_)(g\d+)_c\d+(?:_|$)", re.IGNORECASE)
PART = re.compile(r"[\s_\-.]+")


def find_groups(names: Sequence[str], labels: Sequence[str], given: Sequence[str | None]) -> tuple[list[str], str]:
    """The group of every clip, and a sentence on how it was found.

    Parts of one file always belong together. Where no group is given for all, the names are looked at: groups that they
    number, moments (takes within minutes are one session), days, and what remains of a name without its label and its
    number, such as a person's.

    Parameters
    ----------
    names : sequence of str
        Files' paths; clips of one file have one name.
    labels : sequence of str
    given : sequence of str or None
        Groups that the user gave.
    """
    if all(group is not None for group in given) and given:
        found = [str(group) for group in given]
        return found, f"groups are those given: {len(set(found))} of {len(found)} clips"
    stems = [Path(name).stem for name in names]
    ways: list[tuple[str, Callable[[], list[str | None]]]] = [
        ("the group's number in the file name", lambda: [_first(NUMBERED, stem) for stem in stems]),
        (f"moments in file names, {SESSION // 60} minutes or more apart", lambda: _sessions(stems, SESSION)),
        ("moments in file names", lambda: _sessions(stems, 0)),
        ("the days in file names", lambda: [_first(DAY, stem) for stem in stems]),
        ("what file names have beside label and number", lambda: [*map(_rest, stems, labels)]),
    ]
    for how, way in ways:
        keys = way()
        if all(keys) and 1 < len(set(keys)) < len(keys) and _apart(keys, labels):
            return _with_given([str(key) for key in keys], given), f"groups by {how}: {len(set(keys))}"
    count = len(set(names))
    found = _with_given(list(names), given)
    if count == len(names):
        return found, "every clip counts as a take of its own; clips of one recording need a group"
    return found, f"groups are the files: {count} of {len(names)} clips"


def _with_given(found: list[str], given: Sequence[str | None]) -> list[str]:
    return [key if group is None else group for key, group in zip(found, given, strict=True)]


def _apart(keys: Sequence[str | None], labels: Sequence[str]) -> bool:
    """Whether some label has clips of two groups; keys that only repeat the labels are no groups."""
    return any(len({key for key, own in zip(keys, labels, strict=True) if own == label}) > 1 for label in set(labels))


def _first(pattern: re.Pattern[str], stem: str) -> str | None:
    match = pattern.search(stem)
    return match.group(0 if pattern is DAY else 1).lower() if match else None


def _sessions(stems: Sequence[str], gap: float) -> list[str | None]:
    moments: list[datetime | None] = []
    for stem in stems:
        match = MOMENT.search(stem)
        try:
            moments.append(datetime.strptime("".join(match.groups()), "%Y%m%d%H%M%S") if match else None)
        except ValueError:
            moments.append(None)
    session: dict[datetime, str] = {}
    last: datetime | None = None
    name = ""
    for moment in sorted({moment for moment in moments if moment is not None}):
        if last is None or (moment - last).total_seconds() > gap:
            name = f"{moment:%Y%m%d-%H%M%S}"
        session[moment], last = name, moment
    return [None if moment is None else session[moment] for moment in moments]


def _rest(stem: str, label: str) -> str | None:
    """The parts of a name that are neither the label nor a number."""
    own = set(PART.split(label.lower())) | {label.lower(), PART.sub("", label.lower())}
    parts = [part for part in PART.split(stem.lower()) if part]
    kept = [part for part in parts if part not in own and part.rstrip("0123456789") not in own]
    kept = [part for part in kept if not re.fullmatch(r"(take|clip|vid|video|img|mov|c|t)?\d*", part)]
    return "_".join(kept) or None
