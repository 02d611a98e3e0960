"""Cross-layer equalisation: channels of very different size cannot share one activation scale.

After Nagel et al., arXiv 1906.04721, section 4.1, on measured activations: because ``relu(a x) = a relu(x)``, each
channel between a convolution and the depthwise convolution after it can be multiplied by a factor, which goes into
the weights before and out of the weights after. Both have a scale for each output channel, so it costs them nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnx_ir as ir

from edgevtn.calibration.fit.ranges import Observed
from edgevtn.graph.edit import convolutions, editable, finished, groups, set_constant, stored

#: No channel is enlarged more: what is nearly always zero need not fill the range.
LARGEST_FACTOR = 32.0


def equalise_channels(model: onnx.ModelProto, seen: Mapping[str, Observed]) -> onnx.ModelProto | None:
    """The same function with channels of equal size before depthwise convolutions.

    Parameters
    ----------
    model : onnx.ModelProto
        fp32, constant weights.
    seen : dict of Observed
        Its activations.

    Returns
    -------
    onnx.ModelProto, optional
        None where nothing can be done.
    """
    edited = editable(model)
    changed = False
    for after in convolutions(edited):
        # A Clip (ReLU6) has a bound that would have to differ from channel to channel: onnxruntime has no such Clip.
        relu = _only_source(after, "Relu")
        before = None if relu is None else _only_source(relu, "Conv")
        w = stored(after.inputs[1])
        if relu is None or before is None or groups(after) != len(w) or w.shape[1] != 1 or len(before.inputs) < 3:
            continue
        largest = seen[str(relu.outputs[0].name)].channels
        if largest.max() <= 0:
            continue
        factor = np.clip(largest.max() / np.maximum(largest, 1e-9), 1, LARGEST_FACTOR).astype(np.float32)
        for value in before.inputs[1:3]:
            part = stored(value)
            set_constant(value, part * factor.reshape(-1, *[1] * (part.ndim - 1)))
        set_constant(after.inputs[1], w / factor[:, None, None, None])
        changed = True
    return finished(edited) if changed else None


def _only_source(node: ir.Node, kind: str) -> ir.Node | None:
    """The node of that kind that feeds this one, and no other."""
    value = node.inputs[0]
    source = None if value is None or len(value.uses()) != 1 else value.producer()
    return source if source is not None and source.op_type == kind else None
