"""The encoder: prepared frames in, features out, on onnxruntime."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from edgevtn.arrays import Float, Pixels
from edgevtn.bundle import Bundle, Model
from edgevtn.bundle.facts import ENCODER
from edgevtn.cpu import IS_ARM, has_vnni
from edgevtn.errors import BundleError, NotFiniteError
from edgevtn.session import open_session

#: INT8 encoders whose weights saturate nowhere; see edgevtn.calibration.
SAFE_TARGETS = ("any", "x86")

#: Names of an encoder's open axes: a picture's sides, in pixels, and in 2x2 blocks.
SIDE, HALF_SIDE = "side", "half_side"


class Encoder:
    """An onnxruntime session, which any number of streams share; each binds arrays of its own to it.

    Parameters
    ----------
    bundle : Bundle
    threads : int
        Threads inside one inference.
    spinning : bool
        Let idle threads spin between frames: a little faster, and it keeps `threads` cores busy all the time.

    Attributes
    ----------
    input_shape : tuple of int
        (1, 3, S, S), or by 2x2 blocks (1, 12, S / 2, S / 2).

    Raises
    ------
    BundleError
        It cannot be loaded, or has other inputs or another output than the facts say.
    """

    def __init__(self, bundle: Bundle, threads: int, spinning: bool = False) -> None:
        self._file = file = bundle.path / ENCODER
        side = bundle.model.encoder.input_size
        axes = {SIDE: side, HALF_SIDE: side // 2}  # where the graph leaves them open
        self._session = open_session(bundle.encoder, file, threads, spinning, _saturates(bundle.model), axes)
        self.check(bundle)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self.input_shape = tuple(inputs[0].shape)
        self._inputs, self._output = [node.name for node in inputs], outputs[0].name
        self._width = bundle.model.encoder.width

    def check(self, bundle: Bundle) -> None:
        """Refuse a bundle whose facts do not agree with this encoder; also one that shares it with another.

        Raises
        ------
        BundleError
        """
        facts = bundle.model.encoder
        got = [(node.type, node.shape) for node in (*self._session.get_inputs(), *self._session.get_outputs())]
        pictures = 1 if facts.difference_interval is None else 2
        features = ("tensor(float)", [1, facts.width])
        expected = [[("tensor(uint8)", shape)] * pictures + [features] for shape in input_shapes(facts.input_size)]
        if got not in expected:
            raise BundleError(
                f"{bundle.path / ENCODER}: expected the inputs and output {expected[0]}, to agree with model.json, "
                f"got {got}"
            )

    def bind(self, pictures: Sequence[Pixels]) -> Callable[[], Float]:
        """A function that encodes what is in `pictures` when it is called.

        Parameters
        ----------
        pictures : sequence of uint8 arrays of `input_shape`
            One, or with differences two, the newer first. They are read where they are.

        Returns
        -------
        callable
            Gives features float32 (1, W), which its next call overwrites. It raises BundleError where the graph cannot
            be run, and NotFiniteError where a feature is no finite number.
        """
        binding = self._session.io_binding()
        for name, picture in zip(self._inputs, pictures, strict=True):
            binding.bind_input(name, "cpu", 0, np.uint8, picture.shape, picture.ctypes.data)
        features: Float = np.zeros((1, self._width), np.float32)
        binding.bind_output(self._output, "cpu", 0, np.float32, features.shape, features.ctypes.data)
        kept = list(pictures)  # the binding knows their addresses alone
        session, file = self._session, self._file

        def encode() -> Float:
            assert kept
            try:
                session.run_with_iobinding(binding)
            except Exception as error:  # onnxruntime's own exceptions share no base class
                raise BundleError(f"{file}: fails when it is run ({error}); export the model again") from error
            if not np.isfinite(features).all():
                raise NotFiniteError(f"{file}: gives features that are no finite numbers; export the model again")
            return features

        return encode


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
