"""The model card: what a bundle is, what it was made from, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgevtn.training.recipe import Recipe
from edgevtn.training.streams import Facts, ships

#: What the card says of the motion input.
MOTION = {
    "none": "",
    "change": ", on embeddings and their differences",
    "size": ", on embeddings and the size of their differences",
}


def card(
    facts: Facts, recipe: Recipe, clips: int, seed: int, teachers: Sequence[str | Path] = (), *, tuned: bool = False
) -> str:
    """The model card, Markdown."""
    measured = "\n".join(f"- {name}: {value}" for name, value in facts.accuracy.items())
    seconds = recipe.window_len / recipe.frame_rate
    motion = MOTION[recipe.motion or "none"]
    apart = recipe.difference_interval
    sees = "frames" if apart is None else f"differences of frames {1000 * apart:g} ms apart"
    taught = f"\n- Taught by {', '.join(Path(teacher).name for teacher in teachers)}." if teachers else ""
    changed = f", each with {recipe.variants} copies changed at random" if recipe.variants else ""
    drawn = nothing = ""
    if recipe.drawn:
        drawn = f", and {recipe.drawn} drawn clips of each label that the drawn figure can act"
        nothing = (
            '\n- Empty scenes and a standing figure were shown as "none of these"; the model should be unsure of them.'
        )
    narrowed = ", narrowed as it ships" if ships(recipe) and not tuned else ""
    return f"""# {facts.name}

{facts.source}. Licence: {facts.license}.

- Encoder: {recipe.encoder} with ImageNet weights{narrowed}, {recipe.pooling} pooling, INT8; it sees {sees}.
- Head: VTN, {recipe.layers} blocks, {recipe.heads} heads, D {recipe.embed_dim}, F {recipe.ffn_dim}{motion}.
- Window: {recipe.window_len} frames at {recipe.frame_rate:g} Hz, {seconds:.2f} s.
- Labels: {", ".join(facts.labels)}.
- Trained on {clips} clips{changed}{drawn}; seed {seed}.{nothing}{taught}

## Made by

    {facts.command}

## Measured accuracy

{measured or "Not measured."}
"""
