"""What runs an encoder's graph: one small interface, one module for each engine.

The same INT8 file runs on all of them, and reads and writes the same arrays. onnxruntime is the default. OpenVINO, an
extra, is faster on some processors; `edgevtn.engines.chosen` knows where that was measured.
"""

from __future__ import annotations

from collections.abc import Callable

from edgevtn.engines.base import Engine, Graph, Port
from edgevtn.engines.onnxruntime import OnnxRuntime
from edgevtn.engines.openvino import OpenVino

#: By the names that users give.
ENGINES: dict[str, Callable[[Graph], Engine]] = {OnnxRuntime.name: OnnxRuntime, OpenVino.name: OpenVino}
#: The engine that `edgevtn warmup` found faster on this machine, else onnxruntime.
AUTO = "auto"
#: What `Recognizer` takes.
CHOICES = (AUTO, *ENGINES)

__all__ = ["AUTO", "CHOICES", "ENGINES", "Engine", "Graph", "OnnxRuntime", "OpenVino", "Port"]
