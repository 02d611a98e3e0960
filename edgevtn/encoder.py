"""The encoder: prepared frames in, features out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from edgevtn.arrays import Float, Pixels
from edgevtn.bundle import Bundle, Model
from edgevtn.bundle.facts import ENCODER
from edgevtn.cpu import IS_ARM, has_vnni
from edgevtn.engines import AUTO, CHOICES, ENGINES, Engine, Graph, OnnxRuntime, Port
from edgevtn.engines.chosen import Measurements, Run
from edgevtn.errors import BundleError, NotFiniteError

#: INT8 encoders whose weights saturate nowhere; see edgevtn.calibration.
SAFE_TARGETS = ("any", "x86")

#: Names of an encoder's open axes: a picture's sides, in pixels, and in 2x2 blocks.
SIDE, HALF_SIDE = "side", "half_side"


class Encoder:
    """A graph on an engine, which any number of streams share; each binds arrays of its own to it.

    Parameters
    ----------
    bundle : Bundle
    threads : int
        Threads inside one inference.
    spinning : bool
        Let idle threads spin between frames: a little faster, and it keeps `threads` cores busy all the time.
    engine : {"auto", "onnxruntime", "openvino"}
        "auto" is what `edgevtn warmup` found faster for this encoder on this machine, else onnxruntime.

    Attributes
    ----------
    engine : str
        What was chosen.
    input_shape : tuple of int
        (1, 3, S, S), or by 2x2 blocks (1, 12, S / 2, S / 2).
    pictures : int
        How many of them it takes: 1, or 2, whose difference it sees.

    Raises
    ------
    BundleError
        It cannot be loaded, or has other inputs or another output than the facts say.
    MissingExtraError
        The engine is not installed.
    ValueError
        There is no such engine.
    """

    def __init__(self, bundle: Bundle, threads: int, spinning: bool = False, engine: str = OnnxRuntime.name) -> None:
        if engine not in CHOICES:
            raise ValueError(f"engine must be one of {', '.join(CHOICES)}, got {engine!r}")
        self._file = bundle.path / ENCODER
        side = bundle.model.encoder.input_size
        axes = {SIDE: side, HALF_SIDE: side // 2}  # where the graph leaves them open
        graph = Graph(
            bundle.encoder,
            bundle.path / ENCODER,
            threads,
            spinning,
            precise=_saturates(bundle.model),
            axes=axes,
            shapes=input_shapes(side),
        )
        self.engine = engine if engine != AUTO else _chosen(bundle, graph)
        self._engine: Engine = ENGINES[self.engine](graph)
        self.check(bundle)
        self.input_shape = tuple(int(axis) for axis in self._engine.inputs[0].shape)
        self.pictures = len(self._engine.inputs)
        self._width = bundle.model.encoder.width

    def check(self, bundle: Bundle) -> None:
        """Refuse a bundle whose facts do not agree with this encoder; also one that shares it with another.

        Raises
        ------
        BundleError
        """
        facts = bundle.model.encoder
        got = [*self._engine.inputs, *self._engine.outputs]
        # It takes both frames of a difference, or its picture.
        takes = (1,) if facts.difference_interval is None else (2, 1)
        features = Port("float32", [1, facts.width])
        expected = [
            [Port("uint8", list(shape))] * pictures + [features]
            for pictures in takes
            for shape in input_shapes(facts.input_size)
        ]
        if got not in expected:
            raise BundleError(
                f"{bundle.path / ENCODER}: expected the inputs and output {_said(expected[0])}, to agree with "
                f"model.json, got {_said(got)}"
            )

    def bind(self, pictures: Sequence[Pixels]) -> Callable[[], Float]:
        """A function that encodes what is in `pictures` when it is called.

        Parameters
        ----------
        pictures : sequence of uint8 arrays of `input_shape`
            As many as `pictures`; of two, the newer first. They are read where they are.

        Returns
        -------
        callable
            Gives features float32 (1, W), which its next call overwrites. It raises BundleError where the graph cannot
            be run, and NotFiniteError where a feature is no finite number.
        """
        features: Float = np.zeros((1, self._width), np.float32)
        run, file = self._engine.bind(pictures, features), self._file

        def encode() -> Float:
            try:
                run()
            except Exception as error:  # the engines' own exceptions share no base class
                raise BundleError(f"{file}: fails when it is run ({error}); export the model again") from error
            if not np.isfinite(features).all():
                raise NotFiniteError(f"{file}: gives features that are no finite numbers; export the model again")
            return features

        return encode


def _chosen(bundle: Bundle, graph: Graph) -> str:
    """What "auto" stands for; only onnxruntime can keep sums from saturating."""
    fastest = None if graph.precise else Measurements().fastest(run_of(bundle, graph.threads))
    return fastest if fastest in ENGINES else OnnxRuntime.name


def run_of(bundle: Bundle, threads: int) -> Run:
    """What is measured for an encoder, and remembered."""
    return Run(bundle.model.sha256[ENCODER], bundle.model.encoder.input_size, threads)


def _said(ports: Sequence[Port]) -> str:
    return ", ".join(f"{port.dtype} {port.shape}" for port in ports)


def input_shapes(S: int) -> list[list[int]]:
    """What an encoder may take: planes, or planes by 2x2 blocks, which the first INT8 convolution reads faster."""
    return [[1, 3, S, S], [1, 12, S // 2, S // 2]] if S % 2 == 0 else [[1, 3, S, S]]


def _saturates(model: Model) -> bool:
    """Whether this processor would get an INT8 encoder's sums wrong; says so."""
    target = model.quantization.get("target", "any")
    if target in SAFE_TARGETS or IS_ARM or has_vnni():
        return False
    warnings.warn(
        f"{model.name} was made for {target}, and this x86 has no VNNI: its sums are computed in a slower way, so that "
        "they do not saturate; calibrate it with --target any",
        RuntimeWarning,
        stacklevel=6,
    )
    return True
