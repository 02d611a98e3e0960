"""Damaged files are read, or refused with a reason."""

import shutil

import pytest

pytest.importorskip("torch", reason="needs the extra [import]")
pytest.importorskip("openvino", reason="needs the extra [import]")

from golden import ir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published import VTN, resnet, save

from edgevtn.errors import ModelFileError
from edgevtn.importing import read_checkpoint, read_ir


@pytest.fixture(scope="module")
def small_files(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    model = VTN(resnet((1, 1, 1, 1), False), 512, 64, 3, heads=4, layers=1)
    save(model, folder / "x.pth")
    for suffix in (".xml", ".bin"):
        shutil.copy(ir(shared, "decoder_noln").with_suffix(suffix), folder / f"decoder{suffix}")
        shutil.copy(ir(shared, "encoder").with_suffix(suffix), folder / f"encoder{suffix}")
    return folder


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_give_one_line(small_files, tmp_path_factory, data):
    """Cut short, or with bytes changed: read, or refused with a reason; never anything else."""
    name = data.draw(st.sampled_from(["x.pth", "decoder.xml", "decoder.bin"]))
    content = bytearray((small_files / name).read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            # Where the structure is, mostly: the ends.
            edge = data.draw(st.integers(0, min(4000, len(content) - 1)))
            content[edge if data.draw(st.booleans()) else -1 - edge] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("damaged")
    for file in small_files.iterdir():
        shutil.copy(file, folder / file.name)
    (folder / name).write_bytes(content)
    try:
        if name == "x.pth":
            read_checkpoint(folder / name)
        else:
            read_ir(folder / "encoder.xml", folder / "decoder.xml")
    except ModelFileError as error:
        reason = str(error)
    else:
        return
    assert "\n" not in reason
    assert str(folder) in reason


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("Exception from cpu_memory.cpp:236:\nMemory has not been allocated\n\n"), "Memory has not been"),
        (IndexError("map::at"), "map::at"),  # two of 2,891: a Convert to a type that NumPy does not have
    ],
)
def test_an_ir_that_openvino_reads_and_cannot_run(small_files, monkeypatch, error, told):
    def broken(*arguments):
        raise error

    monkeypatch.setattr("edgevtn.importing.ir.native_decoder", broken)
    with pytest.raises(ModelFileError, match=rf"decoder.xml: OpenVINO cannot run it \({told}"):
        read_ir(small_files / "encoder.xml", small_files / "decoder.xml")
