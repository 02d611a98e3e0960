"""Facts that stand in a bundle's ``model.json``: a table says what each must be, and one function checks them all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from edgevtn.errors import BundleError, is_printable


class Fact(NamedTuple):
    """What a fact must be: in words, and as a test."""

    expected: str
    accept: Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Whether JSON gave a finite number."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 2**53
    return isinstance(value, float) and math.isfinite(value)


def is_text(value: Any) -> bool:
    """Whether JSON gave a text that is not empty, no longer than `LONGEST_TEXT`, and may be printed on a terminal."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and is_printable(value)


#: Characters of a text: names, labels, sources and licences fit on a page.
LONGEST_TEXT = 2000
TEXT = Fact(f"a text of one line, at most {LONGEST_TEXT} characters, with none that control a terminal", is_text)
POSITIVE = Fact("a number above 0", lambda value: is_number(value) and value > 0)
FLAG = Fact("true or false", lambda value: isinstance(value, bool))
OBJECT = Fact("an object", lambda value: isinstance(value, dict))


def size(low: int, high: int) -> Fact:
    """A whole number in a range."""
    return Fact(
        f"a whole number from {low} to {high}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high,
    )


def choice(*choices: str) -> Fact:
    """One of some texts."""
    return Fact(" or ".join(map(repr, choices)), lambda value: isinstance(value, str) and value in choices)


def numbers(count: int, *, positive: bool = False) -> Fact:
    """A list of so many numbers."""
    return Fact(
        f"{count} numbers{' above 0' if positive else ''}",
        lambda value: (
            isinstance(value, list)
            and len(value) == count
            and all(is_number(entry) and (entry > 0 or not positive) for entry in value)
        ),
    )


def texts(*choices: str) -> Fact:
    """A list of different texts, each one of `choices` if there are any."""
    return Fact(
        f"a list of different texts of one line{' among ' + ', '.join(choices) if choices else ''}",
        lambda value: (
            isinstance(value, list)
            and bool(value)
            and all(is_text(entry) and (not choices or entry in choices) for entry in value)
            and len(set(value)) == len(value)
        ),
    )


def shown(value: Any) -> str:
    """The beginning of a value as JSON has it, for messages."""
    try:
        return json.dumps(value)[:80]
    except RecursionError:
        return "something nested a thousand times"


def checked(facts: Any, table: Mapping[str, Fact], where: str) -> dict[str, Any]:
    """Check facts against a table; returns a copy of them.

    Parameters
    ----------
    facts : object
        As JSON gave them.
    table : mapping of str to Fact
    where : str
        For messages: the file, and the part of it.

    Raises
    ------
    BundleError
        They are no JSON object, or a fact is missing, unknown, or not what the table says.
    """
    if not isinstance(facts, dict):
        raise BundleError(f"{where}: expected an object, got {type(facts).__name__}")
    for name, fact in table.items():
        if name not in facts:
            raise BundleError(f"{where}: {name} is missing; expected {fact.expected}")
        if not fact.accept(facts[name]):
            raise BundleError(f"{where}: {name} must be {fact.expected}, got {shown(facts[name])}")
    unknown = sorted(facts.keys() - table.keys())
    if unknown:
        raise BundleError(
            f"{where}: unknown facts {unknown}; this edgevtn would ignore them, and the result might be wrong"
        )
    return dict(facts)
