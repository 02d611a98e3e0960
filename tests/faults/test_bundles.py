"""Bundles from elsewhere: whatever they are, they are used, or refused in one line."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import hostile
import numpy as np
import pytest
from children import edgevtn, python, refusal

from edgevtn import EdgeVTNError, Recognizer, watch
from edgevtn.archive import read_arrays
from edgevtn.bundle import load_bundle
from edgevtn.errors import BundleError, NotFiniteError, OutputError, one_line
from edgevtn.sinks import JsonLines
from edgevtn.verification import verify

BLACK, WHITE = np.zeros((48, 64, 3), np.uint8), np.full((48, 64, 3), 255, np.uint8)


def line_of(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert len(text) <= 500
    assert text.isprintable()
    return text


@pytest.mark.parametrize("graph", [hostile.external_weights, hostile.hidden_external_weights])
def test_weights_in_another_file_are_refused(tiny, tmp_path, monkeypatch, graph):
    bundle = hostile.signed(tiny, tmp_path / "b", {"encoder.onnx": hostile.changed(graph)})
    monkeypatch.chdir(tmp_path)  # where onnxruntime would find them
    (tmp_path / "weights.bin").write_bytes(bytes(48 * 32 * 4))
    with pytest.raises(BundleError, match="names another file") as caught:
        Recognizer(bundle)
    line_of(caught.value)


def test_a_graph_of_onnxruntimes_own_format_is_refused(tiny, tmp_path):
    bundle = hostile.signed(tiny, tmp_path / "b", {"encoder.onnx": b"\x08\x00\x00\x00ORTM" + bytes(100)})
    with pytest.raises(BundleError, match="own format"):
        Recognizer(bundle)


def test_a_field_number_that_protobuf_reads_otherwise_is_refused(tiny, tmp_path):
    content = (tiny / "encoder.onnx").read_bytes() + b"\xba\x80\x80\x80\x10\x00"  # graph, with a bit above the 32nd
    bundle = hostile.signed(tiny, tmp_path / "b", {"encoder.onnx": content})
    with pytest.raises(BundleError, match="no ONNX, or damaged"):
        Recognizer(bundle)


def test_a_graph_of_too_many_nodes_is_refused(tiny, tmp_path):
    bundle = hostile.signed(tiny, tmp_path / "b", {"encoder.onnx": hostile.changed(hostile.many_nodes)})
    with pytest.raises(BundleError, match="more than 20000 nodes"):
        Recognizer(bundle)


def test_an_encoder_that_loads_and_fails_when_run(tiny, tmp_path, capfd):
    bundle = hostile.signed(tiny, tmp_path / "b", {"encoder.onnx": hostile.changed(hostile.fails_when_run)})
    with pytest.raises(BundleError, match="encoder.onnx: fails when it is run") as caught:
        Recognizer(bundle)
    line_of(caught.value)
    assert capfd.readouterr() == ("", ""), "onnxruntime says nothing beside"


def test_what_is_no_number_is_noticed_counted_and_never_printed(tiny, tmp_path):
    bundle = hostile.signed(tiny, tmp_path / "b", {"encoder.onnx": hostile.changed(hostile.not_finite)})
    recognizer = Recognizer(bundle, threads=1, start="repeat")  # black pictures are well
    assert recognizer(BLACK, 0.0) is not None
    with pytest.raises(NotFiniteError, match="no finite numbers"):
        recognizer(WHITE, 0.1)
    assert recognizer.not_finite == 1
    after = recognizer(BLACK, 0.2)
    assert after is not None
    assert np.isfinite(after.probabilities).all()

    lines = io.StringIO()
    frames = [(n / 10, WHITE if n % 3 == 0 else BLACK) for n in range(12)]
    with pytest.warns(RuntimeWarning, match="a frame is left out"):
        list(watch(frames, recognizer=recognizer, sinks=[JsonLines(lines)]))
    assert "NaN" not in lines.getvalue()
    assert [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_head_that_gives_no_number_is_noticed_at_warm_up(tiny, tmp_path):
    arrays = dict(np.load(tiny / "head.npz"))
    arrays["w_classes"][...], content = 3e38, io.BytesIO()
    np.savez(content, **arrays)
    bundle = hostile.signed(tiny, tmp_path / "b", {"head.npz": content.getvalue()})
    with pytest.raises(NotFiniteError, match="no finite numbers"):
        Recognizer(bundle)


@pytest.mark.parametrize("label", ["a\nb", "\x1b[2Jgone", "\u202egnp.exe", "x" * 5000, "\ud800", "a\x00"])
def test_labels_that_a_terminal_would_obey_are_refused(tiny, tmp_path, label):
    bundle = hostile.signed(tiny, tmp_path / "b", {}, labels=["a", "b", label])
    with pytest.raises(BundleError, match="labels must be") as caught:
        load_bundle(bundle)
    line_of(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("format_version", 10**400), ("frame_rate", 10**400), ("labels", [10**400] * 3), ("name", 10**4000),
     ("sha256", {"encoder.onnx": "\x1b[2J\n", "head.npz": 10**400})],
)  # fmt: skip
def test_numbers_of_hundreds_of_digits(tiny, tmp_path, name, value):
    bundle = hostile.signed(tiny, tmp_path / "b", {}, **{name: value})
    with pytest.raises(BundleError) as caught:
        load_bundle(bundle)
    line_of(caught.value)


def test_an_old_bundle_with_numbers_of_hundreds_of_digits(tmp_path):
    old = Path(__file__).parents[1] / "data" / "format1" / "plain"
    for name in ("frame_rate", "embed_dim", "clip_len"):
        bundle = hostile.signed(old, tmp_path / name, {}, modality="rgbdiff", **{name: 10**400})
        with pytest.raises(BundleError) as caught:
            load_bundle(bundle)
        line_of(caught.value)


@pytest.mark.parametrize(
    "header",
    [b"{", b"{" * 3000, b"(" * 3000, b"9" * 9000, b"-" * 5000 + b"1", b"__import__('os').abort()", b"",
     b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 9999999999), }",
     b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
     b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }"],
)  # fmt: skip
def test_headers_that_ended_in_foreign_errors(tiny, tmp_path, header):
    head = b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n" + bytes(12)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive, np.load(tiny / "head.npz") as arrays:
        for name in arrays.files:
            archive.writestr(f"{name}.npy", head)
    bundle = hostile.signed(tiny, tmp_path / "b", {"head.npz": content.getvalue()})
    with pytest.raises(BundleError, match="head.npz") as caught:
        load_bundle(bundle)
    line_of(caught.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_archives_are_refused(method):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        archive.writestr("w.npy", bytes(10**6))
    with pytest.raises(ValueError, match="compressed or encrypted"):
        read_arrays(content.getvalue())


def test_archives_are_read_as_numpy_reads_them():
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.random((3, 4), np.float32), "b": np.asfortranarray(rng.random((3, 4, 5))), "c": np.array("é text"),
        "d": np.zeros((0, 7), np.float16), "e": np.arange(5), "f": np.array([True, False]), "g": np.float32(1.5),
    }  # fmt: skip
    content = io.BytesIO()
    np.savez(content, **arrays)
    found = read_arrays(content.getvalue())
    assert list(found) == list(arrays)
    for name, expected in arrays.items():
        assert found[name].dtype == np.asarray(expected).dtype
        assert found[name].flags.aligned
        np.testing.assert_array_equal(found[name], expected)


def test_pipes_and_devices_in_a_bundle_are_refused(tiny, tmp_path):
    code = """if True:
        import sys, edgevtn.bundle
        for bundle in sys.argv[1:]:
            try:
                edgevtn.bundle.load_bundle(bundle)
            except edgevtn.BundleError as error:
                print(error)
    """
    bundles = []
    for file in ("model.json", "encoder.onnx", "head.npz"):
        for name, make in (("pipe", os.mkfifo), ("zeros", lambda place: Path(place).symlink_to("/dev/zero"))):
            bundles.append(hostile.signed(tiny, tmp_path / f"{name} {file}", {}))
            (bundles[-1] / file).unlink()
            make(bundles[-1] / file)
    lines = python(code, *bundles).stdout.splitlines()
    assert len(lines) == len(bundles)
    assert all("is a pipe or a device, no regular file" in line for line in lines), lines


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (hostile.takes_memory, "memory"),
        (hostile.takes_time, "within|ends the process"),
        (hostile.not_finite, "no finite numbers"),
    ],
)
def test_verify_ends_what_does_not_end(tiny, tmp_path, graph, reason):
    bundle = hostile.signed(tiny, tmp_path / "b", {"encoder.onnx": hostile.changed(graph)})
    with pytest.raises(EdgeVTNError, match=reason) as caught:
        verify(bundle, seconds=4 if graph is hostile.takes_time else 100)
    line_of(caught.value)


def test_verify_says_what_is_well(tiny, tmp_path):
    done = edgevtn("verify", tiny)
    assert (done.returncode, done.stderr) == (0, "")
    assert "is whole" in done.stdout


def test_messages_are_one_line_whatever_is_quoted():
    error = OutputError("first\n second\x1b[2J \u202e" + "x" * 60_000 + "; choose another place")
    assert line_of(error).startswith("first second\\x1b[2J \\u202e")
    assert str(error).endswith("; choose another place")
    assert one_line("Größe 日本語") == "Größe 日本語"


def test_an_error_is_one_line_on_a_terminal(tiny, tmp_path):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text('clip,label\n"\x1b[2J.avi",a\n')
    assert "\\x1b[2J.avi" in refusal(edgevtn("eval", manifest))
