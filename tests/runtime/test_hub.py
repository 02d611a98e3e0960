"""Bundles from a hub, and to one: a server of the test's own, which imitates it."""

import os
import shutil
import subprocess
import sys

import pytest

import edgevtn
from edgevtn.bundle.hub import is_hub_name
from edgevtn.errors import BundleError

pytest.importorskip("huggingface_hub")
from hub_server import HubServer

PATIENCE = 120


@pytest.fixture
def hub():
    with HubServer() as server:
        yield server


@pytest.fixture
def edgevtn_of(hub, tmp_path):
    """Run the command with this hub, in a folder of its own; huggingface_hub reads its address when it is imported."""
    place = tmp_path / "here"
    place.mkdir()

    def run(*arguments):
        environment = os.environ | {
            "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hub"), "HF_TOKEN": "hf_test", "NO_PROXY": "*",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "edgevtn", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    run.place = place
    return run


def contents(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_bundle_of_the_hub(hub, edgevtn_of, tiny, demo_clip):
    files = contents(tiny) | {"evil.py": b"raise SystemExit", "weights.bin": bytes(1000), "README.md": b"# hello"}
    commit = hub.put("ann/tiny", files)
    done = edgevtn_of("info", f"ann/tiny@{commit}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    local = edgevtn_of("info", tiny)
    assert "a, b, c" in done.stdout
    shown = [[line for line in run.stdout.splitlines() if "  bundle " not in line] for run in (done, local)]
    assert shown[0] == shown[1]  # but for where it lies
    fetched = {request.rpartition("/")[2] for request in hub.asked if "/resolve/" in request}
    assert fetched == {"model.json", "encoder.onnx", "head.npz"}
    hub.asked.clear()
    done = edgevtn_of("run", demo_clip, "--model", f"ann/tiny@{commit}")  # it is there, so nobody is asked
    assert done.returncode == 0, done.stderr
    assert hub.asked == []


def test_a_branch_is_told_to_move(hub, edgevtn_of, tiny):
    commit = hub.put("ann/tiny", contents(tiny))
    for name in ("ann/tiny@main",):
        done = edgevtn_of("info", name)
        assert done.returncode == 0, done.stderr
        assert done.stderr == (
            f"edgevtn: warning: {name} may change: it is commit {commit} today; write ann/tiny@{commit} so that it "
            "stays\n"
        )


def test_what_is_no_bundle_is_refused(hub, edgevtn_of, tiny):
    broken = contents(tiny)
    broken["encoder.onnx"] = broken["encoder.onnx"][:-1] + b"x"
    damaged = hub.put("ann/damaged", broken)
    other = hub.put("ann/other", {"README.md": b"# a text model", "model.safetensors": bytes(100)})
    large = hub.put("ann/large", contents(tiny) | {"model.json": b" " * 5_000_000})
    for name, reason in (
        (f"ann/damaged@{damaged}", "checksum does not match model.json"),
        (f"ann/other@{other}", "has no model.json, so it is no bundle"),
        (f"ann/large@{large}", "model.json has 5000000 bytes, a bundle's has at most 4194304"),
        (f"ann/tiny@{'0' * 40}", "cannot be downloaded from the hub (RepositoryNotFoundError"),
        (f"ann/other@{'0' * 40}", "cannot be downloaded from the hub (RevisionNotFoundError"),
    ):
        done = edgevtn_of("info", name)
        assert done.returncode == 1
        assert done.stdout == ""
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
    assert not any("/large/resolve/" in request or "/other/resolve/" in request for request in hub.asked)


def test_what_is_here_needs_no_hub(hub, edgevtn_of, tiny):
    (edgevtn_of.place / "ann").mkdir()
    shutil.copytree(tiny, edgevtn_of.place / "ann" / "tiny")
    hub.put("ann/tiny", contents(tiny))
    assert edgevtn_of("info", "ann/tiny").returncode == 0
    done = edgevtn_of("info", "ann/tinny")  # a slip: the folder ann is here
    assert done.returncode == 1
    assert "the path does not exist" in done.stderr
    for name in (None, "default"):
        assert edgevtn_of("info", *([name] if name else [])).returncode == 0
    assert hub.asked == []


def test_names_that_are_the_hubs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ann/tiny@main", "ann/tiny-1.0@v1.0", f"a/b@{'0' * 40}", "ann/tiny@refs/pr/1"):
        assert is_hub_name(name), name
    for name in (
        "tiny",
        "./ann/tiny",
        "/ann/tiny",
        "ann/tiny/x",
        "ann/tiny",
        "../tiny",
        "ann//tiny",
        "ann/tiny@",
        "ann/tïny",
        "",
    ):
        assert not is_hub_name(name), name
    with pytest.raises(BundleError, match="the path does not exist"):
        edgevtn.Recognizer(tmp_path / "ann" / "tiny")


def test_without_the_extra(tmp_path):
    code = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from edgevtn.cli.main import main\n"
        "sys.exit(main(['info', 'ann/tiny@main']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert "pip install 'edgevtn[hub]'" in first
    assert second == "ann/tiny@main is no folder here, so it was taken for the name of a model on the Hugging Face hub"


def test_nothing_imports_the_hub_before_it_is_asked_for():
    code = "import sys, edgevtn; edgevtn.Recognizer(); assert 'huggingface_hub' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_push_and_use(hub, edgevtn_of, make_bundle, demo_clip):
    import yaml

    bundle = make_bundle(accuracy={"protocol": "takes left out", "accuracy": 0.75}, labels=["a: b", "c #d", "e"])
    (bundle / "teach.npz").write_bytes(b"features of somebody's clips")
    (bundle / "teach.json").write_bytes(b"{}")
    done = edgevtn_of("push", "ann/mine", bundle, "--license", "cc-by-4.0")
    assert done.returncode == 0, done.stderr
    commit = hub.heads["ann/mine"]
    assert done.stdout == f"published; try: edgevtn run 0 --model ann/mine@{commit}\n"
    assert hub.tokens - {None} == {"Bearer hf_test"}  # of a card, which the hub checks for anybody, there is none
    assert "hf_test" not in done.stdout + done.stderr
    files = hub.commits[f"ann/mine@{commit}"]
    assert set(files) == {"README.md", "model.json", "encoder.onnx", "head.npz"}
    for name in ("model.json", "encoder.onnx", "head.npz"):
        assert files[name] == (bundle / name).read_bytes()
    _, front, text = files["README.md"].decode().split("---\n", 2)
    facts = yaml.safe_load(front)
    assert facts["library_name"] == "edgevtn"
    assert facts["license"] == "cc-by-4.0"
    assert "video-classification" in facts["tags"]
    assert facts["metrics"] == ["accuracy"]
    assert facts["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.75
    assert "- Labels: a: b, c #d, e." in text
    assert "- protocol: takes left out" in text
    done = edgevtn_of("run", demo_clip, "--model", f"ann/mine@{commit}")
    assert done.returncode == 0, done.stderr


def test_push_states_no_licence_by_itself_and_keeps_a_card(hub, edgevtn_of, tiny):
    import yaml

    (tiny / "MODEL_CARD.md").write_text("# My model\n\nMine.\n")
    assert edgevtn_of("push", "ann/mine", tiny).returncode == 0
    _, front, text = hub.commits[f"ann/mine@{hub.heads['ann/mine']}"]["README.md"].decode().split("---\n", 2)
    assert "license" not in yaml.safe_load(front)
    assert text.startswith("\n# My model\n\nMine.\n")


def test_push_of_what_is_none(hub, edgevtn_of, tiny, tmp_path):
    for arguments, reason in (
        (("mine", tiny), "expected the name of a repository"),
        (("ann/mine@main", tiny), "expected the name of a repository"),
        (("ann/mine", tmp_path / "nowhere"), "the path does not exist"),
    ):
        done = edgevtn_of("push", *arguments)
        assert done.returncode == 1
        assert reason in done.stderr
    assert hub.asked == []
