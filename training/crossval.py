"""Cross-validation: train without a fold, recognise that fold as a camera would, fold by fold."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path

from edgevtn._errors import ManifestError
from edgevtn._evaluate import Evaluation, evaluate
from edgevtn._manifest import Clip
from edgevtn._recognizer import Recognizer
from edgevtn.training.fit import Recipe, fit
from edgevtn.training.train import all_features, frozen_encoder, save

PROTOCOL = (
    "leave one fold out; a clip's answer is the highest mean probability over its full windows (of a clip "
    "shorter than a window: the fullest), recognised by the runtime (INT8 encoder, Numba decoder) frame by "
    "frame; the encoder's INT8 ranges come from frames of all folds, without labels, and the recipe was chosen "
    "with these folds in view, which flatters the figure a little"
)


def crossval(
    clips: Sequence[Clip], seed: int = 0, cache: Path | None = None, recipe: Recipe | None = None
) -> Evaluation:
    """Accuracy over the folds of a manifest.

    Parameters
    ----------
    clips : sequence of Clip
        All with a fold.
    seed : int
    cache : Path, optional
        Folder that keeps features for the next time.
    recipe : Recipe, optional

    Raises
    ------
    ManifestError
        A clip has no fold, or there is only one.
    """
    folds = sorted({clip.fold or "" for clip in clips})
    if "" in folds or len(folds) < 2:
        raise ManifestError("cross-validation needs a column fold with at least two different values")
    recipe = recipe or Recipe()
    labels = sorted({clip.label for clip in clips})
    encoder = frozen_encoder(clips, seed, cache)
    features = all_features(encoder, clips, labels, seed, cache)
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for number, fold in enumerate(folds, start=1):
            # Drawn clips belong to no fold.
            decoder = fit([clip for clip in features if clip.fold != fold], labels, recipe, seed)
            bundle = Path(temporary) / f"fold{number}"
            facts = {
                "name": f"without fold {fold}", "source": "cross-validation", "license": "not for use",
                "labels": labels, "accuracy": {},
            }  # fmt: skip
            save(bundle, encoder, decoder, recipe, facts, None)
            held_out = [clip for clip in clips if clip.fold == fold]
            results.append(evaluate(Recognizer(bundle, start="repeat"), held_out))
            print(f"fold {fold}: {results[-1].accuracy:.1%} of {len(held_out)} clips", flush=True)
    return reduce(add, results)
