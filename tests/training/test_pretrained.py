"""Encoders with ImageNet weights: from packages, or fetched and checked."""

import functools
import hashlib
import http.server
import sys
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from networks import session  # noqa: E402
from published import randomise, resnet  # noqa: E402
from torch import nn  # noqa: E402

import edgevtn  # noqa: E402
from edgevtn.training import pretrained  # noqa: E402
from edgevtn.training.pretrained import pretrained_encoder  # noqa: E402

NUMBERS = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Serve a state dict under a name that ends in its checksum; returns a function that does so."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    (tmp_path / "www").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "www")
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def publish(name, state, checksum=None):
        file = tmp_path / "www" / "file"
        torch.save(state, file)
        checksum = checksum or hashlib.sha256(file.read_bytes()).hexdigest()[:8]
        file.replace(tmp_path / "www" / f"{name}-{checksum}.pth")
        monkeypatch.setitem(pretrained.ENCODERS, name, f"http://127.0.0.1:{server.server_port}/{name}-{checksum}.pth")

    yield publish
    server.shutdown()
    server.server_close()
    thread.join()


def picture():
    return np.random.default_rng(0).integers(0, 256, (1, 3, 224, 224), dtype=np.uint8)


def normalised(x):
    mean, std = (np.array(value)[:, None, None] for value in (pretrained.IMAGENET_MEAN, pretrained.IMAGENET_STD))
    return torch.from_numpy(((x - mean) / std).astype(np.float32))


def test_resnet34_is_fetched_and_computes_the_same(published):
    network = randomise(resnet((3, 4, 6, 3), False))
    state = {f"{NUMBERS[name.partition('.')[0]]}.{name.partition('.')[2]}": value
             for name, value in network.state_dict().items()}  # fmt: skip
    published("resnet34", state | {"fc.weight": torch.zeros(5, 512), "fc.bias": torch.zeros(5)})
    with torch.no_grad():
        expected = network(normalised(picture())).mean((2, 3)).numpy()
    (got,) = session(pretrained_encoder("resnet34")).run(None, {"pixels": picture()})
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)


class Inverted(nn.Module):
    """torchvision's InvertedResidual: the layers of each convolution are a group of their own."""

    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion

        def group(i, o, kernel, stride=1, groups=1):
            return nn.Sequential(
                nn.Conv2d(i, o, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(o), nn.ReLU6()
            )

        layers = [] if expansion == 1 else [group(inputs, hidden, 1)]
        layers += [group(hidden, hidden, 3, stride, hidden), nn.Conv2d(hidden, outputs, 1, bias=False)]
        self.conv = nn.Sequential(*layers, nn.BatchNorm2d(outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


def mobilenetv2():
    """torchvision's `features`, by the table of the paper (arXiv 1801.04381)."""
    layers = [nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())]
    inputs = 32
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, outputs, repeats, stride in table:
        for n in range(repeats):
            layers.append(Inverted(inputs, outputs, stride if n == 0 else 1, expansion))
            inputs = outputs
    layers.append(nn.Sequential(nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()))
    return nn.Sequential(*layers)


def test_mobilenetv2_is_fetched_and_has_relu6(published):
    network = randomise(mobilenetv2())
    state = {f"features.{name}": value for name, value in network.state_dict().items()}
    published("mobilenetv2", state | {"classifier.1.weight": torch.zeros(5, 1280)})
    with torch.no_grad():
        expected = network(normalised(picture())).mean((2, 3)).numpy()
    (got,) = session(pretrained_encoder("mobilenetv2")).run(None, {"pixels": picture()})
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_another_checksum_is_refused(published, tmp_path):
    published("resnet34", {"conv1.weight": torch.zeros(1)}, checksum="01234567")
    with pytest.raises(edgevtn.errors.DownloadError, match="hash"):
        pretrained_encoder("resnet34")
    assert not list((tmp_path / "home").rglob("*.pth"))


def test_no_server_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(pretrained.ENCODERS, "resnet34", "http://127.0.0.1:9/resnet34-01234567.pth")
    with pytest.raises(edgevtn.errors.DownloadError, match="lite0 needs no download"):
        pretrained_encoder("resnet34")


def test_an_unknown_encoder_is_named():
    with pytest.raises(ValueError, match="encoder must be one of lite0"):
        pretrained_encoder("vgg")


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, pretrained.ENCODERS["lite2"], None)  # as if it were not installed
    with pytest.raises(edgevtn.errors.MissingExtraError, match="encoders"):
        pretrained_encoder("lite2")
