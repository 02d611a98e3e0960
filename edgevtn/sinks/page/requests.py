"""What a browser may ask the page to do, and the clips that it may have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from edgevtn.errors import EdgeVTNError, require
from edgevtn.sinks.page.answers import JSON, as_json

#: Bytes of a request: a label and two numbers.
LONGEST_REQUEST = 2048


class Lessons(Protocol):
    """Who writes takes and teaches; see `edgevtn.teaching.lessons`."""

    def mark(self, label: str, seconds: float, source: str = "", region: str = "") -> Path:
        """Write the last seconds as a take of a label."""

    def teach(self) -> None:
        """Begin to teach."""

    def record(self) -> dict[str, Any]:
        """What there is to tell."""


def teaching_routes(lessons: Lessons) -> list[Any]:
    """``POST /mark``, with a label and seconds as JSON, and ``POST /teach``."""
    concurrency: Any = require("starlette.concurrency", "serve")
    responses: Any = require("starlette.responses", "serve")
    routing: Any = require("starlette.routing", "serve")

    async def done(method: Any, *arguments: Any) -> Any:
        """Do it in a thread, as it writes; say in a sentence why it cannot be done."""
        try:
            await concurrency.run_in_threadpool(method, *arguments)
        except (ValueError, EdgeVTNError) as error:
            return responses.Response(as_json({"error": str(error)}), 422, media_type=JSON)
        record = await concurrency.run_in_threadpool(lessons.record)
        return responses.Response(as_json(record), media_type=JSON)

    async def mark(request: Any) -> Any:
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LONGEST_REQUEST:
            return responses.JSONResponse({"error": "the request is too long"}, 413)
        try:
            asked = json.loads(await request.body())
            told = {name: asked.get(name, "") for name in ("label", "source", "region")}
            seconds = float(asked["seconds"])
            if not all(isinstance(text, str) for text in told.values()):
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return responses.JSONResponse({"error": "expected a label and seconds"}, 400)
        return await done(lessons.mark, told["label"], seconds, told["source"], told["region"])

    async def teach(request: Any) -> Any:
        return await done(lessons.teach)

    return [routing.Route("/mark", mark, methods=["POST"]), routing.Route("/teach", teach, methods=["POST"])]


def clip_route(clips: Mapping[str, Path]) -> Any:
    """``GET /clip/ID``: the clip of an event, of which a browser may ask for parts."""
    responses: Any = require("starlette.responses", "serve")
    routing: Any = require("starlette.routing", "serve")

    async def clip(request: Any) -> Any:
        file = clips.get(request.path_params["id"])  # never a path that a browser made
        if file is None or not file.is_file():
            return responses.PlainTextResponse("There is no such clip, or no more.\n", 404)
        return responses.FileResponse(file, media_type="video/mp4")

    return routing.Route("/clip/{id}", clip, methods=["GET"])
