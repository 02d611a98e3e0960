"""An ONNX graph under construction, and what is known of the OpenVINO graph that it comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from edgevtn.errors import ModelFileError
from edgevtn.graph.build import Graph
from edgevtn.importing.constants import Constants
from edgevtn.importing.grids import Grid

Array = npt.NDArray[Any]


class Translation:
    """What the translations of single operations share; names are OpenVINO's, which are unique.

    Parameters
    ----------
    file : str
        For messages.

    Attributes
    ----------
    graph : Graph
    constant_value : Constants
        What an OpenVINO output is if it is constant.
    grids : dict of Grid
        Those of ONNX values that are quantised.
    factors : dict of arrays (C,)
        By which an ONNX value's channels were multiplied.
    """

    def __init__(self, file: str) -> None:
        self.graph = Graph()
        self.constant_value = Constants()
        self.grids: dict[ir.Value, Grid] = {}
        self.factors: dict[ir.Value, Array] = {}
        self._file = file
        self._values: dict[str, ir.Value] = {}

    def is_constant(self, output: Any) -> bool:
        """Whether an OpenVINO output depends on no input."""
        return self.constant_value(output) is not None

    def give(self, output: Any, value: ir.Value) -> None:
        """Say which ONNX value an OpenVINO output has become."""
        self._values[name_of(output)] = value

    def value(self, output: Any) -> ir.Value:
        """The ONNX value of an OpenVINO output; a constant is stored on the way."""
        name, constant = name_of(output), self.constant_value(output)
        if name not in self._values and constant is not None:
            self._values[name] = self.graph.constant(name, constant)
        return self._values[name]

    def constant(self, node: Any, index: int) -> Array:
        """An input of an OpenVINO node that must be constant.

        Raises
        ------
        ModelFileError
            It is computed.
        """
        value = self.constant_value(node.input(index).get_source_output())
        if value is None:
            raise self.bad(node, f"has an input {index} that is computed; only a constant can be translated")
        return value

    def integers(self, name: str, values: Any) -> ir.Value:
        """Store shapes, axes or indices."""
        return self.graph.constant(name, np.array(list(values), np.int64))

    def bad(self, node: Any, reason: str) -> ModelFileError:
        """The error that a node is refused with."""
        return ModelFileError(f"{self._file}: {node.get_type_name()} {node.get_friendly_name()!r} {reason}")


def name_of(output: Any) -> str:
    """A name for an OpenVINO output."""
    return f"{output.get_node().get_friendly_name()}:{output.get_index()}"


def shape_of(port: Any) -> list[int]:
    """The shape of an OpenVINO input or output, which must be fixed."""
    return list(port.get_partial_shape().to_shape())


def padding(node: Any) -> dict[str, Any]:
    """The padding of an OpenVINO convolution or pooling as ONNX attributes."""
    attributes = node.get_attributes()
    automatic = {"same_upper": "SAME_UPPER", "same_lower": "SAME_LOWER"}
    if attributes["auto_pad"] in automatic:
        return {"auto_pad": automatic[attributes["auto_pad"]]}
    if attributes["auto_pad"] == "valid":
        return {}
    return {"pads": [*attributes["pads_begin"], *attributes["pads_end"]]}
