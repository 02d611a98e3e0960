"""What a taught model looks at, frames alone or with the differences of two, and the bundle that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgevtn.arrays import Float
from edgevtn.bundle import RGB, RGBDIFF, TWO_STREAM, Bundle, EncoderFacts, write_bundle, write_streams
from edgevtn.heads.linear import LinearFacts
from edgevtn.heads.shares import STATISTICS
from edgevtn.novelty import measure
from edgevtn.teaching.choose import Candidate
from edgevtn.teaching.features import DIFFERENCE_INTERVAL, STREAMS, ClipFeatures
from edgevtn.teaching.store import Beside

#: What is looked at where nothing is asked for. Takes left out seldom choose better: with few of them they take frames
#: alone too often, and lose half of what differences gain.
MODALITIES = (TWO_STREAM,)
#: Where a taught model comes from.
TAUGHT = "taught on clips of the user's"


def needed(modalities: Sequence[str]) -> str:
    """The modality whose features serve all of these."""
    return RGB if set(modalities) <= {RGB} else TWO_STREAM


def split(facts: LinearFacts, arrays: dict[str, Float]) -> dict[str, dict[str, Float]]:
    """A head on the features of two streams, side by side, as a head for each: the mean of their logits is its own.

    Parameters
    ----------
    facts : LinearFacts
    arrays : dict of float32 arrays
        ``w_classes`` (M, K) and ``b_classes`` (K,).

    Returns
    -------
    dict of str to dict of float32 arrays
        By the name of the stream: ``w_classes`` (M / 2, K) and ``b_classes`` (K,).
    """
    names, w, K = STREAMS[TWO_STREAM], arrays["w_classes"], facts.classes
    parts = w.reshape(sum(STATISTICS[name] for name in facts.statistics), len(names), -1, K)
    return {
        name: {"w_classes": len(names) * parts[:, n].reshape(-1, K), "b_classes": arrays["b_classes"]}
        for n, name in enumerate(names)
    }


def write_taught(
    folder: Path, encoder: Bundle, facts: dict[str, Any], seen: Candidate, head: tuple[LinearFacts, dict[str, Float]],
    learned: Sequence[ClipFeatures], group_of: Sequence[int] | None, beside: Beside,
) -> None:  # fmt: skip
    """Write a bundle of one stream, or of two that have the same encoder.

    Parameters
    ----------
    folder : Path
    encoder : Bundle
        Its encoder sees frames; facts that are not taught are kept.
    facts : dict
        What is the model's own in ``model.json``.
    seen : Candidate
        What the model looks at.
    head : (LinearFacts, dict of float32 arrays)
        With two streams of both, whose features lie side by side.
    learned : sequence of ClipFeatures
    group_of : sequence of int, optional
        Which of them were left out together; each alone if None.
    beside : dict of str to callable
        Other files, each with what writes it to the path that it is given.

    Raises
    ------
    FileExistsError, OutputError
        As `write_bundle`.
    """
    model = encoder.model
    source = model.source if model.source.startswith(TAUGHT) else f"{TAUGHT}; encoder of {model.name}"
    own = {
        "source": source,
        "license": model.license,
        "quantization": model.quantization | {"head": "float32"},
        **facts,
    }

    def write(place: Path, seen_as: EncoderFacts, arrays: dict[str, Float], beside: Beside) -> None:
        facts_of_head = replace(head[0], width=seen_as.width, moves=head[0].moves if seen_as.modality == RGB else ())
        stream = {"encoder": seen_as.to_dict(), "head": facts_of_head.to_dict()}
        rows = [clip.of(seen_as.modality, seen_as.input_size, facts["frame_rate"]) for clip in learned]
        write_bundle(place, own | stream, encoder.encoder, arrays, beside=beside, novelty=measure(rows, group_of))

    frames = replace(model.encoder, input_size=seen.size)
    if seen.modality == RGB:
        write(folder, frames, head[1], beside)
        return
    changes = replace(frames, modality=RGBDIFF, difference_interval=DIFFERENCE_INTERVAL)

    def both(fresh: Path) -> None:
        heads = split(*head)
        for stream in (frames, changes):
            write(fresh / stream.modality, stream, heads[stream.modality], {})
        for file, write_file in beside.items():
            write_file(fresh / file)

    write_streams(folder, both)
