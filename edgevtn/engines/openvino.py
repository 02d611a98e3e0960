"""OpenVINO's CPU plugin, an extra."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from edgevtn.arrays import Float, Pixels
from edgevtn.engines.base import Engine, Graph, Port
from edgevtn.errors import BundleError, require

#: NumPy's names of what an encoder may take and give; others are shown as OpenVINO calls them.
DTYPES = {"u8": "uint8", "f32": "float32"}
TELEMETRY = "openvino_telemetry"


def load_openvino(extra: str = "openvino") -> ModuleType:
    """The module, imported in silence.

    Importing it writes an identifier into ``~/intel`` and sends a message to its makers, unless its telemetry cannot be
    imported; it has a stub for that. Whoever imported it before us has decided otherwise.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    with _hidden(TELEMETRY):
        return require("openvino", extra)


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let imports of a module fail as they do where it is not installed, unless it is there already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # what Python documents for this
    try:
        yield
    finally:
        del sys.modules[name]


class OpenVino(Engine):
    """A compiled model, with an inference request for each call.

    Raises
    ------
    BundleError
        OpenVINO cannot load the graph, or this processor would let its 8-bit sums saturate.
    MissingExtraError
        It is not installed.
    """

    name = "openvino"

    @staticmethod
    def is_installed() -> bool:
        """Whether the extra is there; nothing is imported to know."""
        return find_spec("openvino") is not None

    def __init__(self, graph: Graph) -> None:
        openvino = load_openvino()
        if graph.precise:
            raise BundleError(
                f"{graph.file}: OpenVINO would let its 8-bit sums saturate on this processor, which has no VNNI; use "
                "engine onnxruntime, or calibrate it with --target any"
            )
        options: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": graph.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # What is not INT8 stays float32: elsewhere bfloat16 is the default, which has eight bits.
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,  # the caller, and several processes, choose the cores
        }
        try:
            core = openvino.Core()
            model = core.read_model(graph.content)
            if model.is_dynamic():
                model.reshape({port: _closed(port.partial_shape, graph.shapes) for port in model.inputs})
            self._model = core.compile_model(model, "CPU", options)
        except Exception as error:  # OpenVINO raises RuntimeError, TypeError and others of its own
            raise BundleError(f"{graph.file}: OpenVINO cannot load it ({error})") from error
        self._tensor = openvino.Tensor
        self.inputs, self.outputs = (
            [_port(port) for port in ports] for ports in (self._model.inputs, self._model.outputs)
        )

    def bind(self, pictures: Sequence[Pixels], features: Float) -> Callable[[], object]:
        """A call that reads `pictures`, one for each input, and writes `features`."""
        request = self._model.create_infer_request()
        for port, picture in zip(self._model.inputs, pictures, strict=True):
            request.set_tensor(port, self._tensor(picture, shared_memory=True))
        request.set_tensor(self._model.outputs[0], self._tensor(features, shared_memory=True))
        kept = (*pictures, features)  # the tensors know their addresses alone

        def run() -> None:
            assert kept
            request.infer()

        return run


def _closed(shape: Any, allowed: Sequence[list[int]]) -> Any:
    """The first of the allowed shapes that an open one may become; itself if there is none."""
    kind = type(shape)
    return next((kind(sides) for sides in allowed if shape.is_dynamic and shape.compatible(kind(sides))), shape)


def _port(port: Any) -> Port:
    name = port.get_element_type().get_type_name()
    axes = [axis.get_length() if axis.is_static else str(axis) for axis in port.partial_shape]
    return Port(DTYPES.get(name, name), axes)
