"""How others go from a camera's frame to logits; one thread each, and each prepares its frames itself."""

from pathlib import Path

import cv2
import numpy as np
import openvino
from decoder_onnx import decoder_onnx
from encoders import SIZE, S, decoder_weights, encoder

T, D, L, K = SIZE
#: Frames a second that MoViNet-A0-stream looks at in its own demo, and the side of its pictures.
MOVINET_RATE, MOVINET_SIZE = 5, 172


def openvino_model(content, threads=1):
    core = openvino.Core()
    request = core.compile_model(
        core.read_model(content, b""), "CPU", {"INFERENCE_NUM_THREADS": threads}
    ).create_infer_request()
    return lambda value: request.infer({0: value})[0]


def zoo_way(name):
    """As the zoo's demo: resize the short side, crop, transpose; both networks in OpenVINO, at its defaults."""
    encode = openvino_model(encoder(name, "int8"))
    decode = openvino_model(decoder_onnx(decoder_weights(T, D, L, K), 8, D**-0.5).SerializeToString())
    embeddings = []

    def step(frame):
        H, W = frame.shape[:2]
        scale = S / min(H, W)
        small = cv2.resize(frame, (round(W * scale), round(H * scale)))
        top, left = (small.shape[0] - S) // 2, (small.shape[1] - S) // 2
        crop = small[top : top + S, left : left + S]
        rgb = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
        embeddings.append(encode(np.ascontiguousarray(rgb.transpose(2, 0, 1))[None]).copy())
        while len(embeddings) < T:
            embeddings.append(embeddings[-1])
        del embeddings[:-T]
        return decode(np.concatenate(embeddings))[0]

    return step


class MoViNet:
    """MoViNet-A0-stream on LiteRT: called with a frame, uint8 (H, W, 3) BGR, it goes one step on.

    Parameters
    ----------
    file : Path
        One of its published ``.tflite`` files.
    """

    def __init__(self, file: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._run = Interpreter(str(file), num_threads=1).get_signature_runner("call")
        details = self._run.get_input_details()
        self._first = {n: np.zeros(facts["shape"], facts["dtype"]) for n, facts in details.items() if n != "image"}
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._states = self._first

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Logits of what was seen so far."""
        image = cv2.resize(frame, (MOVINET_SIZE, MOVINET_SIZE))[..., ::-1].astype(np.float32) / 255
        self._states = self._run(image=image[None, None], **self._states)
        return self._states.pop("logits")[0]
