"""The public face: names, documentation, what is imported."""

import doctest
import importlib
import inspect
import re
import subprocess
import sys

import pytest

import edgevtn
from edgevtn import errors


def test_names_are_sorted_and_all_there():
    names = edgevtn.__all__
    for name in names:
        getattr(edgevtn, name)  # which imports it
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
    public = {name for name, value in vars(edgevtn).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public == set(names)
    assert len(names) <= 16  # what a user has to know; the rest is in the public subpackages


@pytest.mark.parametrize("name", sorted(set(edgevtn.__all__) - {"UNKNOWN"}))
def test_public_things_are_documented(name):
    thing = getattr(edgevtn, name)
    assert inspect.getdoc(thing)
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if inspect.isfunction(value) and not member.startswith("_"):
                assert inspect.getdoc(value), f"{name}.{member}"


def test_the_error_tree_is_drawn():
    drawn = set(re.findall(r"\w+Error", errors.__doc__)) - {"ValueError", "OSError", "ImportError", "ArithmeticError"}
    public = {name for name in vars(errors) if name.endswith("Error")}
    assert drawn == public
    for name in public:
        assert issubclass(getattr(errors, name), edgevtn.EdgeVTNError)
    assert {name for name in edgevtn.__all__ if name.endswith("Error")} <= public


def test_version_is_the_packages():
    from importlib.metadata import version

    assert version("edgevtn") == edgevtn.__version__


def test_docstring_examples():
    for name in ("edgevtn", "edgevtn.recognizer"):
        module = importlib.import_module(name)
        result = doctest.testmod(
            module, extraglobs={"np": importlib.import_module("numpy"), "Recognizer": edgevtn.Recognizer}
        )
        assert result.attempted
        assert result.failed == 0


def test_the_runtime_imports_nothing_but_its_own_dependencies():
    script = """
import sys
import edgevtn
edgevtn.Recognizer()
stdlib = sys.stdlib_module_names
print(*sorted({name.partition(".")[0] for name in sys.modules} - stdlib))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    allowed = {
        "edgevtn",
        "cython_runtime",
        "numpy",
        "numba",
        "llvmlite",
        "onnxruntime",
        "cv2",
        "flatbuffers",
        "google",
        "packaging",
    }
    strange = {name for name in done.stdout.split() if not name.startswith(("_", "__editable__"))} - allowed
    # Compiled modules and path files of the environment register themselves under other names.
    assert not strange - {"distutils", "setuptools", "pkg_resources", "sitecustomize", "usercustomize", "coverage"}
    for heavy in ("torch", "onnx", "matplotlib", "scipy", "tqdm", "sympy"):
        assert heavy not in done.stdout.split()
