"""Golden models in the shared data, and a bundle's run over stored frames."""

import numpy as np

import edgevtn

GOLDEN = ["mobilenetv2_vtn_d128_ln", "mobilenetv2_vtn_d128_noln", "mobilenetv2_vtn_rgbdiff_d128_ln"]


def run_stream(bundle, frames_rgb, slots=None):
    """Embeddings (T, D) and logits (K,) of stored frames, by the runtime; `slots`: where on the grid they lie."""
    recognizer = edgevtn.Recognizer(bundle, threads=1, precision="fp32")
    ((head,),) = [runner.heads for runner in recognizer._runners]
    for n, frame in zip(slots or range(len(frames_rgb)), frames_rgb, strict=True):
        recognizer(np.ascontiguousarray(frame[..., ::-1]), n / recognizer.model.frame_rate)
    return head.window.rows[:, : recognizer.model.head.embed_dim].copy(), head().copy()


def ir(shared, name):
    return shared / "golden" / "openvino_ir" / f"{name}.xml"
