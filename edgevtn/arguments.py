"""From what a caller gives to a number that is checked: one place, one sentence.

``seconds must be a number above 0, got nan`` says which argument, what was expected, and what came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from edgevtn.errors import TimestampError, one_line

#: A model that is given: a bundle's folder, or "default".
Place = str | Path
#: Threads of an encoder. One picture has no work for more; each takes a stack, and where it spins, a core.
MOST_THREADS = 128
#: Seconds, either way: 30,000 years. A float has a tenth of a millisecond there; beyond, frames would share a time.
FARTHEST = 1e12


def number(
    value: object, name: str, *, low: float = -math.inf, high: float = math.inf, above: bool = False, unit: str = ""
) -> float:
    """A finite float.

    Parameters
    ----------
    value : object
        A number of Python's or NumPy's, a fraction, a decimal, or an array of no axes.
    name, unit : str
        For messages.
    low, high : float
        The range, whose ends belong to it.
    above : bool
        `low` itself does not belong to it.

    Raises
    ------
    ValueError
        It is no number, not finite, or out of the range.
    """
    found = as_float(value)
    if found is None or not low <= found <= high or (above and found == low):
        raise ValueError(f"{name} must be {_range(low, high, above, unit)}, got {_shown(value)}")
    return found


def whole(value: object, name: str, low: int, high: int, reason: str = "") -> int:
    """A whole number in a range, whose ends belong to it; `reason` says why there is an end.

    Raises
    ------
    ValueError
        It is none: 1.5, "1" and True are not, 1.0 is not either.
    """
    plain = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(plain, bool | np.bool_) or not isinstance(plain, Integral) or not low <= int(plain) <= high:
        why = f" ({reason})" if reason else ""
        raise ValueError(f"{name} must be a whole number from {low} to {high}{why}, got {_shown(value)}")
    return int(plain)


def thread_count(value: object) -> int:
    """Threads of an encoder, 1 to `MOST_THREADS`.

    Raises
    ------
    ValueError
    """
    return whole(value, "threads", 1, MOST_THREADS, "one picture has no work for more")


def as_timestamp(value: object) -> float:
    """A frame's time, seconds.

    Raises
    ------
    TimestampError
        It is no finite number within `FARTHEST`.
    """
    if type(value) is float and -FARTHEST <= value <= FARTHEST:  # nearly always, and not so for NaN
        return value
    found = as_float(value)
    if found is not None and abs(found) <= FARTHEST:
        return found
    advice = ""
    if value is None:
        advice = (
            "; a frame of just now is recognizer(frame, time.monotonic()), frame n of 25 a second "
            "recognizer(frame, n / 25), and recognizer.stream(source) takes the source's own times"
        )
    elif found is not None:
        advice = "; are they milliseconds or less?"
    elif hasattr(value, "timestamp"):
        advice = "; give its timestamp()"
    raise TimestampError(
        f"timestamp must be finite seconds, a number of at most {FARTHEST:g}, got {_shown(value)}{advice}"
    )


def as_float(value: object) -> float | None:
    """A finite number as a float; None for everything else."""
    plain = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(plain, bool | np.bool_) or not isinstance(plain, Real | Decimal):
        return None
    try:
        found = float(plain)
    except (OverflowError, ValueError):  # 10**400, a signalling NaN
        return None
    return found if math.isfinite(found) else None


def folders(models: object) -> list[Place | None]:
    """A model, or several, as a list of their bundles; None among them for the default one.

    Raises
    ------
    ValueError
        There is none, or something among them is no folder's name.
    """
    listed = [models] if models is None or isinstance(models, str | Path) else models
    if not isinstance(listed, Sequence) or not all(each is None or isinstance(each, str | Path) for each in listed):
        raise ValueError(
            f"model must be the folder of a bundle, or a list of such folders, got {type(models).__name__}"
        )
    if not listed:
        raise ValueError("expected at least one model, got an empty list")
    return list(listed)


def _range(low: float, high: float, above: bool, unit: str) -> str:
    kind = unit or "a number"
    if math.isinf(high):
        return f"{kind}" if math.isinf(low) else f"{kind} above {low:g}" if above else f"{kind}, {low:g} or more"
    return f"{kind} above {low:g}, at most {high:g}" if above else f"{kind}, {low:g} to {high:g}"


def _shown(value: Any) -> str:
    """A value, cut; what is no number by its type as well."""
    try:
        text = one_line(repr(value))
    except Exception as error:  # whatever someone's repr raises; a number of 5000 digits has none
        text = f"something whose text cannot be had ({type(error).__name__})"
    return text if len(text) <= 60 else f"{text[:60]}..."
