"""What is imported when: nobody waits for what is not needed."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "numba", "llvmlite", "onnxruntime", "cv2", "openvino", "torch", "onnx", "matplotlib", "starlette")


def imported(script, *arguments):
    """Modules that a script has imported at its end, of those that cost."""
    told = f"\nimport sys\nprint(*({set(HEAVY)!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script + told, *arguments], check=True, timeout=120, capture_output=True, text=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "script",
    [
        "import edgevtn",
        "from edgevtn import EdgeVTNError, SourceError",
        "import edgevtn; edgevtn.errors.BundleError",
        "import edgevtn.cli.main",
    ],
)
def test_nothing_that_costs_is_imported(script):
    assert imported(script) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_help_imports_nothing_that_costs(arguments):
    script = (
        "import sys\nfrom edgevtn.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code == 0"
    )
    assert imported(script, *arguments) == set()


@pytest.mark.parametrize("command", [["warmup", "--help"], ["teach", "--help"], ["train", "--help"]])
def test_a_command_that_is_not_run_imports_no_engine(command):
    script = (
        "import sys\nfrom edgevtn.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code == 0"
    )
    assert not {"numba", "onnxruntime", "cv2"} & imported(script, *command)


def test_a_recogniser_needs_no_extra(tiny):
    script = f"import edgevtn\nedgevtn.Recognizer({str(tiny)!r}, threads=1)"
    assert imported(script) & set(HEAVY[5:]) == set()
    assert "onnxruntime" in imported(script)


def test_onnxruntime_is_told_to_be_silent_whatever_is_imported_first():
    for module in ("edgevtn.errors", "edgevtn.session", "edgevtn.heads.onnx"):
        script = (
            "import os, sys\nos.environ.pop('ORT_DISABLE_TELEMETRY', None)\n"
            f"import {module}\nassert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
        )
        assert "onnxruntime" not in imported(script)


def test_public_names_and_modules_are_found_when_they_are_asked_for():
    script = (
        "import edgevtn\n"
        "assert edgevtn.sinks.Video and edgevtn.bundle.load_bundle\n"
        "assert callable(edgevtn.frames)\n"
        "assert set(edgevtn.__all__) <= set(dir(edgevtn))\n"
        "for name in ('nothing_like_it', '_private'):\n"
        "    assert not hasattr(edgevtn, name)\n"
    )
    imported(script)
