"""Odd terminals, environments, names and files: one line of ours, or it works."""

from __future__ import annotations

import io
import os
import pathlib
import resource
import subprocess
import sys
import zipfile

import cv2
import numpy as np
import pytest
from children import EDGEVTN, PATIENCE, edgevtn, refusal

from edgevtn import EdgeVTNError, Recognizer, frames, recognize, teach
from edgevtn.bundle import load_bundle
from edgevtn.datasets import read_dataset, read_manifest
from edgevtn.errors import ManifestError, ModelFileError, OutputError, SourceError
from edgevtn.files import write_whole
from edgevtn.sinks import JsonFile, Timeline


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-"])
def test_closed_streams_do_not_give_their_numbers_to_files(tmp_path, demo_clip, closed):
    """What is printed would otherwise be in the first file that is opened."""
    out = tmp_path / "lines.jsonl"
    command = f"'{sys.executable}' -m edgevtn run '{demo_clip}' --seconds 3 --json-file '{out}' {closed}"
    done = subprocess.run(["sh", "-c", command], timeout=PATIENCE, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = out.read_text().splitlines()
    assert lines
    assert all(line.startswith("{") for line in lines)


def test_a_full_disk_behind_stdout(demo_clip):
    with pathlib.Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*EDGEVTN, "run", demo_clip, "--seconds", "3", "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "edgevtn: error: the output could not be written, because there is no space left where it goes; free some\n"
    )


def test_few_descriptors_no_home_and_ascii(tmp_path, demo_clip):
    place = tmp_path / "Küche"
    place.mkdir()
    (place / "Tür.mp4").write_bytes(demo_clip.read_bytes())
    environment = {"HOME": "/nonexistent", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = ("run", place / "Tür.mp4", "--seconds", "1")
    done = edgevtn(*command, environment=environment, limits={resource.RLIMIT_NOFILE: 32})
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Küche/keine.mp4: does not exist" in refusal(
        edgevtn("run", place / "keine.mp4", environment=environment)
    ).encode().decode("unicode_escape")


@pytest.mark.parametrize(
    "name", ["a\0b", "x" * 5000, "x/" * 3000, "/dev/null/x", ""], ids=["NUL", "long", "deep", "none", "empty"]
)
def test_names_that_no_file_can_have(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for attempt in (frames, recognize, Recognizer, load_bundle, teach, read_dataset, read_manifest, JsonFile, Timeline,
                    lambda name: write_whole(name, b"1")):  # fmt: skip
        if name == "" and attempt in (frames, recognize, teach, read_dataset, Recognizer, load_bundle):
            continue  # the current folder
        with pytest.raises(EdgeVTNError) as caught:
            attempt(name)
        assert len(str(caught.value)) <= 500


def test_what_a_mac_leaves_is_no_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "._1.png").write_bytes(b"\0\5\x16\7Mac OS X")
    with frames(tmp_path) as source:
        assert sum(1 for _ in source) == 1


def test_pipes_and_devices_are_no_sources(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zeros.mp4").symlink_to("/dev/zero")
    for name in ("pipe.mp4", "zeros.mp4"):
        with pytest.raises(SourceError, match="pipe or a device"):
            frames(tmp_path / name)
        (tmp_path / "m.csv").write_text(f"clip,label\n{name},a\n")
        with pytest.raises(ManifestError):
            read_manifest(tmp_path / "m.csv")
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "1.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "2.png")
    with pytest.raises(SourceError, match="pipe or a device"), frames(folder) as source:
        next(iter(source))
    for place in (tmp_path / "pipe.csv", tmp_path / "zero.csv"):
        os.mkfifo(place) if "pipe" in place.name else place.symlink_to("/dev/zero")
        with pytest.raises(ManifestError, match="pipe or a device"):
            read_manifest(place)


def test_a_mark_of_a_spreadsheet(tmp_path, demo_clip):
    (tmp_path / "a.mp4").write_bytes(demo_clip.read_bytes())
    (tmp_path / "manifest.csv").write_bytes(b"\xef\xbb\xbfclip,label\r\na.mp4,walk\r\n")
    assert [clip.label for clip in read_manifest(tmp_path / "manifest.csv")] == ["walk"]


@pytest.mark.parametrize("label", ["a\nb", "\x1b[31mred", "\u202eright"])
def test_labels_that_a_terminal_obeys_are_refused_before_training(tmp_path, demo_clip, label):
    (tmp_path / "a.mp4").write_bytes(demo_clip.read_bytes())
    (tmp_path / "manifest.csv").write_text(f'clip,label\na.mp4,"{label}"\n')
    with pytest.raises(ManifestError, match="label"):
        read_manifest(tmp_path / "manifest.csv")
    with pytest.raises(ManifestError, match="label"):
        teach(tmp_path)
    folder = tmp_path / "folder" / label
    folder.mkdir(parents=True)
    (folder / "a.mp4").write_bytes(demo_clip.read_bytes())
    with pytest.raises(ManifestError, match="label"):
        read_dataset(tmp_path / "folder")


def test_a_codec_that_cannot_be_decoded_is_named(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "x.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(5):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    content = (tmp_path / "x.avi").read_bytes()
    (tmp_path / "x.avi").write_bytes(content.replace(b"MJPG", b"ZZZZ"))
    with pytest.raises(SourceError, match=r"its codec"):
        frames(tmp_path / "x.avi")


#: Writes one black picture to the file that is named.
AV1 = """
import sys
import av, numpy
with av.open(sys.argv[1], "w") as container:
    stream = container.add_stream("libsvtav1", rate=25)
    stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
    frame = av.VideoFrame.from_ndarray(numpy.zeros((96, 128, 3), numpy.uint8), "bgr24")
    for packet in [*stream.encode(frame), *stream.encode()]:
        container.mux(packet)
"""


def test_a_whole_file_of_av1_is_not_called_damaged(tmp_path):
    av = pytest.importorskip("av")
    if "libsvtav1" not in av.codecs_available:
        pytest.skip("this PyAV has no encoder of AV1")
    # In a process of its own: where it may, that encoder makes the thread that calls it a real-time one for good.
    subprocess.run([sys.executable, "-c", AV1, str(tmp_path / "x.mp4")], check=True, timeout=60)
    try:
        source = frames(tmp_path / "x.mp4")
    except SourceError as error:
        told = str(error)
    else:  # an OpenCV of the user's own may have a decoder
        source.close()
        return
    assert "its codec is AV1" in told
    assert "damaged" not in told


def test_checkpoints_that_hold_no_numbers_or_many_marks(tmp_path):
    torch = pytest.importorskip("torch")
    from edgevtn.importing import read_checkpoint

    file = tmp_path / "x.pth"
    tensors = torch.empty(3, device="meta"), torch.zeros(3, 3).to_sparse(), torch.empty(10**6, 10**5, device="meta")
    for tensor in tensors:
        torch.save({"fc.weight": tensor}, file)
        with pytest.raises(ModelFileError, match="fc.weight"):
            read_checkpoint(file)
    file.write_bytes(b"\x80\x02" + b"(" * 10_000_000)
    with pytest.raises(ModelFileError, match="more than 500000 operations"):
        read_checkpoint(file)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"(" * 20_000_000)
    file.write_bytes(content.getvalue())
    with pytest.raises(ModelFileError, match="compressed or has more"):
        read_checkpoint(file)


def test_outputs_in_a_folder_that_may_not_be_written(tmp_path):
    for attempt in (JsonFile, Timeline, lambda name: write_whole(name, b"1")):
        with pytest.raises(OutputError, match="cannot be written"):
            attempt("/proc/nothing/x")
