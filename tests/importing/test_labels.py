"""Lists of labels, stored and given."""

import pytest

pytest.importorskip("onnx_ir", reason="needs the extra [import]")

from edgevtn.errors import ModelFileError
from edgevtn.importing.labels import LISTS, read_labels


@pytest.mark.parametrize(("name", "count"), LISTS.items())
def test_label_lists(name, count, shared):
    labels = read_labels(name, count)
    stored = (shared / "labels" / f"{name}.txt").read_text("utf-8").split("\n")
    assert labels == [line.strip() for line in stored if line.strip()]


def test_labels(tmp_path):
    assert read_labels(None, 101)[0] == "ApplyEyeMakeup"
    assert read_labels(None, 2) == ["class 0", "class 1"]
    (tmp_path / "two.txt").write_text("fall\nwalk\n")
    assert read_labels(str(tmp_path / "two.txt"), 2) == ["fall", "walk"]
    (tmp_path / "same.txt").write_text("walk\nwalk\n")
    for name, classes, message in (
        (str(tmp_path / "two.txt"), 3, "has 2 labels, and the model has 3"),
        (str(tmp_path / "same.txt"), 2, "more than once"),
        ("kinetics", 400, "one of kinetics400"),
        (str(tmp_path), 1, "expected a text file"),
    ):
        with pytest.raises(ModelFileError, match=message):
            read_labels(name, classes)
