"""The layouts in which the usual datasets come."""

import pytest

from edgevtn.datasets import read_dataset
from edgevtn.errors import ManifestError


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def summary(clips):
    return sorted((clip.path.name, clip.label, clip.fold) for clip in clips)


def test_a_folder_per_class(tmp_path):
    touch(tmp_path, "fall/1.mp4", "fall/deep/2.AVI", "walk/3.mkv", "walk/notes.txt", "empty/readme.md")
    assert summary(read_dataset(tmp_path)) == [
        ("1.mp4", "fall", None),
        ("2.AVI", "fall", None),
        ("3.mkv", "walk", None),
    ]


def test_a_manifest_comes_first(tmp_path):
    touch(tmp_path, "fall/1.mp4", "walk/3.mkv")
    (tmp_path / "manifest.csv").write_text("clip,label,fold\nfall/1.mp4,down,7\n")
    assert summary(read_dataset(tmp_path)) == [("1.mp4", "down", "7")]
    assert summary(read_dataset(tmp_path / "manifest.csv")) == [("1.mp4", "down", "7")]


@pytest.mark.parametrize("nested", [True, False])
def test_ucf101(tmp_path, nested):
    videos = tmp_path / "UCF-101" if nested else tmp_path
    lists = tmp_path / "ucfTrainTestlist" if nested else tmp_path
    touch(videos, "Archery/v_Archery_g08_c01.avi", "Archery/v_Archery_g01_c01.avi", "Biking/v_Biking_g08_c01.avi")
    lists.mkdir(exist_ok=True)
    (lists / "trainlist02.txt").write_text("Archery/v_Archery_g08_c01.avi 3\r\nBiking/v_Biking_g08_c01.avi 11\r\n")
    (lists / "testlist02.txt").write_text("Archery/v_Archery_g01_c01.avi\n")
    assert summary(read_dataset(tmp_path, split=2)) == [
        ("v_Archery_g01_c01.avi", "Archery", "test"),
        ("v_Archery_g08_c01.avi", "Archery", "train"),
        ("v_Biking_g08_c01.avi", "Biking", "train"),
    ]


def test_hmdb51(tmp_path):
    touch(tmp_path / "hmdb51_org", "brush_hair/a b.avi", "brush_hair/c.avi", "brush_hair/d.avi", "cartwheel/e.avi")
    splits = tmp_path / "testTrainMulti_7030_splits"
    splits.mkdir()
    (splits / "brush_hair_test_split1.txt").write_text("a b.avi 1 \nc.avi 2 \nd.avi 0 \n")
    (splits / "cartwheel_test_split1.txt").write_text("e.avi 1\n")
    assert summary(read_dataset(tmp_path)) == [
        ("a b.avi", "brush_hair", "train"), ("c.avi", "brush_hair", "test"), ("e.avi", "cartwheel", "train"),
    ]  # fmt: skip


def test_kinetics_with_clips_missing(tmp_path):
    touch(tmp_path / "train", "air drumming/abc_000003_000013.mp4")
    touch(tmp_path / "val", "abseiling/xyz_000000_000010.mp4")
    head = "label,youtube_id,time_start,time_end,split\n"
    (tmp_path / "train.csv").write_text(f"{head}air drumming,abc,3,13,train\nair drumming,gone,1,11,train\n")
    (tmp_path / "validate.csv").write_text(f"{head}abseiling,xyz,0,10,validate\n")
    assert summary(read_dataset(tmp_path)) == [
        ("abc_000003_000013.mp4", "air drumming", "train"), ("xyz_000000_000010.mp4", "abseiling", "test"),
    ]  # fmt: skip


def ucf_with(line):
    def make(root):
        touch(root, "Archery/1.avi")
        (root / "trainlist01.txt").write_text(f"{line} 1\n")
        (root / "testlist01.txt").write_text("")

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "has neither a manifest"),
        (ucf_with("Archery/2.avi"), "which is not in"),
        (ucf_with("../../etc/passwd"), "lies outside|not in"),
        (lambda root: (root / "a_test_split1.txt").write_text("x.avi 7\n"), "expected lines of a file name"),
        (lambda root: (root / "train.csv").write_text("label,id\na,b\n"), "expected the columns label, youtube_id"),
        (
            lambda root: (root / "train.csv").write_text("label,youtube_id,time_start,time_end\na,b,x,1\n"),
            "whole seconds",
        ),
        (
            lambda root: (root / "train.csv").write_text("label,youtube_id,time_start,time_end\na,b,0,1\n"),
            "none of the clips",
        ),
    ],
)
def test_what_is_wrong(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(ManifestError, match=message):
        read_dataset(tmp_path)


def test_missing_folder(tmp_path):
    with pytest.raises(ManifestError, match="does not exist"):
        read_dataset(tmp_path / "nothing")
