"""Cross-validation: train without a fold, recognise that fold as a camera would, fold by fold."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path

from edgevtn.datasets import Clip, Evaluation, evaluate
from edgevtn.errors import ManifestError
from edgevtn.recognizer import Recognizer
from edgevtn.training.learn.measure import mean_ending_logits
from edgevtn.training.recipe import Recipe
from edgevtn.training.streams import Facts, fit_stream, frozen_stream, save_streams

PROTOCOL = (
    "leave one fold out; a clip's answer is the highest mean probability over its full windows (of a clip "
    "shorter than a window: the fullest), recognised by the runtime (INT8 encoder, Numba head) frame by "
    "frame, one window a slot; the encoder's INT8 ranges come from frames of several datasets, without labels, and the "
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
    tested: Sequence[str] | None = None,
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
        Recipes of streams that are trained on the same folds first, and whose mean answer each stream is to match, too.
    early_stopping : bool
        The fold after the one that is tested is not trained on, and decides when to stop.
    tested : sequence of str, optional
        The folds to leave out and recognise, one after the other; all if None.

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
            if tested is not None and fold not in tested:
                continue
            stopping = folds[(number + 1) % len(folds)] if early_stopping else None
            taught = [
                (fit_stream(stream, labels, seed, tested=fold, stopping=stopping), stream.recipe, stream.features)
                for stream in teaching
            ]
            answers = mean_ending_logits(taught) if taught else None
            decoders = [fit_stream(stream, labels, seed, answers, tested=fold, stopping=stopping) for stream in streams]
            bundle = Path(temporary) / f"fold{number}"
            facts = Facts(f"without fold {fold}", "cross-validation", "none", labels, {})
            save_streams(bundle, streams, decoders, facts)
            held_out = [clip for clip in clips if clip.fold == fold]
            results.append(evaluate(Recognizer(bundle, start="repeat"), held_out))
            print(f"fold {fold}: {results[-1].accuracy:.1%} of {len(held_out)} clips", flush=True)
    return reduce(add, results)
