"""`--region`: whose it is, and what all of them cost."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgevtn.recognizer import Recognizer
    from edgevtn.region import Region


def add_regions(parser: argparse.ArgumentParser) -> None:
    """``--region``."""
    parser.add_argument(
        "--region", action="append", metavar="[SOURCE:]NAME=X0,Y0,X1,Y1",
        help="a rectangle to recognise by itself instead of the whole picture, in shares of its width and height: "
        "left, upper, right and lower edge, 0 to 1; its centre square is seen; several may be given, for every source, "
        "or for the SOURCE that is named as it is given, or as its events name it",
    )  # fmt: skip


def regions(texts: Sequence[str] | None, given: Sequence[str], names: Sequence[str]) -> list[Region]:
    """The regions that are asked for.

    Parameters
    ----------
    texts : sequence of str
        As `Region.parse` takes them.
    given, names : sequence of str
        The sources as they stand on the command line, and their names in that order.

    Raises
    ------
    ValueError
        A text is none, or names no source.
    """
    from edgevtn.region import Region

    known = dict(zip(given, names, strict=True)) | {name: name for name in names if name}
    found = [Region.parse(text) for text in texts or ()]
    for region in found:
        if region.source and region.source not in known:
            told = ", ".join(name or "the source as it is given" for name in names)
            raise ValueError(f"region {region.name}: expected a source before the colon ({told}), got another")
    return [replace(region, source=known[region.source]) if region.source else region for region in found]


def expense(recognizer: Recognizer, names: Sequence[str], wanted: Sequence[Region]) -> str:
    """What so many windows cost on this machine, in a sentence."""
    from edgevtn.views import cost, scene

    seconds = cost(recognizer)
    parts = [len(scene(name, wanted).regions) for name in names]
    views = sum(max(1, count) for count in parts)
    told = [_count(len(names), "source")] + ([_count(sum(parts), "region")] if wanted else [])
    rate = max(model.frame_rate for model in recognizer.models.values())
    return (
        f"{1000 * seconds:.1f} ms a frame, {_count(views, 'window')} ({', '.join(told)}): at most "
        f"{1 / (seconds * views):.1f} frames a second of each; the model wants {rate:g}"
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
