"""What writes is killed at random moments, and on full disks, a few times each; `scripts/kill` does it 200 times."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from children import child

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill"
#: What is tried together, as it shares what is imported; and what that needs. Disks are not filled under the first of
#: several: takes are so small that most of the rooms that are drawn are enough, and the minute is better spent.
TOGETHER = {
    ("record", "save", "webhook"): ["av"],
    ("mqtt",): ["paho.mqtt"],
    ("add-to",): ["onnx_ir"],
    ("fetch",): ["torch", "requests", "tqdm"],
}


@pytest.mark.parametrize("names", TOGETHER, ids="-".join)
def test_the_old_or_the_new_is_there_and_the_next_start_works(names):
    for module in TOGETHER[names]:
        pytest.importorskip(module)
    chosen = [word for name in names for word in ("--only", name)]
    done = child(
        [
            sys.executable,
            SCRIPT,
            "--times",
            str(2 * len(names)),
            "--full",
            str(max(1, len(names) - 1)),
            "--seed",
            "1",
            *chosen,
        ]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        if f"{name}: left out" not in done.stdout:
            assert f"{name:8} seed 1: 2 kills" in done.stdout, done.stdout + done.stderr
