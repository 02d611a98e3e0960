"""The encoder: one frame's pixels in, one embedding out, on onnxruntime."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from edgevtn.bundle.facts import ENCODER, Model
from edgevtn.bundle.load import Bundle
from edgevtn.cpu import HOST_FEATURES, IS_ARM
from edgevtn.errors import BundleError

#: INT8 encoders whose weights saturate nowhere; see edgevtn.calibration.
SAFE_TARGETS = ("any", "x86")


class Encoder:
    """An onnxruntime session over buffers that are allocated once.

    Parameters
    ----------
    bundle : Bundle
    threads : int
        Threads inside one inference.
    spinning : bool
        Let idle threads spin between frames: a little faster, and it keeps `threads` cores busy all the time.

    Attributes
    ----------
    pixels : uint8 (1, 3, S, S), or by 2x2 blocks (1, 12, S / 2, S / 2)
        Write the next frame here.
    embedding : float32 (1, D), or (1, 2 D) of a model with motion input
        The last frame's embedding; overwritten by the next call.
    """

    def __init__(self, bundle: Bundle, threads: int, spinning: bool = False) -> None:
        model = bundle.model
        file = bundle.path / ENCODER
        # From bytes, which are the ones whose checksum was checked, and which cannot refer to other files.
        precise = _saturates(model)
        self._session = open_session(bundle.encoder, file, threads, spinning, precise)
        S, width = model.input_size, model.embed_dim * (2 if model.motion else 1)
        sources = 2 if model.modality == "rgbdiff" else 1
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        got = [(node.type, node.shape) for node in (*inputs, *outputs)]
        expected = [[("tensor(uint8)", shape)] * sources + [("tensor(float)", [1, width])] for shape in input_shapes(S)]
        if got not in expected:
            raise BundleError(
                f"{file}: expected the inputs and output {expected[0]}, to agree with model.json, got {got}"
            )
        self._buffers = [np.zeros(inputs[0].shape, np.uint8) for _ in range(sources)]
        self.embedding: npt.NDArray[np.float32] = np.zeros((1, width), np.float32)
        # The frame that is new in one call is the one before in the next: the buffers change places, not the pixels.
        self._bindings = [
            self._bind([node.name for node in inputs], self._buffers[n:] + self._buffers[:n], outputs[0].name)
            for n in range(sources)
        ]
        self._turn = 0

    def _bind(self, names: list[str], buffers: list[npt.NDArray[np.uint8]], output: str) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        for name, buffer in zip(names, buffers, strict=True):
            binding.bind_input(name, "cpu", 0, np.uint8, buffer.shape, buffer.ctypes.data)
        binding.bind_output(output, "cpu", 0, np.float32, self.embedding.shape, self.embedding.ctypes.data)
        return binding

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        return self._buffers[self._turn]

    @property
    def previous(self) -> npt.NDArray[np.uint8]:
        """The frame with which a model of differences compares `pixels`; may be written, too."""
        return self._buffers[self._turn - 1]

    def advance(self) -> None:
        """Make the frame in `pixels` the previous one; only a model of differences has one."""
        self._turn = (self._turn + 1) % len(self._buffers)

    def __call__(self) -> npt.NDArray[np.float32]:
        """Encode `pixels` (of a model of differences: against `previous`); returns `embedding`."""
        self._session.run_with_iobinding(self._bindings[self._turn])
        return self.embedding


def input_shapes(S: int) -> list[list[int]]:
    """What an encoder may take: planes, or planes by 2x2 blocks, which the first INT8 convolution reads faster."""
    return [[1, 3, S, S], [1, 12, S // 2, S // 2]] if S % 2 == 0 else [[1, 3, S, S]]


def _saturates(model: Model) -> bool:
    """Whether this processor would get an INT8 encoder's sums wrong; says so."""
    target = model.quantization.get("target", "any")
    if target in SAFE_TARGETS or IS_ARM or {"avx512vnni", "avxvnni"} & HOST_FEATURES:
        return False
    warnings.warn(
        f"{model.name} was made for {target}, and this x86 has no VNNI: its sums are computed in a slower way, so that "
        "they do not saturate; calibrate it with --target any",
        RuntimeWarning,
        stacklevel=5,
    )
    return True


def open_session(
    content: bytes, file: Path, threads: int, spinning: bool = False, precise: bool = False
) -> onnxruntime.InferenceSession:
    """An onnxruntime session for the CPU; `file` is for messages.

    With `precise` the 8-bit sums of an x86 without VNNI do not saturate, and take longer.

    Raises
    ------
    BundleError
        onnxruntime cannot load it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; they are raised, too
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    options.add_session_config_entry("session.x64quantprecision", str(int(precise)))
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise BundleError(f"{file}: onnxruntime cannot load it ({error})") from error
