"""What can be done once for a machine: kernels compiled, engines compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgevtn.bundle import Bundle, load_streams
from edgevtn.cpu import default_threads
from edgevtn.encoder import Encoder, run_of
from edgevtn.engines import ENGINES, OpenVino
from edgevtn.engines.chosen import Measurements
from edgevtn.errors import BundleError, OutputError
from edgevtn.heads import Head, HeadFacts, LinearFacts, VTNFacts
from edgevtn.heads.vtn import MOTIONS
from edgevtn.kernels.cache import cache_folder
from edgevtn.kernels.machine import INT8

#: Inferences of each engine that are measured, in turns; their median moves by about a hundredth.
ROUNDS = 60
#: Inferences before, after which caches and clocks are as they stay.
IDLE_ROUNDS = 5

Say = Callable[[str], object]


def warm(
    models: Sequence[str | Path | None] = (None,), threads: int | None = None, again: bool = False, say: Say = print
) -> None:
    """Compile every kernel into the cache, and measure the engines for the encoders of these models.

    What was done before is not done again: it then takes as long as a start.

    Parameters
    ----------
    models : sequence of path, optional
        Bundles; None is the bundled one.
    threads : int, optional
        Threads of the encoder; as `Recognizer` has them if None.
    again : bool
        Measure the engines even where they have been measured.
    say : callable
        Gets a line when something has begun or is done.

    Raises
    ------
    BundleError
        A model cannot be used.
    OutputError
        No folder can be written to, so that nothing would be kept.
    """
    bundles = [bundle for model in models for bundle in load_streams(model)]
    _compile(bundles, say)
    others = [name for name in ENGINES if name != OpenVino.name or OpenVino.is_installed()]
    if len(others) == 1:
        say(f"engine: {others[0]}, the only one that is installed")
        return
    measurements = Measurements()
    for bundle in bundles:
        run = run_of(bundle, default_threads() if threads is None else threads)
        known = None if again else measurements.of(run)
        if known is None:
            say(f"measuring the engines for {bundle.model.name}")
            measurements.remember(run, known := compare(bundle, run.threads, others))
        told = ", ".join(f"{name} {milliseconds:.2f} ms" for name, milliseconds in known.items())
        say(f"engine for {bundle.model.name}, {run.threads} threads: {measurements.fastest(run)} ({told})")


def compare(bundle: Bundle, threads: int, engines: Sequence[str]) -> dict[str, float]:
    """Processor time of an inference by engine, milliseconds: medians of `ROUNDS`, taken in turns.

    Processor time, because it is what a board has little of, and because other programs do not change it much. An
    engine that cannot run this encoder is left out.
    """
    rng = np.random.default_rng(0)
    calls: dict[str, Callable[[], Any]] = {}
    for name in engines:
        try:
            encoder = Encoder(bundle, threads, engine=name)
        except BundleError:
            if name == engines[0]:
                raise
            continue
        pictures = [rng.integers(0, 256, encoder.input_shape, np.uint8) for _ in range(encoder.pictures)]
        calls[name] = encoder.bind(pictures)
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(IDLE_ROUNDS + ROUNDS):
        for name, call in calls.items():
            begin = time.process_time()
            call()
            durations[name].append(1e3 * (time.process_time() - begin))
    return {name: float(np.median(values[IDLE_ROUNDS:])) for name, values in durations.items()}


def _compile(bundles: Sequence[Bundle], say: Say) -> None:
    """Run the head of each model, and small ones of every kind, so that a model to come finds its kernels, too."""
    if cache_folder() is None:
        raise OutputError("no folder can be written to for compiled kernels; set EDGEVTN_CACHE to one that can be")
    say("compiling the kernels; the first time it takes seconds, on a small board a minute")
    begin = time.perf_counter()
    for facts in _small_heads():
        arrays = {name: np.zeros(shape, np.float32) for name, shape in facts.shapes().items()}
        for precision in ("fp32", "int8"):
            _run(facts.build(arrays, Path(), precision), facts.width)
    for bundle in bundles:
        facts = bundle.model.head
        _run(facts.build(bundle.head, bundle.path, "auto"), facts.width)
    say(f"kernels: ready after {time.perf_counter() - begin:.1f} s")


def _small_heads() -> list[HeadFacts]:
    D = INT8.panel
    vtn: dict[str, Any] = {"embed_dim": D, "heads": 1, "layers": 1, "ffn_dim": D}
    vtn |= {"attention_scale": 1.0, "layer_norm": "vtn"}
    size: dict[str, Any] = {"width": D, "classes": 2, "window_len": 2}
    return [
        *(VTNFacts(**size, **vtn, motion=motion, projection=True) for motion in MOTIONS),
        LinearFacts(**size, statistics=("mean",)),
    ]


def _run(head: Head, width: int) -> None:
    for _ in range(2):
        head.push(np.zeros((1, width), np.float32))
    head()
