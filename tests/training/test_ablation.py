"""The script behind the ablation table, on little data."""

import csv
import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pydantic")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    spec = importlib.util.spec_from_file_location("ablation", ROOT / "scripts" / "ablation.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ablation", module)
    spec.loader.exec_module(module)
    # Encoders and features are those of other tests here.
    small = {"input_size": 128, "pooling": "mean", "embed_dim": 32, "heads": 4, "layers": 1, "ffn_dim": 32, "steps": 80,
             "batch": 16, "variants": 1, "frame_rate": 12.5, "rank": 32, "drawn": 0, "emphasis": 1.0}  # fmt: skip
    module.RECIPES = {name: recipe | small for name, recipe in module.RECIPES.items()}
    return module


def shares(text):
    """Accuracy of each row."""
    return {row: float(share) for row, share in re.findall(r"^\| ([\w +,-]+?) \| ([\d.]+)% \|", text, re.M)}


def test_pictures(script, dataset, training_cache, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["ablation", "ceiling", str(dataset), "--cache", str(training_cache), "--seeds", "0",
                      "--jobs", "1", "--event", "jack"],
    )  # fmt: skip
    script.main()
    out = capsys.readouterr().out
    got = shares(out)
    assert list(got) == [
        "mean pooling", "LSTM", "VTN decoder", "VTN + embedding difference",
        "VTN + size of embedding difference", "RGB-difference", "two-stream", "VTN + embedding difference, distilled",
        "VTN decoder, distilled",
    ]  # fmt: skip
    assert got["two-stream"] == 100
    assert "jack: found, false" in out


def test_stored_features(script, tmp_path, monkeypatch, capsys):
    """Mean pooling cannot tell two classes that differ in the order of time alone; the others can."""
    rng = np.random.default_rng(0)
    values, rows = [], [("row", "label12", "label6", "player", "repetition", "fold")]
    for n in range(60):
        direction = 1 if n % 2 else -1
        ramp = direction * np.linspace(-1, 1, 16)[:, None] * np.linspace(0.5, 1, 12)
        values.append(ramp + 0.3 * rng.standard_normal((16, 12)))
        rows.append((n, "up" if n % 2 else "down", "x", n // 6, 1, n // 6 % 2))
    np.save(tmp_path / "features.npy", np.array(values, np.float16))
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    monkeypatch.setattr(sys, "argv", ["ablation", "thetis", str(tmp_path), "--seeds", "0", "--jobs", "1"])
    script.main()
    got = shares(capsys.readouterr().out)
    assert "two-stream" not in got
    assert got["mean pooling"] < 75
    assert got["VTN decoder"] > 75
    assert got["LSTM"] > 75
