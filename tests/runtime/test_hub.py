"""A bundle by its name on the Hugging Face hub, from a server that answers as the hub does."""

import json

import pytest
from children import edgevtn, refusal
from hub_server import COMMIT, hub

from edgevtn.bundle.hub import is_on_hub


@pytest.fixture
def environment(tmp_path):
    pytest.importorskip("huggingface_hub")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "")
    return proxies | {
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
    }


def test_a_bundle_is_downloaded_once_and_nothing_beside_it(tiny, environment, tmp_path):
    (tiny / "script.py").write_text("raise SystemExit('never run')")
    (tiny / "weights.bin").write_bytes(b"not of a bundle")
    with hub(tiny) as server:
        environment |= {"HF_ENDPOINT": server.address}
        done = edgevtn("info", "someone/model@v1", environment=environment)
        assert done.returncode == 0, done.stderr
        assert "tiny" in done.stdout
        files = {path.rpartition("/")[2] for path in server.asked if "/resolve/" in path}
        assert files == {"model.json", "encoder.onnx", "head.npz"}
        count = len(server.asked)
        again = edgevtn("info", f"someone/model@{COMMIT}", environment=environment)
        assert (again.returncode, again.stdout) == (0, done.stdout)
        assert len(server.asked) == count  # it is there
    offline = edgevtn("info", f"someone/model@{COMMIT}", environment=environment)
    assert (offline.returncode, offline.stdout) == (0, done.stdout)


def test_what_came_is_checked_as_any_bundle_is(tiny, environment):
    facts = json.loads((tiny / "model.json").read_text())
    facts["sha256"]["head.npz"] = "0" * 64
    (tiny / "model.json").write_text(json.dumps(facts))
    with hub(tiny) as server:
        environment |= {"HF_ENDPOINT": server.address}
        assert "checksum does not match" in refusal(edgevtn("info", "someone/model@v1", environment=environment))
        assert "cannot be had from the Hugging Face hub" in refusal(
            edgevtn("info", "someone/other@v1", environment=environment)
        )


def test_a_folder_of_that_name_is_meant_and_paths_ask_nobody(tiny, tmp_path, monkeypatch, environment):
    (tmp_path / "someone").mkdir()
    tiny.rename(tmp_path / "someone" / "model@v1")
    with hub(tmp_path) as server:
        environment |= {"HF_ENDPOINT": server.address}
        for name in ("someone/model@v1", "someone/mistyped", "./someone/mistyped@v1", "/someone/mistyped@v1"):
            done = edgevtn("info", name, environment=environment, cwd=tmp_path)
            assert done.returncode == (0 if name == "someone/model@v1" else 1), done.stderr
        assert server.asked == []
    monkeypatch.chdir(tmp_path)
    assert not is_on_hub("someone/model@v1")
    assert is_on_hub("someone/other@v1")
