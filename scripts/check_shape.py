#!/usr/bin/env python3
"""What a Python file of the project must be: short, with functions of few parameters."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Lines that a reader still takes in as one idea.
LONGEST = 300
#: Parameters that a caller still keeps apart.
MOST = 10
#: Kernels take each array by itself, and the stand-in for picamera2 has picamera2's signatures.
EXEMPT = ("kernels/", "tests/support/picamera2_double.py")


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller may give."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def problems() -> Iterator[str]:
    """All of them, a line each."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if not file.is_file():  # removed, and not yet committed
            continue
        text = file.read_text("utf-8")
        lines = text.count("\n")
        if lines > LONGEST:
            yield f"{name}: has {lines} lines, more than {LONGEST}; split it by what it is about"
        if name.startswith(EXEMPT):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and parameters(node) > MOST:
                yield (
                    f"{name}:{node.lineno}: {node.name} has {parameters(node)} parameters, more than {MOST}; "
                    "put those that belong together into one"
                )


if __name__ == "__main__":
    found = list(problems())
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
