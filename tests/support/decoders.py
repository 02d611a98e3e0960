"""A small VTN decoder as an OpenVINO graph, with the variations that exporters make."""

import numpy as np
import openvino

T, D, A, F, K, L = 5, 32, 4, 48, 7, 2


def _heads(w):
    return np.ascontiguousarray(w.reshape(D, A, D // A).transpose(1, 0, 2))


def random_weights(seed=0, bias=1.0):
    """As a bundle's head has them, with layer norm; `bias`: size of the classifier's."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return (rng.standard_normal(shape) / np.sqrt(shape[-2] if len(shape) > 1 else 1)).astype(np.float32)

    return {
        "position": normal(T, D), "w_q": 2 * normal(L, D, D), "w_k": 2 * normal(L, D, D), "w_v": normal(L, D, D),
        "gain_1": 1 + 0.2 * normal(L, D), "bias_1": 0.2 * normal(L, D), "w_1": normal(L, D, F), "b_1": normal(L, F),
        "w_2": normal(L, F, D), "b_2": normal(L, D), "gain_2": 1 + 0.2 * normal(L, D), "bias_2": 0.2 * normal(L, D),
        "w_classes": normal(D, K), "b_classes": bias * normal(K),
    }  # fmt: skip


def decoder_graph(
    weights, *, keys_first=False, values_first=False, key_scales=None, norm=True, activation="relu", ddof=1
):
    """(1, T, D) -> (1, K).

    `keys_first`, `values_first`: products the other way round, so that the graph has its weights in another order.
    `key_scales` (L, D / A): on the keys, instead of the one number on the scores.
    `activation`, `ddof`: others than "relu" and 1 make a decoder that is no VTN.
    """
    ops = openvino.opset13
    source = ops.parameter([1, T, D], np.float32, name="x")

    def layer_norm(x, part, block):
        if not norm:
            return x
        centred = ops.subtract(x, ops.reduce_mean(x, np.int64([2]), True))
        squares = ops.reduce_sum(ops.multiply(centred, centred), np.int64([2]), True)
        deviation = ops.sqrt(ops.divide(squares, np.float32(D - ddof)))
        normal = ops.divide(centred, ops.add(deviation, np.float32(1e-3)))
        scaled = ops.multiply(normal, weights[f"gain_{part}"][block][None, None])
        return ops.add(scaled, weights[f"bias_{part}"][block][None, None])

    def product(a, b, swapped):
        """``a @ b``, or ``(b.T @ a.T).T``."""
        if not swapped:
            return ops.matmul(a, b, False, False)
        return ops.transpose(ops.matmul(b, a, True, True), np.int64([0, 2, 1]))

    def attention(x, block):
        q, k, v = (ops.matmul(x, _heads(weights[name][block]), False, False) for name in ("w_q", "w_k", "w_v"))
        keys = ops.transpose(k, np.int64([0, 2, 1]))
        if key_scales is not None:
            keys = ops.multiply(keys, key_scales[block][None, :, None].astype(np.float32))
        scores = product(q, keys, keys_first)
        if key_scales is None:
            scores = ops.multiply(scores, np.float32(D**-0.5))
        mixed = product(ops.softmax(scores, 2), v, values_first)
        return ops.reshape(ops.transpose(mixed, np.int64([1, 0, 2])), np.int64([1, T, D]), False)

    x = ops.add(source, weights["position"][None])
    for block in range(L):
        x = layer_norm(ops.add(attention(x, block), x), "1", block)
        hidden = ops.add(ops.matmul(x, weights["w_1"][block], False, False), weights["b_1"][block][None, None])
        hidden = {"relu": ops.relu, "tanh": ops.tanh, "elu": lambda x: ops.elu(x, 1.0)}[activation](hidden)
        spread = ops.add(ops.matmul(hidden, weights["w_2"][block], False, False), weights["b_2"][block][None, None])
        x = layer_norm(ops.add(spread, x), "2", block)
    steps = ops.add(ops.matmul(x, weights["w_classes"], False, False), weights["b_classes"][None, None])
    return openvino.Model([ops.reduce_mean(steps, np.int64([1]), False)], [source], "decoder")
