"""`edgevtn warmup`: what it has done is done."""

import os
import subprocess
import sys

import pytest
from tiny import random_head, tiny_encoder, tiny_facts

from edgevtn.bundle import write_bundle
from edgevtn.heads.vtn import INT8_FROM_WIDTH


def kernels(cache):
    """Everything that was compiled, with the time."""
    return {file: file.stat().st_mtime_ns for file in cache.glob("kernels-*/**/*") if file.is_file()}


@pytest.fixture
def models(tmp_path):
    """A head of each kind, and one that is wide enough for int8."""
    kinds = {
        "narrow": {},
        "wide": {"embed_dim": INT8_FROM_WIDTH, "ffn_dim": INT8_FROM_WIDTH, "projection": True, "motion": "size"},
        "linear": {"kind": "linear", "statistics": ["mean", "spread"]},
    }
    for name, changes in kinds.items():
        facts = tiny_facts(name=name, **changes)
        write_bundle(tmp_path / name, facts, tiny_encoder().SerializeToString(), random_head(facts))
    return [str(tmp_path / name) for name in kinds]


def test_nothing_is_compiled_after_it(models, tmp_path):
    """Seconds of compiling, in a cache of its own: that is what it is about."""
    cache = tmp_path / "cache"
    environment = os.environ | {"EDGEVTN_CACHE": str(cache)}
    environment.pop("NUMBA_CACHE_DIR", None)

    def warmed(*more):
        command = [sys.executable, "-m", "edgevtn", "warmup", "--threads", "1", *more]
        return subprocess.run(command, env=environment, check=True, timeout=300, capture_output=True, text=True).stdout

    first = warmed()
    assert "compiling the kernels" in first
    assert "engine" in first.splitlines()[-1]
    compiled = kernels(cache)
    assert compiled
    remembered = {file: file.read_bytes() for file in cache.glob("*.json")}
    script = (
        "import sys, edgevtn, numpy as np\n"
        "for model in sys.argv[1:]:\n"
        "    recognizer = edgevtn.Recognizer(model, start='repeat', threads=1)\n"
        f"    assert model != {models[1]!r} or recognizer.precision == {'int8' if _has_dot_product() else 'fp32'!r}\n"
        "    assert recognizer(np.zeros((48, 64, 3), np.uint8), 0.0) is not None\n"
        "assert 'numba' not in sys.modules\n"
    )
    run = [sys.executable, "-c", script, "default", *models]
    subprocess.run(run, env=environment, check=True, timeout=300)
    assert kernels(cache) == compiled
    # Again: nothing is new, and the engines are not measured again.
    assert "measuring" not in warmed()
    assert kernels(cache) == compiled
    assert {file: file.read_bytes() for file in cache.glob("*.json")} == remembered


def _has_dot_product():
    from edgevtn.kernels.machine import HAS_DOT_PRODUCT

    return HAS_DOT_PRODUCT


def test_where_nothing_can_be_kept_the_status_is_1(tmp_path):
    (tmp_path / "file").write_text("no folder")
    environment = os.environ | {"EDGEVTN_CACHE": str(tmp_path / "file"), "NUMBA_DISABLE_JIT": "0"}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-m", "edgevtn", "warmup"]
    done = subprocess.run(command, env=environment, timeout=300, capture_output=True, text=True)
    assert done.returncode == 1
    assert "EDGEVTN_CACHE" in done.stderr.splitlines()[-1]


def test_a_model_that_is_none(tmp_path):
    command = [sys.executable, "-m", "edgevtn", "warmup", str(tmp_path)]
    done = subprocess.run(command, timeout=300, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error:" in done.stderr
