"""Compiled kernels on disk: fresh after every change, read again without one, and without them where none can be."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import edgevtn
from edgevtn import kernels
from edgevtn.kernels import cache, fast

SCRIPT = """
import numpy as np
import numba
before = numba.config.CACHE_DIR
from edgevtn.kernels import fast
assert numba.config.CACHE_DIR == before
from edgevtn.kernels.structures import make_matrix, make_rows
x, b, out = np.ones((3, 40), np.float32), np.zeros(64, np.float32), np.empty((3, 64), np.float32)
for precision in ("fp32", "int8"):
    fast.linear(x, make_matrix(np.ones((40, 64), np.float32), precision), b, make_rows(3, 40, precision), out)
    np.testing.assert_allclose(out, 40, rtol=1e-5)
x = np.full((1, 2), -1, np.float32)
fast.rectify(x)
print(x[0, 0], *(sum(fast.linear.stats[n].values()) for n in (1, 2)))
"""


@pytest.fixture
def environment(tmp_path):
    names = ("NUMBA_CACHE_DIR", "EDGEVTN_CACHE", "XDG_CACHE_HOME")
    return {key: value for key, value in os.environ.items() if key not in names} | {
        "HOME": str(tmp_path / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",  # Python itself knows a change by the second
    }


def run(environment, script=SCRIPT, **options):
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=240, check=False,
        **options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def copy(tmp_path):
    """The package's kernels, with what they import of the rest, in a folder of their own."""
    package = tmp_path / "copy" / "edgevtn"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for module in Path(edgevtn.__file__).parent.glob("[!_]*.py"):
        shutil.copy(module, package)
    shutil.copytree(Path(kernels.__file__).parent, package / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    return package


def test_a_changed_helper_is_compiled_anew_and_an_unchanged_one_is_read(copy, environment, tmp_path):
    """In the copy, what `rectify` writes is a constant of a helper module."""
    environment = environment | {"PYTHONPATH": str(copy.parent), "EDGEVTN_CACHE": str(tmp_path / "cache")}
    source = (copy / "kernels" / "fast.py").read_text("utf-8")
    source = source.replace("import exp, float_of", "import BELOW, exp, float_of")
    assert "= np.float32(0)" in source
    (copy / "kernels" / "fast.py").write_text(source.replace("[t, c] = np.float32(0)", "[t, c] = BELOW"), "utf-8")
    helper = copy / "kernels" / "exp.py"
    plain = helper.read_text("utf-8")
    for below, hits, misses in ((0, 0, 2), (0, 2, 0), (3, 0, 2), (0, 2, 0)):
        helper.write_text(f"{plain}\n\nBELOW = np.float32({below})\n", "utf-8")
        # Not in the project's folder, whose own package would come before the copy.
        assert run(environment, cwd=tmp_path).stdout.split() == [str(float(below)), str(hits), str(misses)]
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize(
    ("chosen", "folder"),
    [
        ({}, "home/.cache/edgevtn"),
        ({"XDG_CACHE_HOME": "xdg"}, "xdg/edgevtn"),
        ({"XDG_CACHE_HOME": "xdg", "EDGEVTN_CACHE": "own"}, "own"),
        ({"EDGEVTN_CACHE": "own", "NUMBA_CACHE_DIR": "numba"}, "numba"),
    ],
)
def test_where_it_lies(chosen, folder, environment, tmp_path):
    chosen = {name: str(tmp_path / place) for name, place in chosen.items()}
    run(environment | chosen, "from edgevtn.kernels import fast")
    assert [place.name for place in (tmp_path / folder).iterdir()] == [f"kernels-{cache.sources_hash()}"]


def test_other_users_of_numba_have_their_own_folder():
    @numba.njit(cache=True)
    def mine(x):
        return x

    assert Path(mine.stats.cache_path).parent == Path(__file__).parent
    assert f"kernels-{cache.sources_hash()}" in fast.decode.stats.cache_path


def test_few_old_folders_stay(tmp_path):
    current = tmp_path / "kernels-now"
    for n, name in enumerate(["kernels-a", "kernels-b", "other", "kernels-c", "kernels-d", "kernels-now", "kernels-e"]):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (n, n))
    cache._forget_others(current)
    assert sorted(place.name for place in tmp_path.iterdir()) == [
        "kernels-c", "kernels-d", "kernels-e", "kernels-now", "other",
    ]  # fmt: skip


def test_no_locator_is_told_and_works(environment):
    script = (
        "from numba.core.caching import CacheImpl\n"
        "for locator in CacheImpl._locator_classes:\n"
        "    locator.from_function = classmethod(lambda *arguments: None)\n" + SCRIPT
    )
    done = run(environment, script)
    assert done.stderr.count("no folder is writable") == 1
    assert "NUMBA_CACHE_DIR" in done.stderr


def test_no_writable_folder_is_told_and_works(environment, tmp_path):
    (tmp_path / "file").touch()
    done = run(environment | {"EDGEVTN_CACHE": str(tmp_path / "file" / "folder")})
    assert done.stderr.count("no folder is writable") == 1
    assert "EDGEVTN_CACHE" in done.stderr
