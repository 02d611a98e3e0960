"""Cross-layer equalisation: channels of very different size cannot share one activation scale.

After Nagel et al., arXiv 1906.04721, section 4.1, on measured activations: because ``relu(a x) = a relu(x)``, each
channel between a convolution and the depthwise convolution after it can be multiplied by a factor, which goes into
the weights before and out of the weights after. Both have a scale for each output channel, so it costs them nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from edgevtn.calibration.fit.ranges import Observed
from edgevtn.graph.edit import constants, convolutions, groups, set_constant

#: No channel is enlarged more: what is nearly always zero need not fill the range.
LARGEST_FACTOR = 32.0


def equalised(model: onnx.ModelProto, seen: Mapping[str, Observed]) -> onnx.ModelProto | None:
    """The same function with channels of equal size before depthwise convolutions; None where nothing can be done.

    Parameters
    ----------
    model : onnx.ModelProto
        fp32, constant weights.
    seen : dict of Observed
        Its activations.
    """
    model = copy.deepcopy(model)
    stored = constants(model)
    producers = {name: node for node in model.graph.node for name in node.output}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    changed = False
    for after in convolutions(model):
        # A Clip (ReLU6) has a bound that would have to differ from channel to channel: onnxruntime has none such.
        relu = producers.get(after.input[0])
        if relu is None or relu.op_type != "Relu" or len(users[relu.output[0]]) != 1:
            continue
        before = producers.get(relu.input[0])
        if before is None or before.op_type != "Conv" or len(users[relu.input[0]]) != 1:
            continue
        w_after = numpy_helper.to_array(stored[after.input[1]])
        if groups(after) != len(w_after) or w_after.shape[1] != 1 or len(before.input) < 3:
            continue
        largest = seen[relu.output[0]].channels
        if largest.max() <= 0:
            continue
        factor = np.clip(largest.max() / np.maximum(largest, 1e-9), 1, LARGEST_FACTOR).astype(np.float32)
        for name in before.input[1:3]:
            value = numpy_helper.to_array(stored[name])
            set_constant(stored[name], value * factor.reshape(-1, *[1] * (value.ndim - 1)))
        set_constant(stored[after.input[1]], w_after / factor[:, None, None, None])
        changed = True
    return model if changed else None
