"""A server that answers as the Hugging Face hub does, from a folder, and remembers what it was asked for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves one model, by the name "someone/model", of the revisions "v1" and `COMMIT`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """For ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    """A running server."""
    with Hub(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(True)

    def do_HEAD(self) -> None:
        self._answer(False)

    def _answer(self, whole: bool) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        for revision in ("v1", COMMIT):
            if path == f"/api/models/someone/model/revision/{revision}":
                return self._send(json.dumps(self._facts()).encode(), "application/json", whole)
            if path == f"/api/models/someone/model/tree/{revision}":
                return self._send(json.dumps(self._tree()).encode(), "application/json", whole)
            prefix = f"/someone/model/resolve/{revision}/"
            file = self.server.folder / path.removeprefix(prefix)
            if path.startswith(prefix) and file.is_file():
                return self._send(file.read_bytes(), "application/octet-stream", whole)
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        return None

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for file in sorted(self.server.folder.rglob("*")):
            if file.is_file():
                yield str(file.relative_to(self.server.folder)), file.read_bytes()

    def _facts(self) -> dict[str, object]:
        siblings = [{"rfilename": name, "size": len(content)} for name, content in self._files()]
        return {"id": "someone/model", "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}

    def _tree(self) -> list[dict[str, object]]:
        return [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for name, content in self._files()
        ]

    def _send(self, content: bytes, kind: str, whole: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if whole:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
