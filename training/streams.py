"""One stream of a model: its encoder, frozen or trained further, and the features on which its head is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from edgevtn.arrays import Float
from edgevtn.bundle import RGB, RGBDIFF, load_bundle, write_bundle, write_streams
from edgevtn.calibration import input_size, quantize_graph, sample_frames
from edgevtn.datasets import Clip
from edgevtn.files import write_whole
from edgevtn.graph.difference import of_one_picture, of_two_frames
from edgevtn.graph.facts import output_width
from edgevtn.graph.metadata import described
from edgevtn.graph.sizes import with_open_side, with_side
from edgevtn.novelty import Novelty, measure
from edgevtn.training.data.drawn import drawn_features
from edgevtn.training.data.features import Extractor, Features
from edgevtn.training.learn.fit import fit
from edgevtn.training.learn.loop import Run
from edgevtn.training.learn.model import Decoder
from edgevtn.training.pretrained import pixel_statistics, pretrained_encoder
from edgevtn.training.recipe import Recipe

#: Calibration frames: more change the ranges no further.
CALIBRATION_FRAMES = 128


@dataclass(frozen=True)
class Facts:
    """What a bundle says of itself beside what its recipe says; `command` made the model, for its card."""

    name: str
    source: str
    license: str
    labels: Sequence[str]
    accuracy: dict[str, object]
    command: str = "edgevtn.training.train"


@dataclass(frozen=True)
class Stream:
    """A recipe, its INT8 encoder (of differences: of their picture), and all clips as it sees them.

    Attributes
    ----------
    features : list of Features
        The views of each clip that the recipe asks for, as it is first; then those of drawn clips.
    """

    recipe: Recipe
    encoder: onnx.ModelProto
    features: list[Features]


def plain_encoder(recipe: Recipe) -> onnx.ModelProto:
    """The fp32 encoder with ImageNet weights; of differences as one of their picture."""
    difference = recipe.modality == RGBDIFF
    encoder = pretrained_encoder(recipe.encoder, difference=difference, pooling=recipe.pooling)
    if recipe.input_size is not None:
        encoder = with_side(with_open_side(encoder), recipe.input_size)
    return of_one_picture(encoder) if difference else encoder


def calibrated(
    encoder: onnx.ModelProto, clips: Sequence[Clip], recipe: Recipe, seed: int, cache: Path | None
) -> onnx.ModelProto:
    """An fp32 encoder in INT8; its ranges come from frames of the clips, without labels."""
    content = hashlib.sha256(encoder.SerializeToString())
    content.update(repr(([str(clip.path) for clip in clips], seed, recipe.difference_interval)).encode())
    file = None if cache is None else cache / f"encoder-{content.hexdigest()[:16]}.onnx"
    if file is not None and file.exists():
        return onnx.load(file)
    paths = [clip.path for clip in clips]
    samples = sample_frames(
        paths,
        CALIBRATION_FRAMES,
        input_size(encoder),
        seed=seed,
        difference_interval=recipe.difference_interval,
    )
    quantised = quantize_graph(encoder, [sample.pixels for sample in samples], blocks=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, quantised.SerializeToString())
    return quantised


def ships(recipe: Recipe) -> bool:
    """Whether an encoder that stays as it is, is the one that comes with edgevtn."""
    return (recipe.encoder, recipe.modality, recipe.pooling) == ("lite0", RGB, "mean")


def frozen_encoder(
    plain: onnx.ModelProto, clips: Sequence[Clip], recipe: Recipe, seed: int, cache: Path | None
) -> onnx.ModelProto:
    """The INT8 encoder with ImageNet weights.

    Where the recipe wants the encoder that ships, it is that one, so that the model shares it with others; it is
    narrowed, and its ranges come from several datasets. Otherwise `plain` is calibrated on the clips.
    """
    if ships(recipe):
        return with_side(onnx.load_from_string(load_bundle().encoder), input_size(plain))
    return calibrated(plain, clips, recipe, seed, cache)


def stream(
    encoder: onnx.ModelProto,
    clips: Sequence[Clip],
    labels: Sequence[str],
    recipe: Recipe,
    seed: int,
    cache: Path | None,
) -> Stream:
    """An INT8 encoder, and the features of the clips under it."""
    extractor = Extractor(encoder, cache, recipe.difference_interval)
    features = extractor.clips(clips, labels, recipe.variants, 1 / recipe.frame_rate, seed)
    features += drawn_features(extractor, labels, recipe.drawn, seed)
    return Stream(recipe, encoder, features)


def frozen_stream(
    clips: Sequence[Clip], labels: Sequence[str], recipe: Recipe, seed: int, cache: Path | None
) -> Stream:
    """The stream of an encoder with ImageNet weights."""
    encoder = frozen_encoder(plain_encoder(recipe), clips, recipe, seed, cache)
    return stream(encoder, clips, labels, recipe, seed, cache)


def fit_stream(
    stream: Stream,
    labels: Sequence[str],
    seed: int,
    answers: Sequence[Float] | None = None,
    *,
    tested: str | None = None,
    stopping: str | None = None,
    run: Run | None = None,
) -> Decoder:
    """A head for a stream's features, but for two folds: the one to be tested, and the one that decides when to stop.

    Drawn clips belong to no fold. `answers` are a teacher's, for all features.
    """
    unseen = {tested, stopping} - {None}
    learned = [n for n, view in enumerate(stream.features) if view.fold not in unseen]
    decoder = fit(
        [stream.features[n] for n in learned],
        labels,
        stream.recipe,
        seed,
        teacher=None if answers is None else [answers[n] for n in learned],
        held_out=[view for view in stream.features if stopping is not None and view.fold == stopping],
        run=run or Run(progress=False),
    )
    assert isinstance(decoder, Decoder)
    return decoder


def novelty_of(stream: Stream, count: int, learned: Sequence[int] | None = None) -> Novelty | None:
    """What a stream's clips, `count` of them, none changed at random, and the drawn ones are like under its encoder.

    `learned` are the clips that count; all if None.
    """
    each = 1 + stream.recipe.variants
    views = [stream.features[n * each] for n in (range(count) if learned is None else learned)]
    return measure(view.values for view in [*views, *stream.features[count * each :]])


def write_each(folder: Path, recipes: Sequence[Recipe], write: Callable[[int, Path], None]) -> None:
    """Write a bundle of one stream, or of two: `write` is given which recipe's, and the folder for it."""
    if len(recipes) == 1:
        write(0, folder)
        return

    def fill(place: Path) -> None:
        for n, recipe in enumerate(recipes):
            write(n, place / recipe.modality)

    write_streams(folder, fill)


def save_streams(folder: Path, streams: Sequence[Stream], decoders: Sequence[Decoder], facts: Facts) -> None:
    """A bundle of one stream, or of two, without a card."""

    def write(n: int, place: Path) -> None:
        save_stream(place, streams[n].encoder, decoders[n], streams[n].recipe, facts, None)

    write_each(folder, [stream.recipe for stream in streams], write)


def save_stream(
    folder: Path,
    encoder: onnx.ModelProto,
    decoder: Decoder,
    recipe: Recipe,
    facts: Facts,
    card: str | None,
    novelty: Novelty | None = None,
) -> None:
    """Write the bundle of a trained stream; `novelty` is of its clips under its encoder."""
    mean, std = pixel_statistics(recipe.encoder)
    seen: dict[str, object] = {
        "modality": recipe.modality,
        "input_size": input_size(encoder),
        "color_order": "RGB",
        "mean": list(mean),
        "std": list(std),
        "width": output_width(encoder),
    }
    shipped, opened = load_bundle(), with_open_side(encoder)
    if opened.SerializeToString() == shipped.encoder:  # as it ships, so that other models share it
        seen["sizes"], encoder = list(shipped.model.encoder.sizes), opened
    else:
        if recipe.difference_interval is not None:
            seen["difference_interval"] = recipe.difference_interval
            encoder = of_two_frames(encoder)
        encoder = described(encoder, facts.source, facts.license, seen)
    model = {
        "name": facts.name,
        "source": facts.source,
        "license": facts.license,
        "labels": list(facts.labels),
        "frame_rate": recipe.frame_rate,
        "encoder": seen,
        "head": {
            "kind": "vtn",
            "window_len": recipe.window_len,
            "embed_dim": recipe.embed_dim,
            "heads": recipe.heads,
            "layers": recipe.layers,
            "ffn_dim": recipe.ffn_dim,
            "attention_scale": decoder.scale,
            "layer_norm": "vtn",
            "motion": recipe.motion,
            "projection": True,
        },
        "quantization": {
            "encoder": "int8 QDQ, weights per channel, activations uint8",
            "target": "any",
            "head": "float32",
        },
        "accuracy": facts.accuracy,
    }
    write_bundle(folder, model, encoder.SerializeToString(), decoder.arrays(), card, novelty=novelty)
