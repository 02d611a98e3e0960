"""Each kind of head against its definition, in plain NumPy or by onnxruntime itself."""

import itertools
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tiny import WIDTH, head_facts, moving_frames, random_head, tiny_encoder, tiny_facts

import edgevtn
from edgevtn.bundle import load_bundle, write_bundle
from edgevtn.errors import BundleError
from edgevtn.heads import KINDS
from edgevtn.heads.shares import STATISTICS
from edgevtn.kernels import reference


def features(count, width=WIDTH, seed=1):
    return np.random.default_rng(seed).standard_normal((count, 1, width)).astype(np.float32)


def built(precision="fp32", **changes):
    facts = tiny_facts(**changes)
    arrays = random_head(facts)
    return head_facts(facts).build(arrays, Path("a test"), precision), arrays


def vtn(rows, arrays):
    return reference.vtn(rows, arrays, 4, WIDTH**-0.5, True)


def test_kinds_are_named_as_they_are_listed():
    assert list(KINDS) == ["vtn", "linear", "onnx"]
    for kind, facts in KINDS.items():
        assert facts.kind == kind
        assert facts.file in ("head.npz", "head.onnx")


def test_a_vtn_without_a_projection_sees_features_as_they_are():
    head, arrays = built()
    shown = features(7)
    for row in shown:
        head.push(row)
    np.testing.assert_allclose(head(), vtn(shown[-4:, 0], arrays), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("motion", ["none", "change", "size"])
def test_a_projection_is_computed_once_a_frame(motion):
    head, arrays = built(width=48, projection=True, motion=motion)
    shown = features(7, 48)[:, 0]
    for row in shown:
        head.push(row[None])
    rows = shown @ arrays["w_features"] + arrays["b_features"]
    if motion != "none":
        change = np.diff(shown, axis=0)
        rows[1:] += (np.abs(change) if motion == "size" else change) @ arrays[f"w_{motion}"]
    np.testing.assert_allclose(head(), vtn(rows[-4:], arrays), rtol=1e-4, atol=1e-4)


def test_the_first_frame_and_a_repeated_one_have_not_moved():
    head, arrays = built(width=48, projection=True, motion="change")
    first, second, third = features(3, 48)
    for _ in range(2):  # the second time after `clear`
        head.clear()
        for row in (first, second):
            head.push(row)
        head.repeat()
        head.push(third)
        still = np.concatenate([first, second, second, third])
        rows = still @ arrays["w_features"] + arrays["b_features"]
        rows[1:] += np.diff(still, axis=0) @ arrays["w_change"]
        np.testing.assert_allclose(head(), vtn(rows, arrays), rtol=1e-4, atol=1e-4)


def definition(rows, names):
    """The statistics, each by its own formula, in float64."""
    rows = rows.astype(np.float64)
    T = len(rows)
    bounds = np.cumsum([0] + [T // 3 + (n < T % 3) for n in range(3)])
    parts = [rows[a:b].mean(axis=0) if b > a else rows.mean(axis=0) for a, b in itertools.pairwise(bounds)]
    every = {
        "mean": [rows.sum(axis=0) / T],
        "spread": [np.sqrt(((rows - rows.mean(axis=0)) ** 2).sum(axis=0) / T)],
        "change": [sum(np.abs(rows[t] - rows[t - 1]) for t in range(1, T)) / max(1, T - 1) + np.zeros(rows.shape[1])],
        "segments": parts,
        "segment_changes": [parts[1] - parts[0], parts[2] - parts[1]],
    }
    return np.concatenate([part for name in STATISTICS if name in names for part in every[name]])


@settings(max_examples=30, deadline=None)
@given(
    names=st.sets(st.sampled_from(list(STATISTICS)), min_size=1).map(lambda some: [n for n in STATISTICS if n in some]),
    window_len=st.integers(1, 20),
    more=st.integers(0, 25),
    seed=st.integers(0, 99),
)
def test_a_linear_head_is_a_matrix_on_statistics(names, window_len, more, seed):
    head, arrays = built(kind="linear", statistics=names, window_len=window_len)
    shown = features(window_len + more, seed=seed)
    for row in shown:
        head.push(row)
    expected = definition(shown[-window_len:, 0], names) @ arrays["w_classes"] + arrays["b_classes"]
    np.testing.assert_allclose(head(), expected, rtol=1e-4, atol=1e-4)


def test_statistics_in_another_order_are_refused():
    facts = tiny_facts(kind="linear", statistics=["change", "mean"])
    with pytest.raises(edgevtn.BundleError, match="order"):
        head_facts(facts)


@pytest.mark.parametrize("moves", [[0.1], [0.1, -1, 0], [0.1, "x", 0], "none", None, [0.1, 1e400, 0]])
def test_moves_are_a_number_for_each_label(moves):
    with pytest.raises(edgevtn.BundleError, match="moves"):
        head_facts(tiny_facts(kind="linear", statistics=["mean"], moves=moves))


def test_calm_is_what_nothing_in_the_window_reaches():
    head, _ = built(kind="linear", statistics=["mean"], window_len=3, moves=[0.0, 0.5, 2.0])
    rows = [np.full((1, WIDTH), value, np.float32) for value in (0, 0, 1, 1, 1)]
    seen = []
    for row in rows:
        head.push(row)
        seen.append(list(head.calm()))
    assert seen == [[1, 2], [1, 2], [2], [2], [1, 2]]  # the step to 1 is seen in two windows
    head.push(rows[0] - 2)
    assert head.calm() == []
    head.repeat()
    assert head.calm() == []
    head.repeat()
    assert head.calm() == [1, 2]
    head.push(rows[0] - 9)
    head.clear()
    assert head.calm() == [1, 2]


def test_a_linear_bundle_recognises(make_bundle):
    bundle = make_bundle(kind="linear", statistics=["mean", "change"])
    assert load_bundle(bundle).head["w_classes"].shape == (2 * WIDTH, 3)
    recognizer = edgevtn.Recognizer(bundle)
    shown = ((n / 10, frame) for n, frame in enumerate(moving_frames(6)))
    assert len(list(recognizer.stream(shown))) == 3
    assert "linear, on mean, change of 32 features" in recognizer.model.head.describe()


def graph(K=3, T=4):
    w = np.random.default_rng(0).standard_normal((T * WIDTH, K)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["window"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
    ]
    made = helper.make_graph(
        nodes, "head", [helper.make_tensor_value_info("window", TensorProto.FLOAT, [1, T, WIDTH])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, K])], [numpy_helper.from_array(w, "w")],
    )  # fmt: skip
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_a_graph_is_run_as_it_is(tmp_path):
    facts = tiny_facts(kind="onnx")
    write_bundle(tmp_path / "graph", facts, tiny_encoder().SerializeToString(), graph())
    assert (tmp_path / "graph" / "head.onnx").exists()
    bundle = load_bundle(tmp_path / "graph")
    head = bundle.model.head.build(bundle.head, bundle.path, "auto")
    shown = features(6)
    for row in shown:
        head.push(row)
    session = onnxruntime.InferenceSession(graph(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"window": shown[-4:, 0][None]})
    np.testing.assert_array_equal(head(), expected[0])


def test_a_graph_of_other_shapes_is_refused(tmp_path):
    facts = tiny_facts(kind="onnx")
    write_bundle(tmp_path / "graph", facts, tiny_encoder().SerializeToString(), graph(T=5))
    with pytest.raises(BundleError, match="expected the input and output"):
        edgevtn.Recognizer(tmp_path / "graph")


def test_a_wrong_precision_is_said(make_bundle):
    with pytest.raises(ValueError, match="precision must be one of"):
        edgevtn.Recognizer(make_bundle(), precision="fp16")
