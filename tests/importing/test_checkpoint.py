"""Published checkpoints, against the authors' outputs."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [import]")

from golden import GOLDEN, run_stream  # noqa: E402
from published import VTN, randomise, resnet, save  # noqa: E402

import edgevtn  # noqa: E402
from edgevtn.bundle import load_bundle  # noqa: E402
from edgevtn.cli.main import main  # noqa: E402
from edgevtn.errors import ModelFileError  # noqa: E402
from edgevtn.importing import import_files, read_checkpoint  # noqa: E402

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_checkpoints(shared, tmp_path, name, capsys):
    assert main(["import", str(shared / "golden" / f"{name}.pth"), "-o", str(tmp_path / "bundle")]) == 0
    expected = np.load(shared / "golden" / f"{name}.npz")
    embeddings, logits = run_stream(tmp_path / "bundle", expected["frames_rgb"])
    np.testing.assert_allclose(embeddings, expected["embeddings"], atol=1e-3)
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-3)
    captured = capsys.readouterr()
    assert "12 labels" in captured.out
    assert (
        "warning: nobody named the model's 12 classes: its labels are class 0 to class 11; give --labels"
        in captured.err
    )
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text("utf-8")
    assert card.startswith("# bundle\n")
    assert "Labels: 12 that nobody named" in card
    assert "Not measured here" in card


def test_named_labels_stand_in_the_card_and_warn_of_nothing(shared, tmp_path, capsys):
    (tmp_path / "labels.txt").write_text("\n".join(f"action {n}" for n in range(12)))
    line = ["import", str(shared / "golden" / f"{GOLDEN[0]}.pth"), "-o", str(tmp_path / "bundle")]
    assert main([*line, "--labels", str(tmp_path / "labels.txt")]) == 0
    assert "warning" not in capsys.readouterr().err
    assert "Labels: action 0, action 1, action 2" in (tmp_path / "bundle" / "MODEL_CARD.md").read_text("utf-8")


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_checkpoints_through_the_recognizer(shared, tmp_path, name):
    """The same from frames on: 224x224 frames pass `prepare` unchanged."""
    import_files([shared / "golden" / f"{name}.pth"], tmp_path / "bundle")
    expected = np.load(shared / "golden" / f"{name}.npz")
    recognizer = edgevtn.Recognizer(tmp_path / "bundle", threads=1)
    frames = [(n / 15, np.ascontiguousarray(frame[..., ::-1])) for n, frame in enumerate(expected["frames_rgb"])]
    (prediction,) = recognizer.stream(frames)
    exponents = np.exp(expected["logits"] - expected["logits"].max())
    np.testing.assert_allclose(prediction.probabilities, exponents / exponents.sum(), atol=1e-3)


def test_a_repeated_frame_is_no_difference(shared, tmp_path):
    """A slot without a frame repeats the one before: its difference is nothing, not the last difference again."""
    import_files([shared / "golden" / f"{GOLDEN[2]}.pth"], tmp_path / "bundle")
    frames = np.load(shared / "golden" / f"{GOLDEN[2]}.npz")["frames_rgb"]
    repeated = np.concatenate([frames[:8], frames[7:8], frames[8:15]])
    _, expected = run_stream(tmp_path / "bundle", repeated)
    _, got = run_stream(tmp_path / "bundle", frames[:15], [*range(8), *range(9, 16)])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_resnet_34_of_the_published_size(tmp_path):
    model = randomise(VTN(resnet((3, 4, 6, 3), False), 512, 512, 400))
    save(model, tmp_path / "resnet_34_vtn.pth")
    import_files([tmp_path / "resnet_34_vtn.pth"], tmp_path / "bundle")
    loaded = load_bundle(tmp_path / "bundle").model
    head = loaded.head
    assert (head.embed_dim, head.window_len, head.heads, head.layers, head.ffn_dim) == (512, 16, 8, 4, 1024)
    assert loaded.labels[0] == "abseiling"
    frames = np.random.default_rng(0).integers(0, 256, (16, 224, 224, 3), dtype=np.uint8)
    with torch.no_grad():
        embeddings, logits = model(torch.from_numpy(((frames - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2)))
    got = run_stream(tmp_path / "bundle", frames)
    np.testing.assert_allclose(got[0], embeddings, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(got[1], logits, rtol=1e-3, atol=1e-3)


class Hostile:
    def __reduce__(self):
        return (print, ("code was run",))


def test_checkpoints_that_want_code_run_are_refused(tmp_path, capsys):
    torch.save({"state_dict": Hostile()}, tmp_path / "hostile.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Hostile()))
    for name in ("hostile", "plain"):
        with pytest.raises(ModelFileError, match="refused; it asks for code"):
            read_checkpoint(tmp_path / f"{name}.pth")
    assert "code was run" not in capsys.readouterr().out


def without(name):
    return lambda state: state.pop(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.clear(), "expected a state dict"),
        (without("fc.weight"), "fc.weight"),
        (without("reduce_conv.weight"), "there is no reduce_conv"),
        (without("self_attention_decoder.layers.0.slf_attn.w_qs"), "0 attention blocks"),
        (without("resnet.1.weight"), "1.weight"),
        (lambda state: state.update({"fc.bias": torch.full((3,), float("nan"))}), "not finite"),
        (lambda state: state.update({"fc.bias": "three"}), "expected tensors, got str"),
        (lambda state: state.update({"fc.bias": torch.zeros(1).expand(2**40)}), "claims more values|refused|cannot be"),
        (lambda state: state.update({"reduce_conv.weight": torch.zeros(3, 3, 1, 1)}), "reduce_conv.weight is"),
        (lambda state: [state.pop(name) for name in list(state) if name.startswith("resnet.")], "no tensors of an enc"),
    ],
)
def test_checkpoints_that_are_no_vtn(tmp_path, change, message):
    model = VTN(resnet((1, 1, 1, 1), False), 512, 64, 3, heads=4, layers=1)
    state = dict(model.state_dict())
    change(state)
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(ModelFileError, match=message):
        read_checkpoint(tmp_path / "x.pth")
