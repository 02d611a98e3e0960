"""Encoders as ONNX, against the published networks in PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [import]")

from networks import session  # noqa: E402
from published import randomise, resnet, se_resnext  # noqa: E402

from edgevtn.networks import build_encoder  # noqa: E402

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


def arrays(module):
    return {name: tensor.numpy().astype(np.float32) for name, tensor in module.state_dict().items()}


def pixels(size=224, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, 3, size, size), dtype=np.uint8)


def normalised(x, mean=MEAN, std=STD):
    return torch.from_numpy(((x - mean[:, None, None]) / std[:, None, None]).astype(np.float32))


@pytest.mark.parametrize(
    ("blocks", "deep"), [((2, 2, 2, 2), False), ((3, 4, 6, 3), False), ((3, 4, 6, 3), True)], ids=["18", "34", "50"]
)
def test_resnet(blocks, deep):
    network = randomise(resnet(blocks, deep))
    model = build_encoder(arrays(network))
    with torch.no_grad():
        expected = network(normalised(pixels())).mean((2, 3)).numpy()
    np.testing.assert_allclose(session(model).run(None, {"pixels": pixels()})[0], expected, rtol=1e-3, atol=1e-3)


def test_se_resnext_takes_values_from_0_to_1():
    network = randomise(se_resnext((1, 2, 1, 1)))
    model = build_encoder(arrays(network))
    with torch.no_grad():
        expected = network(torch.from_numpy(pixels().astype(np.float32) / 255)).mean((2, 3)).numpy()
    np.testing.assert_allclose(session(model).run(None, {"pixels": pixels()})[0], expected, rtol=1e-3, atol=1e-3)


def test_difference_of_two_frames():
    network = randomise(resnet((1, 1, 1, 1), False))
    model = build_encoder(arrays(network), difference=True)
    newer, older = pixels(seed=1), pixels(seed=2)
    with torch.no_grad():
        expected = network(normalised(newer) - normalised(older)).mean((2, 3)).numpy()
    got = session(model).run(None, {"pixels": newer, "previous": older})[0]
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("variant", "size"), [(0, 224), (1, 240), (2, 260)])
def test_efficientnet_lite(variant, size):
    package = pytest.importorskip("efficientnet_lite_pytorch")
    network = randomise(package.EfficientNet.from_name(f"efficientnet-lite{variant}"))
    model = build_encoder(arrays(network))
    assert model.graph.input[0].type.tensor_type.shape.dim[2].dim_value == size
    with torch.no_grad():
        expected = network.extract_features((torch.from_numpy(pixels(size)).float() - 127) / 128).mean((2, 3)).numpy()
    np.testing.assert_allclose(session(model).run(None, {"pixels": pixels(size)})[0], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.clear(), "no tensors"),
        (lambda w: w.pop("5.0.bn2.running_var"), "5.0.bn2.running_var"),
        (lambda w: w.update({"5.0.conv2.weight": np.zeros((3, 3, 3, 3), np.float32)}), "do not fit together|bn2|shape"),
        (lambda w: w.update({"0.weight": np.zeros((64,), np.float32)}), "do not fit together"),
        (lambda w: w.pop("4.0.conv1.weight"), "none of"),
    ],
)
def test_tensors_that_are_no_network(change, message):
    weights = arrays(resnet((1, 1, 1, 1), False))
    change(weights)
    with pytest.raises(ValueError, match=message):
        build_encoder(weights)
