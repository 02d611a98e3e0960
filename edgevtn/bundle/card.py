"""The card of a bundle that was not trained here: what is known of it, and what is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Labels of a model whose own nobody gave.
NUMBERED = re.compile(r"class \d+")


def has_labels(labels: list[str]) -> bool:
    """Whether they are words, not the numbers that stand in for them."""
    return not all(NUMBERED.fullmatch(label) for label in labels)


def plain_card(facts: Mapping[str, Any], made_by: str) -> str:
    """The card, Markdown.

    Parameters
    ----------
    facts : mapping
        As in ``model.json``.
    made_by : str
        What was done, a sentence.
    """
    encoder, head, labels = facts["encoder"], facts["head"], list(facts["labels"])
    seconds = head["window_len"] / facts["frame_rate"]
    apart = encoder.get("difference_interval")
    sees = "frames" if apart is None else f"differences of frames {1000 * apart:g} ms apart"
    named = ", ".join(labels) if has_labels(labels) else f"{len(labels)} that nobody named; they are only numbered here"
    side = encoder["input_size"]
    quantization = "; ".join(f"{name} {value}" for name, value in facts["quantization"].items()) or "not stated"
    measured = "\n".join(f"- {name}: {value}" for name, value in facts["accuracy"].items())
    return f"""# {facts["name"]}

{facts["source"]}. Licence: {facts["license"]}.

- {made_by}
- Encoder: {encoder["width"]} features of {sees}, {side}x{side} {encoder["color_order"]}.
- Head: {head["kind"]}; window: {head["window_len"]} frames at {facts["frame_rate"]:g} Hz, {seconds:.2f} s.
- Numbers: {quantization}.
- Labels: {named}.

## Measured accuracy

{measured or "Not measured here. edgevtn eval CLIPS --model BUNDLE measures it on your own clips."}
"""
