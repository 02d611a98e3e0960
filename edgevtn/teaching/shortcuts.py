"""Whether labels could be told without the movement: by a first frame alone, or by how long a clip is.

Who recorded one action in the kitchen and another in the hall has taught rooms. Accuracy on clips left out does not
show that, because they share the rooms; a classifier that never sees a movement does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgevtn.arrays import Float
from edgevtn.teaching.choose import best_strength
from edgevtn.teaching.ridge import Float64, Int, Ridge, balanced, targets_of

#: Durations that differ by so much, in logarithms, hardly count as alike: takes of one action vary by a sixth.
ALIKE = 0.15
#: A shortcut that is behind by no more may be the whole of what was learned.
NEAR = 0.05
#: What it must have of the way from chance to certainty before it is a shortcut at all.
TELLING = 0.5


@dataclass(frozen=True)
class Shortcut:
    """How far one gets without the movement.

    Attributes
    ----------
    what : str
        What was looked at.
    accuracy : float
        Share of clips recognised with their group left out, labels alike, 0 to 1.
    recalls : float64 (K,)
    """

    what: str
    accuracy: float
    recalls: Float64


def shortcuts(clips: Sequence[Float], classes: Int, groups: Sequence[Int]) -> list[Shortcut]:
    """What the first frame alone and the duration alone tell.

    Parameters
    ----------
    clips : sequence of float32 (N, W)
        Rows of features at one rate.
    classes : int64 (n,)
        0 to K - 1, each in two groups or more.
    groups : sequence of int64 arrays
        Clips that are left out together.
    """
    first = np.stack([clip[0] for clip in clips]).astype(np.float64)
    first -= first.mean(axis=0)
    first = first[:, first.std(axis=0) > 0]  # differences to no frame before are all the same
    deviation = first.std(axis=0)
    first /= deviation + (float(np.median(deviation)) if first.size else 1.0)
    length = np.log([len(clip) for clip in clips])
    alike = np.exp(-0.5 * ((length[:, None] - length) / ALIKE) ** 2)
    K, weights = int(classes.max()) + 1, balanced(classes, np.ones(len(classes)))
    found = []
    for what, products in (("first frame", first @ first.T / max(1, first.shape[1])), ("duration", alike)):
        _, scores, _ = best_strength(Ridge.of(products, weights, targets_of(classes, K)), groups)
        right = scores.argmax(axis=1) == classes
        recalls = np.bincount(classes, right, K) / np.bincount(classes, minlength=K)
        found.append(Shortcut(what, float(recalls.mean()), recalls))
    return found


def suspicions(found: Sequence[Shortcut], accuracy: float, labels: Sequence[str]) -> list[str]:
    """A sentence for each shortcut that gets nearly as far as the model, which has `accuracy`."""
    advice = {
        "first frame": "these labels may differ by place, light or clothes rather than by movement; record every label "
        "in the same places",
        "duration": "these labels may differ by how long their clips are; cut clips of all labels to like lengths",
    }
    chance, sentences = 1 / len(labels), []
    for shortcut in found:
        if shortcut.accuracy < max(accuracy - NEAR, chance + TELLING * (1 - chance)):
            continue
        certain = [label for label, recall in zip(labels, shortcut.recalls, strict=True) if recall >= accuracy - NEAR]
        sentences.append(
            f"the {shortcut.what} alone tells labels apart in {shortcut.accuracy:.0%} of clips, all that was seen in "
            f"{accuracy:.0%} ({', '.join(certain)}): {advice[shortcut.what]}"
        )
    return sentences
