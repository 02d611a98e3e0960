"""The page's addresses: the page itself, its picture, its state, and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgevtn.errors import require
from edgevtn.sinks.page.answers import JSON, as_json
from edgevtn.sinks.page.board import Board
from edgevtn.sinks.page.guard import App
from edgevtn.sinks.page.metrics import TYPE, metrics
from edgevtn.sinks.page.pictures import MOST_VIEWERS, Pictures
from edgevtn.sinks.page.requests import Lessons, clip_route, teaching_routes

STATIC = Path(__file__).with_name("static")
#: By address: a file of `STATIC`, and what it is. No others are ever read.
FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/teach.js": ("teach.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def application(
    board: Board, pictures: Pictures, clips: Mapping[str, Path] | None = None, lessons: Lessons | None = None
) -> App:
    """The ASGI application; whoever may not read it is kept out by `Guard`.

    Parameters
    ----------
    board, pictures
        What it shows.
    clips : mapping of str to Path, optional
        Files of events' clips, by the events' ids; they become more.
    lessons : Lessons, optional
        Who teaches, if that is wanted.

    Raises
    ------
    MissingExtraError
    """
    starlette: Any = require("starlette.applications", "serve")
    responses: Any = require("starlette.responses", "serve")
    routing: Any = require("starlette.routing", "serve")

    def fixed(name: str, kind: str) -> Any:
        content = (STATIC / name).read_bytes()

        async def answer(request: Any) -> Any:
            return responses.Response(content, media_type=kind)

        return answer

    async def state(request: Any) -> Any:
        known = request.query_params.get("known", "")
        record = board.record(int(known) if known.isdecimal() and len(known) < 16 else -1)
        record |= {"sources": pictures.sources, "viewers": pictures.viewers, "most_viewers": MOST_VIEWERS}
        record["clips"] = [] if clips is None else list(clips)
        record["lessons"] = None if lessons is None else lessons.record()
        return responses.Response(as_json(record), media_type=JSON)

    async def text(request: Any) -> Any:
        return responses.Response(metrics(board, pictures), headers={"Content-Type": TYPE})

    routes = [routing.Route(address, fixed(*file)) for address, file in FILES.items()]
    routes += [
        routing.Route("/state", state),
        routing.Route("/metrics", text),
        routing.Route("/picture", pictures, methods=["GET"]),
    ]
    if clips is not None:
        routes.append(clip_route(clips))
    if lessons is not None:
        routes += teaching_routes(lessons)
    app: App = starlette.Starlette(routes=routes)
    return app
