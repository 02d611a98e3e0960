"""Files into bundles: two streams, calibration, and files that are not there or do not belong together."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra [import]")
pytest.importorskip("openvino", reason="needs the extra [import]")

from golden import GOLDEN, ir, run_stream
from published import VTN, randomise, resnet, save

import edgevtn
from edgevtn.bundle import load_streams
from edgevtn.cli.main import main
from edgevtn.errors import ModelFileError
from edgevtn.importing import import_files


def test_two_streams_give_the_mean_of_the_logits(shared, tmp_path):
    files = [shared / "golden" / f"{GOLDEN[n]}.pth" for n in (0, 2)]
    import_files(files, tmp_path / "two")
    frames = np.load(files[0].with_suffix(".npz"))["frames_rgb"]
    logits = [run_stream(tmp_path / "two" / name, frames)[1] for name in ("rgb", "rgbdiff")]
    recognizer = edgevtn.Recognizer(tmp_path / "two", threads=1)
    (prediction,) = recognizer.stream((n / 15, np.ascontiguousarray(f[..., ::-1])) for n, f in enumerate(frames))
    exponents = np.exp((logits[0] + logits[1]) / 2)
    np.testing.assert_allclose(prediction.probabilities, exponents / exponents.sum(), atol=1e-5)


def test_import_and_calibrate(demo_clip, tmp_path, capsys, monkeypatch):
    for name, count in (("CALIBRATION_FRAMES", 10), ("HELD_OUT_FRAMES", 8)):
        monkeypatch.setattr(f"edgevtn.calibration.encoders.{name}", count)
    monkeypatch.setattr("edgevtn.calibration.fit.bias.BIAS_FRAMES", 2)
    files = [tmp_path / "frames.pth", tmp_path / "differences.pth"]
    for n, file in enumerate(files):
        # Few and narrow layers: how well those of golden models are calibrated is not asked here.
        save(randomise(VTN(resnet((1, 1, 1, 1), False, 16), 128, 32, 5, layers=1), n), file, difference=n == 1)
    assert main(["import", *map(str, files), "-o", str(tmp_path / "float")]) == 0
    assert main(["import", *map(str, files), "-o", str(tmp_path / "two"), "--clips", str(demo_clip)]) == 0
    assert "cosine" in capsys.readouterr().out
    for stream, before in zip(load_streams(tmp_path / "two"), load_streams(tmp_path / "float"), strict=True):
        assert len(stream.encoder) < 0.35 * len(before.encoder)
        assert stream.model.encoder.modality == before.model.encoder.modality
        assert (stream.model.quantization["target"], stream.model.name) == ("any", "two")
    assert (tmp_path / "two" / "rgbdiff" / "calibration.html").exists()
    assert edgevtn.Recognizer(tmp_path / "two", start="repeat")(np.zeros((40, 40, 3), np.uint8), 0.0) is not None


def test_two_files_that_do_not_belong_together(shared, tmp_path):
    rgb = shared / "golden" / f"{GOLDEN[0]}.pth"
    with pytest.raises(ModelFileError, match="both checkpoints are rgb"):
        import_files([rgb, rgb], tmp_path / "x")
    with pytest.raises(ModelFileError, match="two .xml of an IR"):
        import_files([rgb, ir(shared, "encoder")], tmp_path / "x")
    with pytest.raises(ModelFileError, match="expected a decoder"):
        import_files([ir(shared, "encoder"), ir(shared, "encoder")], tmp_path / "x")
    with pytest.raises(ModelFileError, match="expected an encoder"):
        import_files([ir(shared, "decoder_ln"), ir(shared, "encoder")], tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["nothing.pth", "nothing.xml"])
def test_missing_files(tmp_path, name, capsys):
    files = [str(tmp_path / name)] * (2 if name.endswith(".xml") else 1)
    assert main(["import", *files, "-o", str(tmp_path / "x")]) == 1
    message = capsys.readouterr().err
    assert "does not exist" in message
    assert message.count("\n") == 1
