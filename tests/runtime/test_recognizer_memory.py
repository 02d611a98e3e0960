"""The façade in the long run: no kernel compiles a second time, and memory does not grow."""

import gc
import os
import sys
import tracemalloc
import weakref

import psutil
from tiny import moving_frames

from edgevtn import Recognizer
from edgevtn.heads import vtn
from edgevtn.kernels.native import bind
from edgevtn.kernels.words import words_of


def test_every_kernel_has_one_compiled_signature(make_bundle, monkeypatch):
    asked = []

    def counted(name, *arguments):
        asked.append((name, words_of(arguments)[1]))
        return bind(name, *arguments)

    monkeypatch.setattr(vtn, "bind", counted)
    # Two models of different sizes, in both layer-norm kinds, and frames of every sort.
    for n, changes in enumerate([{}, {"layer_norm": "none", "window_len": 3, "layers": 1}]):
        recognizer = Recognizer(make_bundle(f"m{n}", **changes), start="repeat")
        count = len(asked)
        for k, frame in enumerate(moving_frames(8)):
            recognizer(frame, k / 10)
        assert len(asked) == count  # nothing is bound, and so nothing compiled, while frames come
    assert sorted(name for name, _ in set(asked)) == ["decode", "linear"]


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


def test_a_recogniser_goes_when_nobody_has_it(tiny):
    """With its sessions, and though no garbage is collected: a service that is reloaded makes one after another."""
    recognizer = Recognizer(tiny)
    other = recognizer.another()
    gone = [weakref.ref(thing) for thing in (recognizer, other)]
    gc.disable()
    try:
        del recognizer, other
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()
