"""Cross-validation: train without a fold, recognise that fold as a camera would, fold by fold."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevtn._errors import ManifestError
from edgevtn._evaluate import Evaluation, evaluate
from edgevtn._manifest import Clip
from edgevtn._recognizer import Recognizer
from edgevtn._write import write_streams
from edgevtn.training.fit import fit
from edgevtn.training.loop import Run
from edgevtn.training.measure import ending_logits
from edgevtn.training.model import Decoder
from edgevtn.training.recipe import Recipe
from edgevtn.training.streams import Facts, Stream, frozen_stream, save_stream

PROTOCOL = (
    "leave one fold out; a clip's answer is the highest mean probability over its full windows (of a clip "
    "shorter than a window: the fullest), recognised by the runtime (INT8 encoder, Numba decoder) frame by "
    "frame, one window a slot; the encoder's INT8 ranges come from frames of all folds, without labels, and the "
    "recipe was chosen with these folds in view, which flatters the figure a little"
)


def crossval(
    clips: Sequence[Clip],
    recipes: Sequence[Recipe] = (Recipe(),),
    seed: int = 0,
    cache: Path | None = None,
    *,
    teachers: Sequence[Recipe] = (),
    early_stopping: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Accuracy over the folds of a manifest.

    Parameters
    ----------
    clips : sequence of Clip
        All with a fold.
    recipes : sequence of Recipe
        One, or two for a two-stream model.
    seed : int
    cache : Path, optional
        Folder that keeps features for the next time.
    teachers : sequence of Recipe
        Of streams that are trained on the same folds first, and whose mean answer each stream is to match, too.
    early_stopping : bool
        The fold after the one that is tested is not trained on, and decides when to stop.
    progress : bool
        Print each fold's accuracy.

    Raises
    ------
    ManifestError
        A clip has no fold, or there are too few of them.
    """
    folds = sorted({clip.fold or "" for clip in clips})
    if "" in folds or len(folds) < 2 + early_stopping:
        raise ManifestError(f"cross-validation needs a column fold with at least {2 + early_stopping} different values")
    labels = sorted({clip.label for clip in clips})
    teaching = [frozen_stream(clips, labels, recipe, seed, cache) for recipe in teachers]
    streams = [frozen_stream(clips, labels, recipe, seed, cache) for recipe in recipes]
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for number, fold in enumerate(folds):
            stopping = folds[(number + 1) % len(folds)] if early_stopping else None
            answers = mean_answers([(one, without(one, labels, fold, stopping, seed)) for one in teaching])
            decoders = [without(one, labels, fold, stopping, seed, answers) for one in streams]
            bundle = Path(temporary) / f"fold{number}"
            save(bundle, streams, decoders, Facts(f"without fold {fold}", "cross-validation", "none", labels, {}))
            held_out = [clip for clip in clips if clip.fold == fold]
            results.append(evaluate(Recognizer(bundle, start="repeat"), held_out))
            if progress:
                print(f"fold {fold}: {results[-1].accuracy:.1%} of {len(held_out)} clips", flush=True)
    return reduce(add, results)


def without(
    stream: Stream,
    labels: Sequence[str],
    fold: str,
    stopping: str | None,
    seed: int,
    answers: Sequence[npt.NDArray[np.float32]] | None = None,
) -> Decoder:
    """A decoder trained on all folds but one, or two: drawn clips belong to none."""
    learned = [n for n, view in enumerate(stream.features) if view.fold is None or view.fold not in (fold, stopping)]
    decoder = fit(
        [stream.features[n] for n in learned],
        labels,
        stream.recipe,
        seed,
        teacher=None if answers is None else [answers[n] for n in learned],
        held_out=[view for view in stream.features if stopping is not None and view.fold == stopping],
        run=Run(progress=False),
    )
    assert isinstance(decoder, Decoder)
    return decoder


def mean_answers(trained: Sequence[tuple[Stream, Decoder]]) -> list[npt.NDArray[np.float32]] | None:
    """Mean logits (N, K) of streams for each of their clips, which are the same ones; None of no streams."""
    if not trained:
        return None
    said = [[ending_logits(head, view, stream.recipe) for view in stream.features] for stream, head in trained]
    return [np.mean(each, axis=0) for each in zip(*said, strict=True)]


def save(folder: Path, streams: Sequence[Stream], decoders: Sequence[Decoder], facts: Facts) -> None:
    """A bundle of one stream, or of two."""
    if len(streams) == 1:
        save_stream(folder, streams[0].encoder, decoders[0], streams[0].recipe, facts, None)
        return

    def fill(place: Path) -> None:
        for stream, decoder in zip(streams, decoders, strict=True):
            save_stream(place / stream.recipe.modality, stream.encoder, decoder, stream.recipe, facts, None)

    write_streams(folder, fill)
