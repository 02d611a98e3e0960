"""onnxruntime's CPU provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgevtn.arrays import Float, Pixels
from edgevtn.cpu import IS_ARM
from edgevtn.engines.base import Engine, Graph, Port
from edgevtn.session import open_session
from edgevtn.signed import HIGHEST_BIT, signed

#: NumPy's names of what an encoder may take and give; others are shown as onnxruntime calls them.
DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
#: Activations become signed before the session sees them. On ARM that saves 5 to 7 % of all instructions, and no bit of
#: the features changes; on x86 it would cost some, and rounds otherwise. docs/boards.md has the figures.
SIGNED = IS_ARM


class OnnxRuntime(Engine):
    """A session, with a binding for each call.

    Raises
    ------
    BundleError
        onnxruntime cannot load the graph.
    """

    name = "onnxruntime"

    def __init__(self, graph: Graph) -> None:
        other = signed(graph.content) if SIGNED else None
        self._signed = other is not None
        self._session = open_session(
            other or graph.content, graph.file, graph.threads, graph.spinning, graph.precise, graph.axes
        )
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._names, self._output = [node.name for node in inputs], outputs[0].name
        self.inputs, self.outputs = (
            [Port(DTYPES.get(node.type, node.type), node.shape) for node in nodes] for nodes in (inputs, outputs)
        )
        if self._signed:  # what callers give is unsigned all the same
            self.inputs = [Port("uint8", shape) for _, shape in self.inputs]

    def bind(self, pictures: Sequence[Pixels], features: Float) -> Callable[[], object]:
        """A call that reads `pictures`, one for each input, and writes `features`."""
        session, binding = self._session, self._session.io_binding()
        given = [np.empty_like(picture) for picture in pictures] if self._signed else pictures
        dtype = np.int8 if self._signed else np.uint8
        for name, picture in zip(self._names, given, strict=True):
            binding.bind_input(name, "cpu", 0, dtype, picture.shape, picture.ctypes.data)
        binding.bind_output(self._output, "cpu", 0, np.float32, features.shape, features.ctypes.data)
        kept = (*given, features)  # the binding knows their addresses alone

        def run() -> None:
            assert kept
            if self._signed:
                for picture, flipped in zip(pictures, given, strict=True):
                    np.bitwise_xor(picture, HIGHEST_BIT, out=flipped)
            session.run_with_iobinding(binding)

        return run
