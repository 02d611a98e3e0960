"""onnxruntime's CPU provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgevtn.arrays import Float, Pixels
from edgevtn.engines.base import Engine, Graph, Port
from edgevtn.session import open_session

#: NumPy's names of what an encoder may take and give; others are shown as onnxruntime calls them.
DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxRuntime(Engine):
    """A session, with a binding for each call.

    Raises
    ------
    BundleError
        onnxruntime cannot load the graph.
    """

    name = "onnxruntime"

    def __init__(self, graph: Graph) -> None:
        self._session = open_session(
            graph.content, graph.file, graph.threads, graph.spinning, graph.precise, graph.axes
        )
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._names, self._output = [node.name for node in inputs], outputs[0].name
        self.inputs, self.outputs = (
            [Port(DTYPES.get(node.type, node.type), node.shape) for node in nodes] for nodes in (inputs, outputs)
        )

    def bind(self, pictures: Sequence[Pixels], features: Float) -> Callable[[], object]:
        """A call that reads `pictures`, one for each input, and writes `features`."""
        session, binding = self._session, self._session.io_binding()
        for name, picture in zip(self._names, pictures, strict=True):
            binding.bind_input(name, "cpu", 0, np.uint8, picture.shape, picture.ctypes.data)
        binding.bind_output(self._output, "cpu", 0, np.float32, features.shape, features.ctypes.data)
        kept = (*pictures, features)  # the binding knows their addresses alone

        def run() -> None:
            assert kept
            session.run_with_iobinding(binding)

        return run
