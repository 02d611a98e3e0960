"""From labelled clips to a bundle: a frozen INT8 encoder, and a decoder trained on its features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx

from edgevtn._manifest import Clip
from edgevtn._write import write_bundle
from edgevtn.calibration import quantize_graph, sample_frames
from edgevtn.networks import build_encoder, project
from edgevtn.networks._efficientnet import MEAN, STD
from edgevtn.training.drawn import drawn_features
from edgevtn.training.efficientnet import pretrained_weights
from edgevtn.training.features import Extractor, Features
from edgevtn.training.fit import Recipe, fit
from edgevtn.training.model import Decoder

#: Of EfficientNet-Lite0.
INPUT_SIZE = 224
#: Calibration frames: more change the ranges no further.
CALIBRATION_FRAMES = 128
#: Jittered copies of each real clip, and drawn clips of each action.
VARIANTS, DRAWN = 6, 40


def frozen_encoder(clips: Sequence[Clip], seed: int, cache: Path | None) -> onnx.ModelProto:
    """EfficientNet-Lite0 with ImageNet weights in INT8, calibrated on frames of the clips (no labels)."""
    file = None if cache is None else cache / f"encoder-{len(clips)}-{seed}.onnx"
    if file is not None and file.exists():
        return onnx.load(file)
    pixels = sample_frames([clip.path for clip in clips], CALIBRATION_FRAMES, INPUT_SIZE, seed=seed)
    encoder = quantize_graph(build_encoder(pretrained_weights()), pixels, blocks=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(encoder, file)
    return encoder


def all_features(
    encoder: onnx.ModelProto, clips: Sequence[Clip], labels: Sequence[str], seed: int, cache: Path | None
) -> list[Features]:
    """Features of the real clips, jittered ones included, and of drawn ones."""
    extractor = Extractor(encoder, cache)
    return extractor.clips(clips, VARIANTS, seed) + drawn_features(extractor, labels, DRAWN, seed)


def save(
    folder: Path,
    encoder: onnx.ModelProto,
    decoder: Decoder,
    recipe: Recipe,
    facts: dict[str, Any],
    card: str | None,
) -> None:
    """Write the bundle of a trained decoder."""
    model = {
        "name": facts["name"],
        "source": facts["source"],
        "license": facts["license"],
        "input_size": INPUT_SIZE,
        "color_order": "RGB",
        "mean": list(MEAN),
        "std": list(STD),
        "frame_rate": recipe.frame_rate,
        "clip_len": recipe.clip_len,
        "embed_dim": recipe.embed_dim,
        "heads": recipe.heads,
        "layers": recipe.layers,
        "ffn_dim": recipe.ffn_dim,
        "attention_scale": decoder.scale,
        "layer_norm": "vtn",
        "modality": "rgb",
        "motion": recipe.motion,
        "labels": list(facts["labels"]),
        "quantization": {
            "encoder": "int8 QDQ, weights per channel, activations uint8",
            "target": "any",
            "decoder": "float32",
        },
        "accuracy": facts["accuracy"],
    }
    write_bundle(folder, model, project(encoder, *decoder.projection()).SerializeToString(), decoder.arrays(), card)


def train(
    clips: Sequence[Clip],
    output: Path,
    *,
    name: str,
    source: str,
    license: str,
    accuracy: dict[str, Any],
    seed: int = 0,
    cache: Path | None = None,
    recipe: Recipe | None = None,
) -> None:
    """Train on all clips and write a bundle with its model card.

    Parameters
    ----------
    clips : sequence of Clip
    output : Path
    name, source, license : str
        Facts for the bundle: what the clips are, and under which terms the weights may be passed on.
    accuracy : dict
        Measured beforehand by `crossval`; training on everything leaves nothing to measure on.
    seed : int
    cache : Path, optional
        Folder that keeps features for the next time.
    recipe : Recipe, optional
    """
    recipe = recipe or Recipe()
    labels = sorted({clip.label for clip in clips})
    encoder = frozen_encoder(clips, seed, cache)
    decoder = fit(all_features(encoder, clips, labels, seed, cache), labels, recipe, seed)
    source = f"EfficientNet-Lite0 (ImageNet); decoder trained on {source} and drawn figures"
    facts = {"name": name, "source": source, "license": license, "labels": labels, "accuracy": accuracy}
    save(output, encoder, decoder, recipe, facts, card(facts, recipe, len(clips), seed))


def card(facts: dict[str, Any], recipe: Recipe, clips: int, seed: int) -> str:
    """The model card, Markdown."""
    measured = "\n".join(f"- {name}: {value}" for name, value in facts["accuracy"].items())
    clip = recipe.clip_len / recipe.frame_rate
    motion = ", on embeddings and their differences" if recipe.motion else ""
    return f"""# {facts["name"]}

{facts["source"]}. Licence: {facts["license"]}.

- Encoder: EfficientNet-Lite0, {INPUT_SIZE}x{INPUT_SIZE}, frozen, INT8.
- Decoder: VTN, {recipe.layers} blocks, {recipe.heads} heads, D {recipe.embed_dim}, F {recipe.ffn_dim}{motion}.
- Clip: {recipe.clip_len} frames at {recipe.frame_rate:g} Hz, {clip:.2f} s.
- Labels: {", ".join(facts["labels"])}.
- Trained on {clips} clips with {VARIANTS} jittered copies each, and {DRAWN} drawn clips of each label; seed {seed}.
- Empty scenes and a standing figure were shown as "none of these"; the model should be unsure of them.

## Measured accuracy

{measured or "Not measured."}
"""
