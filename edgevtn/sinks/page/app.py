"""The page's addresses: the page itself, its picture, its state, and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgevtn.errors import require
from edgevtn.sinks.page.board import Board
from edgevtn.sinks.page.guard import App
from edgevtn.sinks.page.metrics import TYPE, metrics
from edgevtn.sinks.page.pictures import MOST_VIEWERS, Pictures

STATIC = Path(__file__).with_name("static")
#: By address: a file of `STATIC`, and what it is. No others are ever read.
FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def application(board: Board, pictures: Pictures) -> App:
    """The ASGI application; whoever may not read it is kept out by `Guard`.

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
        return responses.JSONResponse(
            record | {"sources": pictures.sources, "viewers": pictures.viewers, "most_viewers": MOST_VIEWERS}
        )

    async def text(request: Any) -> Any:
        return responses.Response(metrics(board, pictures), headers={"Content-Type": TYPE})

    routes = [routing.Route(address, fixed(*file)) for address, file in FILES.items()]
    routes += [
        routing.Route("/state", state),
        routing.Route("/metrics", text),
        routing.Route("/picture", pictures, methods=["GET"]),
    ]
    app: App = starlette.Starlette(routes=routes)
    return app
