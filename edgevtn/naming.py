"""Names that tell things apart."""

from __future__ import annotations

import itertools
from collections.abc import Container


def free_name(name: str, used: Container[str]) -> str:
    """The name, or with a number behind it, as in "hall (2)", the first that is not used yet."""
    numbered = (f"{name} ({number})" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if free not in used)
