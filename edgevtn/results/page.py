"""The timeline of recordings as one HTML page that needs nothing else. It has pictures of the recordings inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgevtn.errors import require

TEMPLATE = Path(__file__).with_name("page.html.j2")
EXTRA = "report"
#: Pictures of a page: some 15 MB, which a browser still opens at once.
MOST_PICTURES = 2000
#: Colours of labels; the stylesheet has so many, and labels beyond share them.
COLOURS = 8
#: Width of a bar of time, in its own units.
BAR = 1000.0
#: Share of it, in the same units, that an event takes at least: it is to be seen.
NARROWEST = 3.0


def page(records: Sequence[dict[str, Any]], title: str) -> str:
    """The page.

    Parameters
    ----------
    records : sequence of dict
        One a file, with "file", "duration" (seconds, or None) and "events", each with "label", "start", "end", "score",
        "region", "model" and "picture" (a JPEG in base64, or None).
    title : str

    Raises
    ------
    MissingExtraError
        jinja2 is not installed.
    """
    jinja2 = require("jinja2", EXTRA)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clock"] = clock
    events = [event for record in records for event in record["events"]]
    counts = Counter(event["label"] for event in events)
    colours = {label: n % COLOURS for n, label in enumerate(sorted(counts))}
    seconds = {label: sum(e["end"] - e["start"] for e in events if e["label"] == label) for label in counts}
    html: str = environment.from_string(TEMPLATE.read_text("utf-8")).render(
        title=title, counts=counts.most_common(), colours=colours, seconds=seconds, total=len(events),
        files=[_file(record, colours) for record in records], left_out=max(0, len(events) - MOST_PICTURES),
        shown=_first_pictures(records), models=sorted({event["model"] for event in events}),
        duration=sum(record["duration"] or 0.0 for record in records),
    )  # fmt: skip
    return html + "\n"


def _first_pictures(records: Sequence[dict[str, Any]]) -> set[tuple[int, int]]:
    """Which events of which files are shown with a picture."""
    places = [(n, k) for n, record in enumerate(records) for k, _ in enumerate(record["events"])]
    return set(places[:MOST_PICTURES])


def _file(record: dict[str, Any], colours: dict[str, int]) -> dict[str, Any]:
    """A file's events, and their places on its bar."""
    last = max((event["end"] for event in record["events"]), default=0.0)
    duration = max(record["duration"] or 0.0, last) or 1.0
    bars = []
    for event in record["events"]:
        begin = BAR * event["start"] / duration
        width = max(NARROWEST, BAR * (event["end"] - event["start"]) / duration)
        bars.append({"x": round(begin, 1), "width": round(width, 1), "colour": colours[event["label"]], "event": event})
    return {
        "name": record["file"], "duration": record["duration"], "length": duration, "bars": bars,
        "events": record["events"],
    }  # fmt: skip


def clock(seconds: float) -> str:
    """Seconds as on a clock, with tenths: 1:02.5, or 1:00:02.5."""
    tenths = round(10 * seconds)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"
