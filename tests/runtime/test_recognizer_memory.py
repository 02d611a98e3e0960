"""The façade in the long run: no kernel compiles a second time, and memory does not grow."""

import gc
import os
import sys
import tracemalloc

import psutil
from tiny import moving_frames

from edgevtn import Recognizer
from edgevtn.kernels import fast


def test_every_kernel_has_one_compiled_signature(make_bundle):
    # Two models of different sizes, in both layer-norm kinds, and frames of every sort.
    for n, changes in enumerate([{}, {"layer_norm": "none", "window_len": 3, "layers": 1}]):
        recognizer = Recognizer(make_bundle(f"m{n}", **changes), start="repeat")
        for k, frame in enumerate(moving_frames(8)):
            recognizer(frame, k / 10)
    names = [name for name, kernel in vars(fast).items() if hasattr(kernel, "py_func") and name[0] != "_"]
    counts = {name: len(getattr(fast, name).signatures) for name in names}
    # What takes matrices has one for each kind of them, of which other tests may have used the other.
    kinds = {name: counts.pop(name) for name in ("block_of", "decode", "feed_forward", "linear")}
    assert min(kinds["decode"], kinds["linear"]) >= 1
    assert max(kinds.values()) <= 2, kinds
    # The other kernels are compiled inside `decode`, on their own only where other tests called them.
    assert max(counts.values()) <= 1, counts


def test_steady_state_allocates_next_to_nothing(recognizer):
    shown = moving_frames(2)

    def run(first, count):
        for n in range(first, first + count):
            recognizer(shown[n % 2], n / 10)
        gc.collect()
        # Python's cache of attributes keeps the names that Numba asks a structure for, each anew.
        getattr(sys, "_clear_internal_caches", getattr(sys, "_clear_type_cache", None))()
        return sys.getallocatedblocks()

    before = run(0, 300)
    # onnxruntime's binding holds up to a hundred small objects before it frees them together.
    assert run(300, 1000) - before < 150
    tracemalloc.start()
    run(1300, 100)
    tracemalloc.reset_peak()
    now, _ = tracemalloc.get_traced_memory()
    run(1400, 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # At any moment: a prediction, its probabilities, and small change.
    assert peak - now < 32 * 1024


def test_memory_does_not_grow(recognizer):
    shown = moving_frames(2)
    process = psutil.Process(os.getpid())

    def run(first, count):
        for n in range(first, first + count):
            recognizer(shown[n % 2], n / 10)
        gc.collect()
        return process.memory_info().rss

    begin = run(0, 500)
    assert run(500, 5000) - begin < 2 * 2**20
