"""Every way in which a bundle can be wrong has its own one-line reason."""

import hashlib
import json
import zipfile

import numpy as np
import onnx
import pytest
from tiny import ENCODER_FACTS, HEAD_FACTS, random_head, tiny_encoder, tiny_facts

import edgevtn
from edgevtn import BundleError
from edgevtn.bundle import load_bundle, write_bundle


def change_facts(bundle, **changes):
    file = bundle / "model.json"
    facts = json.loads(file.read_text())
    for name, value in changes.items():
        part = facts["encoder"] if name in ENCODER_FACTS else facts["head"] if name in HEAD_FACTS else facts
        if value is None:
            del part[name]
        else:
            part[name] = value
    file.write_text(json.dumps(facts))


def sign(bundle):
    """Make the checksums true again."""
    names = ("encoder.onnx", "head.npz")
    change_facts(bundle, sha256={name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in names})


def test_a_right_bundle_loads(tiny):
    bundle = load_bundle(tiny)
    assert bundle.model.labels == ("a", "b", "c")
    assert {array.dtype for array in bundle.head.values()} == {np.dtype(np.float32)}


def test_half_precision_weights_load_as_float32(tiny):
    arrays = {name: value.astype(np.float16) for name, value in random_head(tiny_facts()).items()}
    np.savez(tiny / "head.npz", **arrays)
    sign(tiny)
    assert {array.dtype for array in load_bundle(tiny).head.values()} == {np.dtype(np.float32)}


def test_missing_folder(tmp_path):
    with pytest.raises(BundleError, match="does not exist"):
        load_bundle(tmp_path / "nothing")


def test_a_file_is_no_bundle(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BundleError, match="is a file"):
        load_bundle(tmp_path / "file")


@pytest.mark.parametrize("name", ["model.json", "encoder.onnx", "head.npz"])
def test_missing_file(tiny, name):
    (tiny / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: missing"):
        load_bundle(tiny)


@pytest.mark.parametrize("name", ["encoder.onnx", "head.npz"])
def test_wrong_checksum(tiny, name):
    content = bytearray((tiny / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tiny / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name}: checksum does not match"):
        load_bundle(tiny)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "\x00\xff", "[" * 100_000])
def test_facts_that_are_no_json_object(tiny, text):
    (tiny / "model.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"model\.json: (cannot be read as JSON|expected a JSON object)"):
        load_bundle(tiny)


@pytest.mark.parametrize("version", [0, 3, "1", "2", None, 1.5, True])
def test_unknown_version(tiny, version):
    change_facts(tiny, format_version=version)
    with pytest.raises(BundleError, match="format_version"):
        load_bundle(tiny)


WRONG = {
    "name": ["", 3],
    "input_size": [0, 8, 32.0, True, "32", 10**9],
    "color_order": ["GBR", 1, [], {}],
    "mean": [[1, 2], "x", [1, 2, "3"], [1, 2, float("nan")]],
    "std": [[0, 1, 1], [-1, 1, 1]],
    "frame_rate": [0, -1, 1000, float("inf"), "10"],
    "width": [0, 10**6, "32"],
    "window_len": [0, -4, 10**7],
    "embed_dim": [31, 10**6],
    "heads": [0],
    "layers": [0, 1000],
    "ffn_dim": [0],
    "attention_scale": [0, float("nan")],
    "layer_norm": ["torch"],
    "modality": ["depth"],
    "motion": ["speed", True],
    "projection": [0, "no"],
    "encoder": [[], "x"],
    "head": [[], 3],
    "labels": [[], ["a", "a"], ["a", ""], "abc", [1]],
    "quantization": [[]],
    "accuracy": ["98 %"],
    "sha256": [{}, {"encoder.onnx": "x"}, {"../encoder.onnx": "x", "head.npz": "y"}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_fact(tiny, name, value):
    change_facts(tiny, **{name: value})
    with pytest.raises(BundleError, match=rf"model\.json(, encoder|, head)?: {name} must be"):
        load_bundle(tiny)


FLAT = [name for part in (tiny_facts(), tiny_facts()["encoder"], tiny_facts()["head"]) for name in part]


@pytest.mark.parametrize("name", [name for name in FLAT if name != "kind"])
def test_missing_fact(tiny, name):
    change_facts(tiny, **{name: None})
    with pytest.raises(BundleError, match=rf"{name} is missing"):
        load_bundle(tiny)


def test_unknown_fact(tiny):
    change_facts(tiny, temperature=2)
    with pytest.raises(BundleError, match="temperature"):
        load_bundle(tiny)


def test_frames_of_a_difference_are_at_most_a_slot_apart(tiny):
    change_facts(tiny, modality="rgbdiff")
    with pytest.raises(BundleError, match="difference_interval is missing"):
        load_bundle(tiny)
    for interval in (0.1, 0.04):
        change_facts(tiny, difference_interval=interval)
        assert load_bundle(tiny).model.encoder.difference_interval == interval
    for wrong in (0, -1, 0.11, "0.1", True):
        change_facts(tiny, difference_interval=wrong)
        with pytest.raises(BundleError, match=r"difference_interval must be seconds, above 0 to 0\.1"):
            load_bundle(tiny)
    change_facts(tiny, modality="rgb", difference_interval=0.04)
    with pytest.raises(BundleError, match="difference_interval"):
        load_bundle(tiny)


def test_heads_that_do_not_divide(tiny):
    change_facts(tiny, heads=3)
    with pytest.raises(BundleError, match="not divisible by heads 3"):
        load_bundle(tiny)


@pytest.mark.parametrize(
    ("changes", "array"),
    [
        ({"window_len": 5}, "position"),
        ({"labels": ["a", "b"]}, "w_classes"),
        ({"layers": 3}, "w_q"),
        ({"ffn_dim": 65}, "w_1"),
    ],
)
def test_shapes_that_disagree(tiny, changes, array):
    change_facts(tiny, **changes)
    with pytest.raises(BundleError, match=rf"{array} (must be|is larger than) .*float32"):
        load_bundle(tiny)


def test_missing_and_unknown_arrays(tiny):
    arrays = random_head(tiny_facts())
    arrays["surprise"] = arrays.pop("w_q")
    np.savez(tiny / "head.npz", **arrays)
    sign(tiny)
    with pytest.raises(BundleError, match=r"missing \['w_q'\], unknown \['surprise'\]"):
        load_bundle(tiny)


def test_weights_that_are_not_finite(tiny):
    arrays = random_head(tiny_facts())
    arrays["b_1"][0, 0] = np.nan
    np.savez(tiny / "head.npz", **arrays)
    sign(tiny)
    with pytest.raises(BundleError, match="b_1 has values that are not finite"):
        load_bundle(tiny)


def test_pickled_arrays_are_refused(tiny):
    arrays = random_head(tiny_facts())
    arrays["b_classes"] = np.array([print, print, print], dtype=object)
    np.savez(tiny / "head.npz", **arrays)
    sign(tiny)
    with pytest.raises(BundleError, match="b_classes.npy has a header"):
        load_bundle(tiny)


def test_zip_bomb_is_refused_unread(tiny):
    with zipfile.ZipFile(tiny / "head.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in random_head(tiny_facts()):
            archive.writestr(f"{name}.npy", bytes(50_000_000) if name == "w_1" else b"")
    assert (tiny / "head.npz").stat().st_size < 100_000
    sign(tiny)
    with pytest.raises(BundleError, match="a member is compressed"):
        load_bundle(tiny)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04pickle", b"x" * 1000])
def test_decoder_that_is_no_archive(tiny, content):
    (tiny / "head.npz").write_bytes(content)
    sign(tiny)
    with pytest.raises(BundleError, match="cannot be read as an .npz"):
        load_bundle(tiny)


@pytest.mark.parametrize("content", [b"", b"not onnx", b"\x08" * 500])
def test_encoder_that_is_no_onnx(tiny, content):
    (tiny / "encoder.onnx").write_bytes(content)
    sign(tiny)
    with pytest.raises(BundleError, match="encoder.onnx: "):
        edgevtn.Recognizer(tiny)


def test_encoder_of_other_shapes(tiny):
    model = tiny_encoder()
    model.graph.output[0].name = "flat"
    onnx.save(model, tiny / "encoder.onnx")
    sign(tiny)
    with pytest.raises(BundleError, match="expected the inputs and output"):
        edgevtn.Recognizer(tiny)


def test_encoder_with_external_data_is_refused(tiny, tmp_path):
    model = tiny_encoder()
    onnx.save(
        model, tiny / "encoder.onnx", save_as_external_data=True, location="weights", size_threshold=0,
    )  # fmt: skip
    sign(tiny)
    with pytest.raises(BundleError, match="names another file"):
        edgevtn.Recognizer(tiny)


def test_writing_replaces_a_bundle_and_nothing_else(tiny, tmp_path):
    facts = tiny_facts(name="second")
    write_bundle(tiny, facts, tiny_encoder().SerializeToString(), random_head(facts))
    assert load_bundle(tiny).model.name == "second"
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="thesis.txt, which is no part of a bundle"):
        write_bundle(other, facts, tiny_encoder().SerializeToString(), random_head(facts))
    assert (other / "thesis.txt").read_text() == "precious"


def test_a_bad_bundle_is_not_written(tmp_path):
    facts = tiny_facts(heads=3)
    with pytest.raises(BundleError):
        write_bundle(tmp_path / "new", facts, tiny_encoder().SerializeToString(), random_head(tiny_facts()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["torch", None, 3, "os.system"])
def test_kinds_of_heads_are_a_closed_table(tiny, kind):
    facts = json.loads((tiny / "model.json").read_text())
    facts["head"]["kind"] = kind
    (tiny / "model.json").write_text(json.dumps(facts))
    with pytest.raises(BundleError, match="head: kind must be one of vtn, linear, onnx"):
        load_bundle(tiny)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"motion": "change"}, "needs a projection"), ({"embed_dim": 64}, "embed_dim must be the width 32")],
)
def test_facts_that_do_not_fit_together(tiny, changes, message):
    change_facts(tiny, **changes)
    with pytest.raises(BundleError, match=message):
        load_bundle(tiny)


def test_what_is_written_is_what_was_read(make_bundle, tmp_path):
    first = load_bundle(make_bundle(modality="rgbdiff", difference_interval=0.04))
    write_bundle(tmp_path / "again", first.model.to_dict(), first.encoder, first.head)
    assert load_bundle(tmp_path / "again").model.to_dict() == first.model.to_dict()
