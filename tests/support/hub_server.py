"""The few addresses of the Hugging Face hub that huggingface_hub asks for a model and a commit, on this machine."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import threading
from typing import Any
from urllib.parse import unquote, urlsplit

MODEL = r"/api/models/(?P<name>[^/]+/[^/]+)"


class HubServer:
    """Repositories in memory, served while it is open.

    Attributes
    ----------
    commits : dict of str to dict of str to bytes
        Files by the name of the repository and a commit: "org/name@1111...".
    heads : dict of str to str
        The newest commit of each repository.
    asked : list of str
        Method and path of every request.
    """

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.heads: dict[str, str] = {}
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def put(self, name: str, files: dict[str, bytes]) -> str:
        """Add a commit of a repository; its hash."""
        content = repr(sorted((file, hashlib.sha1(data).hexdigest()) for file, data in files.items()))
        commit = hashlib.sha1(content.encode()).hexdigest()
        self.commits[f"{name}@{commit}"] = files
        self.heads[name] = commit
        return commit

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _send(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), Content_Type="application/json")

    def _missing(self, code: str) -> None:
        self._send(404, b'{"error": "not found"}', X_Error_Code=code, X_Error_Message="not found")

    def _commit(self, name: str, revision: str | None) -> str | None:
        commit = self.hub.heads.get(name) if revision in (None, "main") else revision
        return commit if f"{name}@{commit}" in self.hub.commits else None

    def do_HEAD(self) -> None:
        """As GET, without what it gives."""
        self.do_GET()

    def do_GET(self) -> None:
        """A repository's facts, its files, a file."""
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        self.hub.tokens.add(self.headers.get("Authorization"))
        if found := re.fullmatch(rf"{MODEL}(/revision/(?P<revision>.+))?", path):
            name, commit = found["name"], self._commit(found["name"], found["revision"])
            if name not in self.hub.heads:
                self._missing("RepoNotFound")
            elif commit is None:
                self._missing("RevisionNotFound")
            else:
                files = self.hub.commits[f"{name}@{commit}"]
                siblings = [
                    {"rfilename": file, "size": len(data), "blobId": _oid(data)} for file, data in files.items()
                ]
                self._json({"id": name, "sha": commit, "siblings": siblings, "private": False, "tags": []})
        elif found := re.fullmatch(rf"{MODEL}/tree/(?P<revision>[^/]+)", path):
            files = self.hub.commits[f"{found['name']}@{self._commit(found['name'], found['revision'])}"]
            self._json([{"type": "file", "path": f, "size": len(data), "oid": _oid(data)} for f, data in files.items()])
        elif found := re.fullmatch(r"/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)", path):
            commit = self._commit(found["name"], found["revision"])
            content = self.hub.commits.get(f"{found['name']}@{commit}", {}).get(found["file"])
            if content is None:
                self._missing("EntryNotFound")
            else:
                self._send(200, content, ETag=f'"{_oid(content)}"', X_Repo_Commit=str(commit))
        else:
            self._missing("Unknown")

    def do_POST(self) -> None:
        """A repository that is made, and a commit."""
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        self.hub.tokens.add(self.headers.get("Authorization"))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            if name not in self.hub.heads:
                self.hub.put(name, {})
            self._json({"url": f"{self.hub.address}/{name}", "id": name})
        elif path == "/api/validate-yaml":
            assert json.loads(body)["content"].startswith("---\n")
            self._json({"errors": [], "warnings": []})
        elif re.fullmatch(rf"{MODEL}/preupload/main", path):
            files = json.loads(body)["files"]
            self._json({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]})
        elif found := re.fullmatch(rf"{MODEL}/commit/main", path):
            lines = [json.loads(line) for line in body.splitlines()]
            files = dict(self.hub.commits[f"{found['name']}@{self.hub.heads[found['name']]}"])
            for line in lines:
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            commit = self.hub.put(found["name"], files)
            address = f"{self.hub.address}/{found['name']}/commit/{commit}"
            self._json({"success": True, "commitOid": commit, "commitUrl": address})
        else:
            self._missing("Unknown")


def _oid(content: bytes) -> str:
    """The hash of a file in git."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
