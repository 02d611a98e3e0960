"""The encoder: one frame's pixels in, one embedding out, on onnxruntime."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime

from edgevtn._bundle import ENCODER, Bundle
from edgevtn._errors import BundleError


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
    pixels : uint8 (1, 3, S, S)
        Write the next frame here.
    embedding : float32 (1, D)
        The last frame's embedding; overwritten by the next call.
    """

    def __init__(self, bundle: Bundle, threads: int, spinning: bool = False) -> None:
        model = bundle.model
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they are raised, too
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
        file = bundle.path / ENCODER
        try:
            # From bytes, which are the ones whose checksum was checked, and which cannot refer to other files.
            self._session = onnxruntime.InferenceSession(bundle.encoder, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise BundleError(f"{file}: onnxruntime cannot load it ({error})") from error
        S, D = model.input_size, model.embed_dim
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        got = [(node.type, node.shape) for node in (*inputs, *outputs)]
        expected = [("tensor(uint8)", [1, 3, S, S]), ("tensor(float)", [1, D])]
        if got != expected:
            raise BundleError(
                f"{file}: expected one input and one output, {expected}, to agree with model.json, got {got}"
            )
        self.pixels: npt.NDArray[np.uint8] = np.zeros((1, 3, S, S), np.uint8)
        self.embedding: npt.NDArray[np.float32] = np.zeros((1, D), np.float32)
        self._binding = self._session.io_binding()
        self._binding.bind_input(inputs[0].name, "cpu", 0, np.uint8, self.pixels.shape, self.pixels.ctypes.data)
        self._binding.bind_output(
            outputs[0].name, "cpu", 0, np.float32, self.embedding.shape, self.embedding.ctypes.data
        )

    def __call__(self) -> npt.NDArray[np.float32]:
        """Encode `pixels`; returns `embedding`."""
        self._session.run_with_iobinding(self._binding)
        return self.embedding
