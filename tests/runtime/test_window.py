"""The mirrored ring against a deque."""

from collections import deque

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgevtn.window import Window


@given(
    window_len=st.integers(1, 9),
    actions=st.lists(st.sampled_from(["push", "push", "push", "repeat", "clear"]), max_size=60),
)
def test_ring_equals_deque(window_len, actions):
    window, expected = Window(window_len, 3), deque(maxlen=window_len)
    for n, action in enumerate(actions):
        if action == "clear":
            window.clear()
            expected.clear()
        elif action == "repeat" and expected:
            window.push(window.newest)
            expected.append(expected[-1])
        else:
            row = np.full(3, n, np.float32)
            window.push(row)
            expected.append(row)
        assert len(window) == len(expected)
        assert window.full == (len(expected) == window_len)
        if expected:
            np.testing.assert_array_equal(window.rows[window_len - len(expected) :], np.array(expected))
            np.testing.assert_array_equal(window.newest[0], expected[-1])
        assert window.rows.flags.c_contiguous


def test_rows_are_a_view():
    window = Window(4, 2)
    for n in range(7):
        window.push(np.full(2, n, np.float32))
        assert np.shares_memory(window.rows, window._storage)
