"""Downloads from a real server: whole, resumed, damaged, refused."""

import hashlib
import http.server
import io
import json
import pickle
import shutil
import threading
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("requests", reason="needs the extra [import]")
torch = pytest.importorskip("torch", reason="needs the extra [import]")

from edgevtn.bundle import load_bundle  # noqa: E402
from edgevtn.cli.main import main  # noqa: E402
from edgevtn.errors import DownloadError  # noqa: E402
from edgevtn.importing.download import PINS, download  # noqa: E402
from edgevtn.importing.published import fetch, registry  # noqa: E402

CONTENT = bytes(range(256)) * 4096


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `server.files`; honours ranges; breaks off after `server.cut` bytes where that is set."""

    def do_GET(self):
        content = self.server.files.get(self.path)
        self.server.requests.append((self.path, self.headers.get("Range")))
        if content is None:
            self.send_error(404)
            return
        start = 0
        asked = self.headers.get("Range")
        if asked and self.server.ranges:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.cut])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.files, running.requests, running.ranges, running.cut = {"/model.bin": CONTENT}, [], True, None
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    running.url = f"http://127.0.0.1:{running.server_address[1]}"
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEVTN_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def sha384(content):
    return hashlib.sha384(content).hexdigest()


def get(server, target, content=CONTENT, **changes):
    facts = {"size": len(content), "sha384": sha384(content)} | changes
    download(f"{server.url}/model.bin", target, facts["size"], facts["sha384"], progress=False)


def test_whole_file_once(server, tmp_path):
    get(server, tmp_path / "model.bin")
    get(server, tmp_path / "model.bin")
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["model.bin"]


@pytest.mark.parametrize("ranges", [True, False], ids=["resumed", "from the start again"])
def test_after_a_cut(server, tmp_path, ranges):
    server.cut, server.ranges = 300_000, ranges
    with pytest.raises(DownloadError, match="cannot be downloaded|run the command again"):
        get(server, tmp_path / "model.bin")
    assert not (tmp_path / "model.bin").exists()
    kept = (tmp_path / "model.bin.part").stat().st_size
    assert 200_000 < kept <= 300_000
    server.cut = None
    get(server, tmp_path / "model.bin")
    assert (tmp_path / "model.bin").read_bytes() == CONTENT
    assert server.requests[-1][1] == f"bytes={kept}-"


def test_a_rest_of_another_file(server, tmp_path):
    (tmp_path / "model.bin.part").write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="checksum"):
        get(server, tmp_path / "model.bin")
    get(server, tmp_path / "model.bin")
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha384": "0" * 96}, "checksum is not the one in the registry"),
        ({"size": len(CONTENT) + 1}, "expected 1048577 bytes, got 1048576"),
        ({"size": 1000}, "more than the expected 1000 bytes"),
    ],
)
def test_what_is_not_what_was_expected(server, tmp_path, changes, message):
    with pytest.raises(DownloadError, match=message):
        get(server, tmp_path / "model.bin", **changes)
    assert not (tmp_path / "model.bin").exists()


def test_damaged_file_in_the_cache_is_fetched_again(server, tmp_path):
    (tmp_path / "model.bin").write_bytes(CONTENT[:-1] + b"x")
    get(server, tmp_path / "model.bin")
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


def test_unknown_checksum_is_remembered(server, tmp_path):
    get(server, tmp_path / "model.bin", size=None, sha384=None)
    assert sha384(CONTENT) in (tmp_path / PINS).read_text()
    (tmp_path / "model.bin").unlink()
    server.files["/model.bin"] = CONTENT[::-1]
    with pytest.raises(DownloadError, match="remembers the first download"):
        get(server, tmp_path / "model.bin", size=None, sha384=None)


def archive(**options):
    """A checkpoint as PyTorch saves it."""
    content = io.BytesIO()
    torch.save({"weight": torch.arange(5000.0)}, content, **options)
    return content.getvalue()


def empty_archive():
    """The container alone."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({}, 2))
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.pth", b"", "is empty"),
        ("model.xml", b"", "is empty"),
        ("model.bin", b"", "is empty"),
        ("model.pth", b"<html>come back later</html>", "is no PyTorch checkpoint"),
        ("model.pth", archive()[:-30], "is no PyTorch checkpoint"),
        ("model.pth", b"\x80", "is no PyTorch checkpoint"),
        ("model.pth", empty_archive(), "is no checkpoint that can be read"),
        ("model.pth", pickle.dumps({"weight": 1}, 2), "is no checkpoint that can be read"),
        ("model.pth", archive(_use_new_zipfile_serialization=False)[:-9000], "is no checkpoint that can be read"),
        ("model.xml", b"<net><layers></net>", "is no XML"),
        ("model.xml", CONTENT, "is no XML"),
    ],
)
def test_what_is_not_what_its_name_says_is_not_remembered(server, tmp_path, name, content, message):
    server.files["/model.bin"] = content
    with pytest.raises(DownloadError, match=message):
        get(server, tmp_path / name, size=None, sha384=None)
    assert list(tmp_path.iterdir()) == []
    good = {".pth": archive(), ".xml": b"<net><layers/></net>", ".bin": CONTENT}[Path(name).suffix]
    server.files["/model.bin"] = good
    get(server, tmp_path / name, size=None, sha384=None)
    assert (tmp_path / name).read_bytes() == good
    assert sha384(good) in (tmp_path / PINS).read_text()


def test_a_checkpoint_of_an_old_pytorch_is_one(server, tmp_path):
    server.files["/model.bin"] = content = archive(_use_new_zipfile_serialization=False)
    get(server, tmp_path / "model.pth", size=None, sha384=None)
    assert (tmp_path / "model.pth").read_bytes() == content


def test_what_an_older_version_remembered_of_an_empty_download_is_forgotten(server, tmp_path):
    (tmp_path / PINS).write_text(json.dumps({"model.pth": sha384(b"")}))
    server.files["/model.bin"] = content = archive()
    get(server, tmp_path / "model.pth", size=None, sha384=None)
    assert sha384(content) in (tmp_path / PINS).read_text()


def test_the_published_checksum_alone_decides_where_there_is_one(server, tmp_path):
    server.files["/model.bin"] = content = b"no zip archive"
    get(server, tmp_path / "model.pth", content)
    assert [file.name for file in tmp_path.iterdir()] == ["model.pth"]


def test_no_such_file_and_no_server(server, tmp_path):
    with pytest.raises(DownloadError, match="answered 404"):
        download(f"{server.url}/other", tmp_path / "x", None, None, progress=False)
    with pytest.raises(DownloadError, match="connection refused"):
        download("http://127.0.0.1:9/x", tmp_path / "x", None, None, progress=False)
    with pytest.raises(DownloadError, match="begins with http"):
        download("file:///etc/passwd", tmp_path / "x", None, None, progress=False)
    assert list(tmp_path.iterdir()) == []


def small_registry(server, folder):
    """The golden IR as a published model."""
    entries = []
    for name in ("encoder.xml", "encoder.bin", "decoder_ln.xml", "decoder_ln.bin"):
        content = (folder / name).read_bytes()
        server.files[f"/{name}"] = content
        entries.append({"file": name, "url": f"{server.url}/{name}", "size": len(content), "sha384": sha384(content)})
    return {
        "small": {"source": "a test", "license": "none", "labels": None, "precisions": {"FP16": entries}},
    }


def test_fetch_to_bundle(server, shared, tmp_path):
    models = small_registry(server, shared / "golden" / "openvino_ir")
    fetch("small", tmp_path / "bundle", progress=False, models=models)
    assert load_bundle(tmp_path / "bundle").model.head.layers == 4
    for entry in models["small"]["precisions"]["FP16"]:
        entry["url"] = "http://127.0.0.1:9/gone"
    shutil.rmtree(tmp_path / "cache")
    fetch("small", tmp_path / "mirrored", mirror=f"{server.url}/", progress=False, models=models)
    assert load_bundle(tmp_path / "mirrored").model.license == "none"


def test_nothing_is_half_installed(server, shared, tmp_path):
    models = small_registry(server, shared / "golden" / "openvino_ir")
    del server.files["/decoder_ln.bin"]
    with pytest.raises(DownloadError, match="404") as caught:
        fetch("small", tmp_path / "bundle", progress=False, models=models)
    assert "By hand" in caught.value.__notes__[0]
    assert any(note.endswith("/decoder_ln.bin") for note in caught.value.__notes__)
    assert not (tmp_path / "bundle").exists()


def test_names_that_are_not_there(tmp_path, capsys):
    assert main(["fetch", "nothing", "-o", str(tmp_path / "x")]) == 1
    assert "expected one of action-recognition-0001" in capsys.readouterr().err
    assert main(["fetch", "resnet_34_vtn_rgb_kinetics", "--precision", "FP16", "-o", str(tmp_path / "x")]) == 1
    assert "published as FP32" in capsys.readouterr().err
    assert main(["fetch"]) == 0
    assert "driver-action-recognition-adas-0002" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../evil.pth", "/etc/passwd", ".hidden", "a/b", ""])
def test_hostile_registry(tmp_path, name):
    entry = f'{{"file": "{name}", "url": "http://x/y", "size": 1, "sha384": null}}'
    (tmp_path / "r.json").write_text(f'{{"models": {{"m": {{"precisions": {{"FP32": [{entry}]}}}}}}}}')
    with pytest.raises(DownloadError, match="no plain file name"):
        registry(tmp_path / "r.json")


def test_registry_agrees_with_the_zoo(shared):
    import json

    zoo = json.loads((shared / "models" / "open_model_zoo_manifest.json").read_text())["models"]
    for name, parts in zoo.items():
        ours = {
            entry["url"]: (entry["size"], entry["sha384"])
            for entries in registry()[name]["precisions"].values()
            for entry in entries
        }
        theirs = {file["source"]: (file["size"], file["sha384"]) for part in parts.values() for file in part["files"]}
        assert ours == theirs
