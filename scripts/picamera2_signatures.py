#!/usr/bin/env python3
"""The signatures of picamera2 that the Pi's camera is used through, read from its source; it needs no libcamera.

    pip download --no-deps picamera2
    python scripts/picamera2_signatures.py picamera2-*.whl > tests/support/picamera2_signatures.json

The tests' stand-in for picamera2 must have these signatures.
"""

from __future__ import annotations

import ast
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

#: By class, as far as we use it or may come to use it.
METHODS = {
    "Picamera2": ("__init__", "global_camera_info", "create_video_configuration", "configure", "start",
                  "capture_request", "close"),
    "CompletedRequest": ("make_array", "get_metadata", "release"),
}  # fmt: skip


def signatures(source: str) -> dict[str, dict[str, str]]:
    """Parameters with their defaults, as text, of the `METHODS` of each class in a module's source.

    Annotations are left out; of overloads it is the implementation that counts, the last definition.
    """
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name in METHODS:
            methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
            found[node.name] = {name: parameters(methods[name]) for name in METHODS[node.name] if name in methods}
    return found


def parameters(function: ast.FunctionDef) -> str:
    """What stands between a function's parentheses; of a static method with that word before it."""
    arguments = function.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in function.decorator_list)
    return ("static: " if static else "") + ast.unparse(arguments)


def of_wheel(wheel: Path) -> dict[str, Any]:
    """The package's version, and the signatures of all its modules."""
    result: dict[str, Any] = {"version": wheel.name.split("-")[1]}
    with zipfile.ZipFile(wheel) as archive:
        for module in ("picamera2", "request"):
            result |= signatures(archive.read(f"picamera2/{module}.py").decode())
    for name, methods in METHODS.items():
        missing = set(methods) - result.get(name, {}).keys()
        if missing:
            raise ValueError(f"{wheel}: expected {', '.join(sorted(missing))} in {name}")
    return result


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print(json.dumps(of_wheel(Path(sys.argv[1])), indent=1))
